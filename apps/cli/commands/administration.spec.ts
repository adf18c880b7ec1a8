import type { ServerResponse } from 'node:http';
import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { contract, CONTRACT_ID, TASK_ID } from '../testing/samples.js';

const TERMINAL = { columns: 200 };
const PROJECTIONS = '/api/v1/admin/projections';

describe('looking after makima', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  describe('status and whoami', () => {
    const me = { ownerId: 'o-1', kind: 'user', keyId: 'k-1', scopes: ['history:read', 'import:write'], contractId: null };
    beforeEach(() => void fake.on('GET /health', { status: 'ok', head: '7', projected: '7' }).on('GET /api/v1/access/whoami', me));

    it('say how it is and who one is', async () => {
      const { code, out } = await run('status');
      expect(code).toBe(0);
      expect(out).toContain(`server       ${fake.url}\nstatus       ok\n`);
      expect(out).toContain('read models  up to date\n');
      expect((await run('whoami')).out).toContain('scopes  history:read, import:write\n');
      expect(JSON.parse((await run('status --format json')).out)).toEqual({ url: fake.url, status: 'ok', head: '7', projected: '7', whoami: me });
    });

    it('tell a key that does not work from a server that does not', async () => {
      fake.on('GET /api/v1/access/whoami', (_, response) => problem(response, 401, 'UNAUTHENTICATED', 'The key is not valid.'));
      expect(await run('status')).toMatchObject({ code: 0, out: expect.stringContaining('no key that works here') as string });
      const { code, err } = await run('whoami');
      expect(code).toBe(5);
      expect(err).toBe('makima: The key is not valid.\n  MAKIMA_TOKEN holds a key that does not work there\n  UNAUTHENTICATED\n');
      await fake.stop();
      expect(await run('status')).toMatchObject({ code: 6, err: expect.stringContaining('is it running? start it with: npm start') as string });
    });
  });

  describe('access', () => {
    const key = { id: '0123456789abcdef', kind: 'tool', name: 'x', scopes: ['history:read'], contractId: CONTRACT_ID, createdAt: '2026-03-01T10:00:00Z', expiresAt: null, revokedAt: null, lastUsedAt: null };

    it('create shows the key, alone in a pipe', async () => {
      fake.on('POST /api/v1/access/keys', { ...key, token: 'mk_tool_1' }).on('GET /api/v1/contracts', { contracts: [contract()] });
      const words = 'access create --kind tool --name x --contract 0190a1b2 --scopes history:read,chat:write --expires 2030-01-01T00:00:00Z';
      const piped = await run(words);
      expect(piped.out).toBe('mk_tool_1\n');
      expect(piped.err).toContain('makima access revoke 0123456789abcdef');
      expect(fake.last.body).toEqual({ kind: 'tool', name: 'x', contractId: CONTRACT_ID, scopes: ['history:read', 'chat:write'], expiresAt: '2030-01-01T00:00:00.000Z' });
      expect((await run(words, { terminal: TERMINAL, env: { NO_COLOR: '1' } })).out).toContain('key       mk_tool_1\n');
      expect((await run('access create --name x --kind king')).code).toBe(2);
    });

    it('list shows what became of keys', async () => {
      fake.on('GET /api/v1/access/keys', {
        keys: [key, { ...key, revokedAt: '2026-03-01T10:00:00Z' }, { ...key, expiresAt: '2026-03-01T11:59:00Z' }], cursor: null,
      });
      const states = (await run('access list')).out.split('\n').slice(1, 4).map((one) => /tool {2}(\w+)/.exec(one)?.[1]);
      expect(states).toEqual(['works', 'revoked', 'expired']);
    });

    it('revoke cannot be undone, so it wants a yes', async () => {
      fake.on('DELETE /api/v1/access/keys/*', (_, response) => void response.writeHead(204).end());
      const { code, err } = await run('access revoke 0123456789abcdef');
      expect(code).toBe(2);
      expect(err).toContain('add --yes to do it');
      expect((await run('access revoke 0123456789abcdef', { terminal: TERMINAL, input: 'n\n' })).code).toBe(0);
      expect(fake.seen).toEqual([]);
      expect((await run('access revoke 0123456789abcdef --yes')).out).toBe('✓ key 0123456789abcdef is revoked\n');
      expect((await run('access revoke 0123456789abcdef', { terminal: TERMINAL, input: 'yes\n' })).out).toContain('is revoked');
      expect(fake.asked).toEqual(Array(2).fill('DELETE /api/v1/access/keys/0123456789abcdef'));
    });
  });

  describe('admin', () => {
    const state = { name: 'timeline', version: 1, schema: 's', position: '5', head: '7', lag: '2', status: 'failed', error: { eventId: 'e-1', type: 'MessageRecorded', message: 'boom' }, updatedAt: '2026-03-01T10:00:00Z' };
    const job = { id: TASK_ID, kind: 'rebuild', names: ['timeline'], status: 'running', name: 'timeline', position: '3', head: '7', startedAt: '2026-03-01T10:00:00Z' };

    it('projections shows how far each is, and what stopped it', async () => {
      fake.on(`GET ${PROJECTIONS}`, { projections: [state, { ...state, name: 'task', status: 'live', lag: '0', error: null }] });
      const { out, err } = await run('admin projections');
      expect(out).toMatch(/timeline +1 +failed +5 +7 +2 +MessageRecorded e-1: boom\ntask +1 +live /);
      expect(err).toContain('makima admin skip timeline');
      expect(err).not.toContain('task has stopped');
    });

    it('rebuild waits until it is done', async () => {
      let asked = 0;
      fake
        .on(`POST ${PROJECTIONS}/*/rebuild`, ({ body }) => ((body as { dryRun?: boolean }).dryRun ? { dryRun: true, names: ['timeline'], head: '7', serving: [state] } : job))
        .on(`GET /api/v1/admin/jobs/${TASK_ID}`, () => ((asked += 1) < 2 ? job : { ...job, status: 'done' }));
      const { code, out, err } = await run('admin rebuild timeline', { terminal: TERMINAL, env: { NO_COLOR: '1' } });
      expect({ code, out }).toEqual({ code: 0, out: '✓ rebuilt timeline from the log\n' });
      expect(err).toContain('rebuilding ██');
      expect(err.endsWith('\r\x1b[K')).toBe(true);
      expect((await run('admin rebuild timeline --dry-run')).out).toContain('would rebuild timeline from 7 positions of the log');
      expect((await run('admin rebuild timeline --no-wait')).out).toContain(`job ${TASK_ID}`);
      fake.on(`GET /api/v1/admin/jobs/${TASK_ID}`, { ...job, status: 'failed', error: 'disk full' });
      expect(await run('admin rebuild timeline')).toEqual({ code: 1, out: '', err: 'rebuilding timeline failed: disk full\n' });
    });

    it('verify ends with 8 where tables differ', async () => {
      const table = (equal: boolean) => ({ projection: 'timeline', table: 'entries', equal, serving: { rows: 5, hash: 'a' }, rebuilt: { rows: equal ? 5 : 6, hash: 'b' } });
      fake.on(`POST ${PROJECTIONS}/verify`, { ...job, kind: 'verify', status: 'done', result: { equal: true, tables: [table(true)] } });
      expect(await run('admin verify')).toMatchObject({ code: 0, out: expect.stringContaining('✓ all 1 tables') as string });
      expect(fake.last.body).toEqual({});
      fake.on(`POST ${PROJECTIONS}/verify`, { ...job, kind: 'verify', status: 'done', result: { equal: false, tables: [table(true), table(false)] } });
      const { code, out } = await run('admin verify timeline');
      expect(code).toBe(8);
      expect(out).toContain('DIFFERS');
      expect(fake.last.body).toEqual({ name: 'timeline' });
      expect((await run('admin verify --format json')).code).toBe(8);
    });

    it('skip passes over the event that stopped a projection, with a yes', async () => {
      fake
        .on(`GET ${PROJECTIONS}`, { projections: [state] })
        .on(`POST ${PROJECTIONS}/timeline/skip`, ({ body }) => ({ name: 'timeline', eventId: 'e-1', dryRun: (body as { dryRun?: boolean }).dryRun ?? false }));
      expect((await run('admin skip timeline')).code).toBe(2);
      const { out, err } = await run('admin skip timeline --reason bug --yes');
      expect(fake.last.body).toEqual({ eventId: 'e-1', reason: 'bug' });
      expect(out).toBe('✓ event e-1 is passed over; timeline goes on\n');
      expect(err).toContain('makima admin rebuild timeline');
      await run('admin skip timeline --event e-2 --dry-run');
      expect(fake.last.body).toEqual({ eventId: 'e-2', dryRun: true });
      expect((await run('admin skip task --yes')).err).toContain('has not stopped at an event');
    });

    it('replay shows what each event changed', async () => {
      fake.on('GET /api/v1/admin/streams/*/replay', {
        stream: `task-${TASK_ID}`, version: 2, state: { status: 'running' },
        events: [{ version: 2, position: '9', id: 'e', type: 'TaskStatusChanged', occurredAt: '2026-03-01T10:00:00Z', recordedAt: '2026-03-01T10:00:00Z', data: {}, changed: { status: 'running' } }],
      });
      const { out, err } = await run(`admin replay task-${TASK_ID} --to 9 --after 1 --limit 1 --state`);
      expect(fake.last).toMatchObject({ path: `/api/v1/admin/streams/task-${TASK_ID}/replay`, query: { to: '9', after: '1', limit: '1' } });
      expect(out).toMatch(/TaskStatusChanged {2}status = "running"\n\nState at version 2\n {2}\{\n {4}"status": "running"\n {2}\}\n$/);
      expect(err).toBe(`go on with: makima admin replay task-${TASK_ID} --after 2\n`);
    });

    it('database shows tables and owners', async () => {
      fake.on('GET /api/v1/admin/database', {
        bytes: 2_097_152, tables: [{ table: 'events', rows: 1_000, bytes: 1_048_576, indexBytes: 1_024 }],
        owners: [{ ownerId: 'o-1', name: 'local', events: 7, eventBytes: 512, blobs: 0, blobBytes: 0 }],
      });
      const { out } = await run('admin database');
      expect(out).toContain('Database 2.0 MiB\n');
      expect(out).toMatch(/events +1\.0 MiB +1\.0 KiB +1,000/);
      expect(out).toMatch(/o-1 +local +7 +512 B/);
    });
  });

  describe('audit', () => {
    const event = { position: '5', stream: `task-${TASK_ID}`, version: 2, id: 'e-1', type: 'MessageRecorded', schemaVersion: 1, recordedAt: '2026-03-01T10:00:00Z', metadata: { actor: { kind: 'user', id: 'k-1' }, occurredAt: '2026-03-01T09:00:00Z' }, body: { seq: 1, content: 'a\x1b[31m' }, bodyHash: 'b', previousHash: 'p', hash: 'h' };
    const lines = (...values: readonly object[]) => (_: unknown, response: ServerResponse): undefined =>
      void response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));

    it('log prints raw events, one a line as JSON', async () => {
      fake.on('GET /api/v1/audit/events', lines(event, { ...event, position: '6' }));
      const { out, err } = await run(`audit log --type A,B --actor k-1 --stream task-${TASK_ID} --from 2h --after 3 --limit 2 --format json`);
      expect(fake.last.query).toEqual({ type: ['A', 'B'], actor: 'k-1', stream: `task-${TASK_ID}`, from: '2026-03-01T10:00:00.000Z', after: '3', limit: '2' });
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
      fake.on(`GET /api/v1/audit/streams/task-${TASK_ID}`, lines(event)).on('GET /api/v1/audit/events/5', event);
      expect((await run(`audit stream task-${TASK_ID}`)).out).toContain('MessageRecorded');
      expect((await run('audit show 5')).out).toMatch(/hash before {2}p\n/);
      fake.on('GET /api/v1/audit/events/6', { ...event, previousHash: null, body: null, bodyText: '{broken' });
      expect((await run('audit show 6')).out).toMatch(/that event is missing\n[^]*\{broken\n$/);
    });

    it('verify ends with 8 and names the first broken event', async () => {
      const progress = { kind: 'progress', events: 1, streams: 1, position: '4', head: '9' };
      fake.on('GET /api/v1/audit/verify', lines(progress, { kind: 'result', ok: true, events: 9, streams: 2, position: '9' }));
      expect(await run('audit verify')).toEqual({ code: 0, out: '✓ the hashes of 9 events in 2 streams hold\n', err: '' });
      const firstBroken = { stream: 'task-x', version: 3, position: '5', id: 'e', reason: 'body_changed', detail: 'The body is not what its hash says.' };
      fake.on('GET /api/v1/audit/verify', lines({ kind: 'result', ok: false, events: 4, streams: 1, position: '4', firstBroken }));
      const { code, out } = await run('audit verify --stream task-x');
      expect(code).toBe(8);
      expect(out).toContain('first broken event: task-x version 3, position 5\n  The body is not what its hash says. body_changed\n');
      fake.on('GET /api/v1/audit/verify', lines(progress));
      expect((await run('audit verify')).code).toBe(1);
    });
  });

  describe('chat', () => {
    const CHAT_ID = '0190b2c3-0000-7000-8000-000000000001';
    const chat = { id: CHAT_ID, name: 'Planning', contractId: null, status: 'open', isActive: true, messageCount: 2, openQuestions: 1, createdAt: '2026-03-01T10:00:00Z', updatedAt: '2026-03-01T10:00:00Z' };
    const said = (content: string, more: object = {}) => ({ id: 'm', role: 'user', content, contextType: 'mesh', contextTaskId: null, toolCalls: [], pendingQuestions: [], createdAt: '2026-03-01T10:00:00Z', ...more });

    it('list and show read chats about the mesh', async () => {
      fake
        .on('GET /api/v1/mesh/chats', { chats: [chat] })
        .on(`GET /api/v1/mesh/chats/${CHAT_ID}`, chat)
        .on(`GET /api/v1/mesh/chats/${CHAT_ID}/messages`, ({ query }) => {
          const messages = [said('What is next?'), said('', { role: 'assistant', contextTaskId: TASK_ID, toolCalls: [{ id: '1', name: 'list_tasks', input: { status: 'x' }, result: 'none' }], pendingQuestions: [{ id: 'q', question: 'Which?', options: ['A', 'B'], answer: null }, { id: 'r', question: 'Sure?', options: [], answer: 'yes' }] })];
          return { messages: query['order'] === 'newest' ? messages.reverse().slice(0, Number(query['limit'])) : messages };
        });
      expect((await run('chat list')).out).toMatch(/active +2 +1 .*Planning\n$/);
      const { out } = await run('chat show 0190b2c3');
      expect(out).toMatch(/^Planning {2}active · 2 messages\n\n── user .* about the mesh\nWhat is next\?\n\n── assistant .* about task 0190c3d4/);
      expect(out).toContain('  ⏺ list_tasks  {"status":"x"}  → none\n  ? Which?\n      · A\n      · B\n  ? Sure?  → yes\n');
      expect((await run('chat show 0190b2c3 --limit 1 --format table')).out.split('\n')).toHaveLength(3);
    });

    it('and about a contract', async () => {
      fake.on(`GET /api/v1/contracts/${CONTRACT_ID}/chats`, { chats: [] });
      expect((await run(`chat list --contract ${CONTRACT_ID}`)).err).toBe('no chats\n');
    });
  });
});
