import type { ServerResponse } from 'node:http';
import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { TASK_ID } from '../testing/samples.js';

describe('makima audit', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  const event = {
    position: '5',
    stream: `task-${TASK_ID}`,
    version: 2,
    id: 'e-1',
    type: 'MessageRecorded',
    schemaVersion: 1,
    recordedAt: '2026-03-01T10:00:00Z',
    metadata: { actor: { kind: 'user', id: 'k-1' }, occurredAt: '2026-03-01T09:00:00Z' },
    body: { seq: 1, content: 'a\x1b[31m' },
    bodyHash: 'b',
    previousHash: 'p',
    hash: 'h',
  };
  const lines =
    (...values: readonly object[]) =>
    (_: unknown, response: ServerResponse): undefined =>
      void response
        .writeHead(200, { 'Content-Type': 'application/x-ndjson' })
        .end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));

  it('log prints raw events, one a line as JSON', async () => {
    fake.on('GET /api/v1/audit/events', lines(event, { ...event, position: '6' }));
    const { out, err } = await run(
      `audit log --type A,B --actor k-1 --stream task-${TASK_ID} --from 2h --after 3 --limit 2 --format json`,
    );
    expect(fake.last.query).toEqual({
      type: ['A', 'B'],
      actor: 'k-1',
      stream: `task-${TASK_ID}`,
      from: '2026-03-01T10:00:00.000Z',
      after: '3',
      limit: '2',
    });
    expect(fake.last.headers.accept).toBe('application/x-ndjson');
    expect(out.split('\n')).toHaveLength(3);
    expect(out).toContain('\\u001b[31m');
    expect(JSON.parse(out.split('\n')[0]!)).toEqual(event);
    expect(err).toBe('go on with: --after 6\n');
    expect((await run('audit log')).out).toMatch(/MessageRecorded {2}user k-1 {2}\{"seq":1/);
    await run('audit log --all --reverse');
    expect(fake.last.query).toEqual({ order: 'newest' });
  });

  it('stream and show read one stream, and one event', async () => {
    fake
      .on(`GET /api/v1/audit/streams/task-${TASK_ID}`, lines(event))
      .on('GET /api/v1/audit/events/5', event);
    expect((await run(`audit stream task-${TASK_ID}`)).out).toContain('MessageRecorded');
    expect((await run('audit show 5')).out).toMatch(/hash before {2}p\n/);
    fake.on('GET /api/v1/audit/events/6', {
      ...event,
      previousHash: null,
      body: null,
      bodyText: '{broken',
    });
    expect((await run('audit show 6')).out).toMatch(/that event is missing\n[^]*\{broken\n$/);
  });

  it('verify ends with 8 and names the first broken event', async () => {
    const progress = { kind: 'progress', events: 1, streams: 1, position: '4', head: '9' };
    fake.on(
      'GET /api/v1/audit/verify',
      lines(progress, { kind: 'result', ok: true, events: 9, streams: 2, position: '9' }),
    );
    expect(await run('audit verify')).toEqual({
      code: 0,
      out: '✓ the hashes of 9 events in 2 streams hold\n',
      err: '',
    });
    const firstBroken = {
      stream: 'task-x',
      version: 3,
      position: '5',
      id: 'e',
      reason: 'body_changed',
      detail: 'The body is not what its hash says.',
    };
    fake.on(
      'GET /api/v1/audit/verify',
      lines({ kind: 'result', ok: false, events: 4, streams: 1, position: '4', firstBroken }),
    );
    const { code, out } = await run('audit verify --stream task-x');
    expect(code).toBe(8);
    expect(out).toContain(
      'first broken event: task-x version 3, position 5\n  The body is not what its hash says. body_changed\n',
    );
    fake.on('GET /api/v1/audit/verify', lines(progress));
    expect((await run('audit verify')).code).toBe(1);
  });
});
