import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { claudeCode, SESSION, type ClaudeCodeLines } from '#libs/agents/transcripts/spec-lines.js';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import type { ImportReport } from './import.report.js';
import { filesBelow, FILES, framed, imported, send, unaccounted, type SentFile } from './spec-import.js';

const SAMPLES = fileURLToPath(new URL('../../agents/transcripts/samples', import.meta.url));
const fileOf = (lines: ClaudeCodeLines, name = `${SESSION}.jsonl`): SentFile => lines.file(name);

let app: TestApp;
/** An owner of its own for each test: sessions of one don't meet those of another. */
const owner = (): Promise<TestCaller> => app.secondOwner(`owner ${Math.random()}`);

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

describe('what cannot be imported', () => {
  it.each([
    ['no transcript', 'hello', 'no line of it is a JSON object'],
    ['nothing', '', 'the file is empty'],
    [
      'another format',
      '{"type":"session","id":"x"}\n',
      'not supported (supported are Claude Code, Codex and Gemini CLI)',
    ],
    [
      'titles alone',
      `${JSON.stringify({ type: 'summary', summary: 'x', leafUuid: 'y' })}\n`,
      'nobody says anything',
    ],
  ])('is refused with its name and the reason: %s', async (_, text, reason) => {
    const answer = await send(app, Buffer.from(text), { name: 'notes.jsonl' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'IMPORT_UNREADABLE' } });
    expect(answer.body['detail']).toContain('notes.jsonl');
    expect(answer.body['detail']).toContain(reason);
  });

  it('does not keep others from being imported', async () => {
    const alice = await owner();
    const report = await imported(alice, [
      { name: 'notes.txt', bytes: Buffer.from('hello') },
      fileOf(claudeCode().user('u1', 'fix it').text('{"type":"user",').text('').text('[]')),
    ]);
    expect(report.refused).toMatchObject([{ name: 'notes.txt' }]);
    expect(report.transcripts[0]!.lines).toMatchObject({ lines: 4, imported: 1, blank: 1, invalidCount: 2 });
    expect(report.transcripts[0]!.lines.invalid.map(({ line }) => line)).toEqual([2, 4]);
    expect(unaccounted(report)).toBe(0);
  });

  it.each([
    ['a body of another kind', { 'content-type': 'application/json' }, '{}', 415],
    ['an unknown encoding', { 'content-encoding': 'br' }, 'x', 415],
    ['damaged gzip data', { 'content-encoding': 'gzip' }, 'x', 400],
    ['broken frames', { 'content-type': FILES }, 'x', 422],
  ])('is %s', async (_, headers, body, status) => {
    expect((await send(app, Buffer.from(body), {}, headers)).status).toBe(status);
  });

  it('is an unknown parameter, or one that is wrong', async () => {
    expect(await send(app, Buffer.from('x'), { nam: 'x' })).toMatchObject({ status: 422 });
    expect(await send(app, Buffer.from('x'), { dry_run: 'maybe' })).toMatchObject({ status: 422 });
  });
});

describe('on the wire', () => {
  it('takes packed bodies', async () => {
    const alice = await owner();
    const packed = gzipSync(framed(filesBelow(`${SAMPLES}/gemini-cli`)));
    const answer = await send(alice, packed, {}, { 'content-type': FILES, 'content-encoding': 'gzip' });
    expect(answer.status).toBe(200);
    expect((answer.body as object as ImportReport).totals.transcripts).toBe(2);
  });

  it('tells how far it is, then the report, line by line', async () => {
    const alice = await owner();
    const headers = { 'content-type': FILES, accept: 'application/x-ndjson' };
    const body = framed(filesBelow(SAMPLES));
    const response = await alice.fetch('/api/v1/import', {
      method: 'POST',
      body: new Uint8Array(body),
      headers,
    });
    expect(response.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.slice(0, -1).every((line) => 'progress' in line)).toBe(true);
    expect(lines[0]).toMatchObject({ progress: { done: 0, file: expect.any(String) } });
    expect(lines.at(-1)).toMatchObject({ report: { dryRun: false } });
  });

  it('answers what is wrong from the start like any other request', async () => {
    const answer = await send(app, Buffer.from('x'), {}, { accept: 'application/x-ndjson' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'IMPORT_UNREADABLE' } });
  });
});
