import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImportCount, ImportedTranscript, ImportReport } from '#libs/client/types-import.js';
import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand } from '../testing/run-command.js';
import { CONTRACT_ID, OTHER_TASK_ID, TASK_ID } from '../testing/samples.js';

const none: ImportCount = { total: 0, new: 0, amended: 0, known: 0, inherited: 0, notImported: 0 };
const fresh = (total: number): ImportCount => ({ ...none, total, new: total });

const session = (more: object = {}) => ({
  sessionId: 's-1',
  title: 'Fix the login',
  taskId: TASK_ID,
  outcome: 'created' as const,
  status: 'completed',
  messages: fresh(9),
  toolResults: fresh(4),
  rewinds: none,
  keptLines: none,
  ...more,
});

const transcript = (more: Partial<ImportedTranscript> = {}): ImportedTranscript => ({
  agent: 'claude-code',
  files: ['p/a.jsonl'],
  contractId: CONTRACT_ID,
  contractCreated: true,
  sessions: [
    session(),
    session({
      sessionId: 'agent-1',
      parentSessionId: 's-1',
      taskId: OTHER_TASK_ID,
      title: 'Explore',
      outcome: 'updated',
      messages: { ...fresh(5), new: 2, known: 3 },
      toolResults: none,
    }),
  ],
  lines: {
    lines: 30,
    imported: 16,
    raw: { summary: 2 },
    skipped: { progress: 9 },
    blank: 1,
    invalid: [
      { line: 7, file: 'p/a.jsonl', reason: 'not JSON' },
      { line: 8, reason: 'not JSON' },
    ],
    invalidCount: 2,
    notes: {},
    notImported: 0,
  },
  ...more,
});

const report = (more: Partial<ImportReport> = {}): ImportReport => ({
  dryRun: false,
  position: '77',
  transcripts: [transcript()],
  refused: [],
  totals: {
    transcripts: 1,
    sessions: 2,
    lines: 30,
    imported: 16,
    raw: 2,
    skipped: 9,
    blank: 1,
    invalid: 2,
    notImported: 0,
    messages: { ...none, total: 14, new: 11, known: 3 },
    toolResults: fresh(4),
    rewinds: none,
    keptLines: none,
  },
  ...more,
});

const answered =
  (...lines: readonly object[]) =>
  (_: unknown, response: ServerResponse): undefined =>
    void response
      .writeHead(200, { 'Content-Type': 'application/x-ndjson' })
      .end(lines.map((one) => `${JSON.stringify(one)}\n`).join(''));

describe('makima import', () => {
  let fake: FakeMakima;
  let folder: string;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake.on(
      'POST /api/v1/import',
      answered({ progress: { done: 1, total: 2, file: 'p/a.jsonl' } }, { report: report() }),
    );
    folder = mkdtempSync(join(tmpdir(), 'makima-import-'));
    mkdirSync(join(folder, 'p'));
    writeFileSync(join(folder, 'p/a.jsonl'), 'abc');
    writeFileSync(join(folder, 'p/b.jsonl'), 'de');
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    await fake.stop();
  });

  it('sends a folder with the names of its files, and says what became of every line', async () => {
    const { code, out, err } = await runCommand(fake.url, [
      'import',
      join(folder, 'p'),
      '--contract',
      CONTRACT_ID,
    ]);
    expect(code).toBe(0);
    expect(fake.last).toMatchObject({
      query: { contract_id: CONTRACT_ID },
      body: '{"name":"p/a.jsonl","bytes":3}\nabc{"name":"p/b.jsonl","bytes":2}\nde',
      headers: { 'content-type': 'application/vnd.makima.files', accept: 'application/x-ndjson' },
    });
    expect(out).toMatch(
      /^ +task +agent +messages +results +title\ncreated +\S+0001 +claude-code +9 +4 +Fix the login\nupdated +\S+0002 +claude-code +\+2 of 5 +0 +└ Explore\n/,
    );
    expect(out).toContain('✓ imported 15 new entries in 2 sessions; 3 were there already\n');
    expect(out).toContain(
      '30 = 16 imported + 2 kept as they are + 9 with nothing to keep + 1 blank + 2 invalid\n',
    );
    expect(out).toContain('2 invalid lines:\n  p/a.jsonl:7 not JSON\n  p/a.jsonl:8 not JSON\n');
    expect(err).toBe(`read it with: makima task history ${TASK_ID}\n`);
  });

  it('says with --dry-run what would be new', async () => {
    fake.on('POST /api/v1/import', answered({ report: report({ dryRun: true }) }));
    const { out, err } = await runCommand(fake.url, ['import', join(folder, 'p/a.jsonl'), '--dry-run'], {
      env: { MAKIMA_CONTRACT_ID: CONTRACT_ID },
    });
    expect(fake.last).toMatchObject({
      query: { contract_id: CONTRACT_ID, dry_run: 'true' },
      body: '{"name":"a.jsonl","bytes":3}\nabc',
    });
    expect(out).toContain('would import 15 new entries');
    expect(err).toBe(`into contract ${CONTRACT_ID} (MAKIMA_CONTRACT_ID)\n`);
  });

  it('takes a transcript from a pipe', async () => {
    await runCommand(fake.url, ['import', '-', '--name', 's.jsonl'], { input: 'piped' });
    expect(fake.last).toMatchObject({
      query: { name: 's.jsonl' },
      body: 'piped',
      headers: { 'content-type': 'application/octet-stream' },
    });
  });

  it('shows on a terminal how far it is', async () => {
    const { err } = await runCommand(fake.url, ['import', join(folder, 'p')], {
      terminal: { columns: 120 },
      env: { NO_COLOR: '1' },
    });
    expect(err).toContain('\r\x1b[Ksending ██');
    expect(err).toContain('importing ████████████░░░░░░░░░░░░  50%  p/a.jsonl');
  });

  it('prints the report as JSON', async () => {
    expect(
      JSON.parse((await runCommand(fake.url, ['import', join(folder, 'p'), '--format', 'json'])).out),
    ).toEqual(report());
  });

  it('ends with 7 where a transcript could not be imported, and says why', async () => {
    const stopped = transcript({
      problem: { code: 'CONTRACT_UNKNOWN', detail: 'There is no such contract.' },
      sessions: [session({ outcome: 'not_imported' })],
    });
    const totals = {
      ...report().totals,
      sessions: 1,
      imported: 0,
      notImported: 16,
      messages: none,
      toolResults: none,
    };
    fake.on('POST /api/v1/import', answered({ report: report({ transcripts: [stopped], totals }) }));
    const { code, out } = await runCommand(fake.url, ['import', join(folder, 'p')]);
    expect(code).toBe(7);
    expect(out).toContain('✗ p/a.jsonl: There is no such contract. CONTRACT_UNKNOWN\n');
    expect(out).toContain('✓ imported 0 new entries in 0 sessions\n');
    expect(out).toContain(
      'lines: 30 = 0 imported + 2 kept as they are + 9 with nothing to keep + 1 blank + 2 invalid + 16 not imported\n',
    );
    fake.on(
      'POST /api/v1/import',
      answered({
        report: report({ transcripts: [], refused: [{ name: 'p/a.jsonl', reason: 'not a text file' }] }),
      }),
    );
    expect(await runCommand(fake.url, ['import', join(folder, 'p')])).toMatchObject({
      code: 7,
      out: expect.stringContaining('p/a.jsonl not a text file') as string,
    });
  });

  it('passes the server’s problems on, before and after it has begun', async () => {
    const one = { status: 503, code: 'UNAVAILABLE', detail: 'The disk is full.' };
    fake.on(
      'POST /api/v1/import',
      answered({ progress: { done: 1, total: 2, file: 'x' } }, { problem: one }),
    );
    expect(await runCommand(fake.url, ['import', join(folder, 'p')])).toEqual({
      code: 1,
      out: '',
      err: 'makima: The disk is full.\n  UNAVAILABLE\n',
    });
    fake.on('POST /api/v1/import', (_, response) =>
      problem(response, 404, 'NOT_FOUND', 'There is no contract.'),
    );
    expect((await runCommand(fake.url, ['import', join(folder, 'p')])).code).toBe(3);
    fake.on('POST /api/v1/import', answered());
    expect((await runCommand(fake.url, ['import', join(folder, 'p')])).err).toContain(
      'import again, it goes on where it was',
    );
  });

  it('says what is wrong with what it was given', async () => {
    expect(await runCommand(fake.url, ['import', join(folder, 'nowhere')])).toMatchObject({
      code: 2,
      out: '',
    });
    expect((await runCommand(fake.url, ['import'])).code).toBe(2);
    expect(fake.seen).toEqual([]);
  });
});
