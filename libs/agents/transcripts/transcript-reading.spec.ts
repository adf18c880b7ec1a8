import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTranscripts } from './read-transcripts.js';
import { claudeCode, fileOf } from './spec-lines.js';
import { ReadingFailed } from './transcript-reader.js';
import { TranscriptReading, type ReadingSource } from './transcript-reading.js';
import type { Transcript, TranscriptFile } from './transcript.js';
import { TooManyWaiting } from './turns.js';

const LIMITS = { processes: 1, waiting: 1, heapMb: 200, patienceMs: 60_000 };
const { signal } = new AbortController();
const PICTURE = { type: 'base64', media_type: 'image/png', data: Buffer.alloc(20_000, 7).toString('base64') };

let folder: string;
const open: number[] = [];
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'makima-reading-'))));
afterEach(() => {
  for (const descriptor of open.splice(0)) closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

/** Files one after the other in a file on disk, as they are uploaded. */
function sourceOf(...files: readonly TranscriptFile[]): ReadingSource {
  const path = join(folder, String(open.length));
  writeFileSync(path, Buffer.concat(files.map(({ bytes }) => bytes)));
  open.push(openSync(path, 'r'));
  let from = 0;
  const placed = files.map((file) => {
    const size = file.bytes.length;
    from += size;
    return { name: file.name, bytes: file.bytes, size, from: from - size };
  });
  return { files: placed, descriptor: open.at(-1)! };
}

/** More than is read in this process, of everything that must come through whole. */
function big(messages = 1_000): TranscriptFile {
  const lines = claudeCode();
  for (let n = 0; n < messages; n += 1) {
    lines.user(`u${n}`, `prompt ${n} \u0000 \ud800 é 漢 🙂 ${'.'.repeat(500)}`);
    lines.calls(`c${n}`, `m${n}`, `call-${n}`, 'Edit', { n, deep: [{ a: null }] });
    lines.result(`r${n}`, `call-${n}`, [{ type: 'text', text: 'y'.repeat(600) }]);
  }
  lines.text(
    '{"type":"user","uuid":"x","__proto__":{"polluted":true},"message":{"role":"user","content":1}}',
  );
  lines.text('not JSON');
  lines.user('picture', [{ type: 'image', source: PICTURE }]);
  return lines.file();
}

const nested = (count: number): string => `{"type":"user","uuid":"x","message":[${'{},'.repeat(count)}0]}\n`;

function inThisProcess(...files: readonly TranscriptFile[]): readonly Transcript[] {
  return [...readTranscripts(files)].flatMap((read) => (read.kind === 'transcript' ? [read.transcript] : []));
}

/** How often others had their turn while something was done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await work;
  isOver = true;
  return turns;
}

describe('reading transcripts in a process of its own', () => {
  it('gives what reading them here gives', async () => {
    const other = fileOf('notes.txt', 'nothing');
    const file = big();
    const reading = await new TranscriptReading(LIMITS).open(sourceOf(other, file), signal);
    expect(reading.survey.refused).toEqual([{ name: 'notes.txt', reason: 'no line of it is a JSON object' }]);
    expect(reading.survey.found).toHaveLength(1);
    expect([await reading.take(0)]).toEqual(inThisProcess(file));
    reading.close();
  });

  it('leaves others their turn meanwhile, which reading a small file here does not', async () => {
    const opened = async (file: TranscriptFile): Promise<void> =>
      (await new TranscriptReading(LIMITS).open(sourceOf(file), signal)).close();
    expect(await turnsDuring(opened(big()))).toBeGreaterThan(10);
    expect(await turnsDuring(opened(big(10)))).toBe(0);
  });

  it('hands out several, read again in their turn', async () => {
    const files = [big(), claudeCode().user('a', 'one').says('b', 'm', 'two').file('other.jsonl')];
    const reading = await new TranscriptReading(LIMITS).open(sourceOf(...files), signal);
    const expected = inThisProcess(...files);
    for (const index of [1, 0]) expect(await reading.take(index)).toEqual(expected[index]);
    reading.close();
  });

  it('says which file needs too much memory, and lives', async () => {
    const reading = new TranscriptReading({ ...LIMITS, heapMb: 40 });
    const hostile = sourceOf(big(10), fileOf('hostile.jsonl', nested(1_500_000)));
    await expect(reading.open(hostile, signal)).rejects.toThrow(
      new ReadingFailed('hostile.jsonl: reading it takes more than 40 MB of memory.'),
    );
    // The one turn that there is has ended with it.
    (await reading.open(sourceOf(big()), signal)).close();
  });

  it('gives up a file that takes too long', async () => {
    const reading = new TranscriptReading({ ...LIMITS, patienceMs: -1e6 });
    await expect(reading.open(sourceOf(big()), signal)).rejects.toThrow('takes too long');
  });

  it('ends when nobody waits for it, whether it has begun or not', async () => {
    const reading = new TranscriptReading(LIMITS);
    const gone = new AbortController();
    const begun = reading.open(sourceOf(big(20_000)), gone.signal);
    const waiting = reading.open(sourceOf(big()), gone.signal);
    await expect(reading.open(sourceOf(big()), signal)).rejects.toThrow(TooManyWaiting);
    gone.abort();
    await expect(begun).rejects.toThrow('aborted');
    await expect(waiting).rejects.toThrow('aborted');
    const next = await reading.open(sourceOf(big()), signal);
    next.close();
    await expect(next.take(0)).rejects.toThrow(ReadingFailed);
  });
});
