import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from '../usage-error.js';
import { batchesOf, filesBody, transcriptFiles, type FoundFile } from './transcript-files.js';

describe('transcripts on disk', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'makima-transcripts-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (name: string, content = '{}\n'): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  const names = (files: readonly FoundFile[]): readonly string[] => files.map(({ name }) => name);

  it('are a file with its sub-agents and outputs', async () => {
    const main = put('p/s1.jsonl', 'abc');
    put('p/s1/subagents/agent-1.jsonl');
    put('p/s1/tool-results/out.txt');
    put('p/s2.jsonl');
    const found = await transcriptFiles(main);
    expect(names(found)).toEqual(['s1.jsonl', 's1/subagents/agent-1.jsonl', 's1/tool-results/out.txt']);
    expect(found[0]?.bytes).toBe(3);
  });

  it('are all in a folder that may be transcripts, by names that begin with the folder', async () => {
    put('p/a.jsonl');
    put('p/deep/b.json');
    put('p/c.jsonl.zst');
    put('p/README.md');
    put('p/node_modules/x.json');
    const root = join(folder, 'p');
    expect(names(await transcriptFiles(root))).toEqual(['p/a.jsonl', 'p/c.jsonl.zst', 'p/deep/b.json']);
  });

  it('are not reached through links', async () => {
    put('outside/secret.jsonl');
    put('p/a.jsonl');
    symlinkSync(join(folder, 'outside'), join(folder, 'p/link'));
    symlinkSync(join(folder, 'outside/secret.jsonl'), join(folder, 'p/secret.jsonl'));
    expect(names(await transcriptFiles(join(folder, 'p')))).toEqual(['p/a.jsonl']);
  });

  it('are missed with a reason', async () => {
    put('empty/README.md');
    await expect(transcriptFiles(join(folder, 'nowhere'))).rejects.toThrow(UsageError);
    await expect(transcriptFiles(join(folder, 'empty'))).rejects.toThrow('holds no transcripts');
  });

  it('go in one request as a rule', async () => {
    put('p/a.jsonl');
    put('p/b.jsonl');
    expect(await batchesOf(await transcriptFiles(join(folder, 'p')))).toHaveLength(1);
  });

  it('stay together by session where they need several requests', async () => {
    put('p/a.jsonl', 'x'.repeat(60));
    put('p/a/subagents/agent-1.jsonl', 'x'.repeat(60));
    put('p/agent-2.jsonl', '{"type":"user","sessionId":"b"}');
    put('p/b.jsonl', 'x'.repeat(60));
    const batches = await batchesOf(await transcriptFiles(join(folder, 'p')), { bytes: 100, files: 100 });
    expect(batches.map(names)).toEqual([
      ['p/a/subagents/agent-1.jsonl', 'p/a.jsonl'],
      ['p/agent-2.jsonl', 'p/b.jsonl'],
    ]);
    const few = await batchesOf(await transcriptFiles(join(folder, 'p')), { bytes: 1_000, files: 2 });
    expect(few).toHaveLength(2);
  });

  async function body(
    files: readonly FoundFile[],
  ): Promise<{ readonly text: string; readonly told: number }> {
    const pieces: Uint8Array[] = [];
    let told = 0;
    for await (const piece of filesBody(files, (bytes) => (told += bytes))) pieces.push(piece);
    return { text: Buffer.concat(pieces).toString('utf8'), told };
  }

  it('are sent one after the other, each with a head that says how long it is', async () => {
    put('p/a.jsonl', 'één\n');
    put('p/empty.jsonl', '');
    expect(await body(await transcriptFiles(join(folder, 'p')))).toEqual({
      text: '{"name":"p/a.jsonl","bytes":6}\néén\n{"name":"p/empty.jsonl","bytes":0}\n',
      told: 6,
    });
  });

  it('that grow meanwhile are sent as long as they were', async () => {
    const path = put('p/a.jsonl', 'abc');
    const found = await transcriptFiles(path);
    appendFileSync(path, 'more');
    expect((await body(found)).text).toBe('{"name":"a.jsonl","bytes":3}\nabc');
  });

  it('that become shorter are not sent with a wrong length', async () => {
    const path = put('p/a.jsonl', 'abc');
    const found = await transcriptFiles(path);
    truncateSync(path, 1);
    await expect(body(found)).rejects.toThrow('became shorter');
  });
});
