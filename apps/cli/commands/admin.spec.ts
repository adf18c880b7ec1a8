import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { TASK_ID } from '../testing/samples.js';

const TERMINAL = { columns: 200 };
const PROJECTIONS = '/api/v1/admin/projections';

describe('makima admin', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  const state = {
    name: 'timeline',
    version: 1,
    schema: 's',
    position: '5',
    head: '7',
    lag: '2',
    status: 'failed',
    error: { eventId: 'e-1', type: 'MessageRecorded', message: 'boom' },
    updatedAt: '2026-03-01T10:00:00Z',
  };
  const job = {
    id: TASK_ID,
    kind: 'rebuild',
    names: ['timeline'],
    status: 'running',
    step: 'indexing',
    position: '7',
    head: '7',
    startedAt: '2026-03-01T10:00:00Z',
  };

  it('projections shows how far each is, and what stopped it', async () => {
    fake.on(`GET ${PROJECTIONS}`, {
      projections: [state, { ...state, name: 'task', status: 'live', lag: '0', error: null }],
    });
    const { out, err } = await run('admin projections');
    expect(out).toMatch(/timeline +1 +failed +5 +7 +2 +stopped at MessageRecorded e-1: boom\ntask +1 +live /);
    expect(err).toContain('makima admin retry timeline');
    expect(err).toContain('makima admin skip timeline');
    expect(err).not.toContain('task has stopped');
  });

  it('rebuild waits until it is done', async () => {
    let asked = 0;
    fake
      .on(`POST ${PROJECTIONS}/*/rebuild`, ({ body }) =>
        (body as { dryRun?: boolean }).dryRun
          ? { dryRun: true, names: ['timeline'], head: '7', serving: [state] }
          : job,
      )
      .on(`GET /api/v1/admin/jobs/${TASK_ID}`, () => ((asked += 1) < 2 ? job : { ...job, status: 'done' }));
    const { code, out, err } = await run('admin rebuild timeline', {
      terminal: TERMINAL,
      env: { NO_COLOR: '1' },
    });
    expect({ code, out }).toEqual({ code: 0, out: '✓ rebuilt timeline from the log\n' });
    expect(err).toContain('rebuilding ██');
    expect(err).toContain('100%  7 of 7, making indexes');
    expect(err.endsWith('\r\x1b[K')).toBe(true);
    expect((await run('admin rebuild timeline --dry-run')).out).toContain(
      'would rebuild timeline from 7 positions of the log',
    );
    expect((await run('admin rebuild timeline --no-wait')).out).toContain(`job ${TASK_ID}`);
    fake.on(`GET /api/v1/admin/jobs/${TASK_ID}`, { ...job, status: 'failed', error: 'disk full' });
    expect(await run('admin rebuild timeline')).toEqual({
      code: 1,
      out: '',
      err: 'rebuilding timeline failed: disk full\n',
    });
  });

  it('verify ends with 8 where tables differ', async () => {
    const table = (equal: boolean) => ({
      projection: 'timeline',
      table: 'entries',
      equal,
      serving: { rows: 5, hash: 'a' },
      rebuilt: { rows: equal ? 5 : 6, hash: 'b' },
    });
    fake.on(`POST ${PROJECTIONS}/verify`, {
      ...job,
      kind: 'verify',
      status: 'done',
      skipped: [{ projection: 'timeline', eventId: 'e-0', position: '2' }],
      result: { equal: true, tables: [table(true)], standing: [] },
    });
    expect(await run('admin verify')).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /✓ all 1 tables are what the log says\npassed over: 1 skipped event, e-0 \(timeline\)\n$/,
      ) as string,
    });
    expect(fake.last.body).toEqual({});
    fake.on(`POST ${PROJECTIONS}/verify`, {
      ...job,
      kind: 'verify',
      status: 'done',
      result: { equal: false, tables: [table(true), table(false)], standing: [state] },
    });
    const { code, out } = await run('admin verify timeline');
    expect(code).toBe(8);
    expect(out).toContain('DIFFERS');
    expect(fake.last.body).toEqual({ name: 'timeline' });
    expect((await run('admin verify --format json')).code).toBe(8);
  });

  it('verify says of one that stands still that it does, and not that all is well', async () => {
    const entries = { rows: 5, hash: 'a' };
    const table = {
      projection: 'timeline',
      table: 'entries',
      equal: true,
      serving: entries,
      rebuilt: entries,
    };
    fake.on(`POST ${PROJECTIONS}/verify`, {
      ...job,
      kind: 'verify',
      status: 'done',
      result: { equal: true, tables: [table], standing: [state] },
    });
    const { code, out } = await run('admin verify');
    expect(code).toBe(1);
    expect(out).toContain(
      'timeline stands still at position 5 of 7, because of event e-1 (MessageRecorded): boom\n1 tables are what the log says, of what stands still only up to there\n',
    );
    expect(out).not.toContain('✓');
  });

  it('skip passes over the event that stopped a projection, with a yes', async () => {
    fake
      .on(`GET ${PROJECTIONS}`, { projections: [state] })
      .on(`POST ${PROJECTIONS}/timeline/skip`, ({ body }) => ({
        name: 'timeline',
        eventId: 'e-1',
        dryRun: (body as { dryRun?: boolean }).dryRun ?? false,
      }));
    expect((await run('admin skip timeline')).code).toBe(2);
    const { out, err } = await run('admin skip timeline --reason bug --yes');
    expect(fake.last.body).toEqual({ eventId: 'e-1', reason: 'bug' });
    expect(out).toBe('✓ event e-1 is passed over; timeline goes on\n');
    expect(err).toContain('the next version of timeline tries it again');
    await run('admin skip timeline --event e-2 --dry-run');
    expect(fake.last.body).toEqual({ eventId: 'e-2', dryRun: true });
    fake.on(`GET ${PROJECTIONS}`, { projections: [{ ...state, name: 'task', error: null }] });
    expect((await run('admin skip task --yes')).err).toContain('has not stopped at an event');
  });

  it.each(['rebuild', 'skip', 'retry'])(
    '%s of an unknown projection ends with 3, as the server says',
    async (verb) => {
      fake
        .on(`GET ${PROJECTIONS}`, { projections: [state] })
        .on(`POST ${PROJECTIONS}/tasks/rebuild`, (_, response) =>
          problem(response, 404, 'PROJECTION_UNKNOWN', 'There is no projection tasks.'),
        );
      expect(await run(`admin ${verb} tasks`)).toEqual({
        code: 3,
        out: '',
        err: 'makima: There is no projection tasks.\n  PROJECTION_UNKNOWN\n',
      });
    },
  );

  it('projections says what is read of one that is being built', async () => {
    const note = 'Reads show this state, up to position 5, until version 2 has been built.';
    fake.on(`GET ${PROJECTIONS}`, { projections: [{ ...state, status: 'live', error: null, note }] });
    expect((await run('admin projections')).out).toContain(note);
  });

  it('retry tries the event that stopped a projection again', async () => {
    fake
      .on(`GET ${PROJECTIONS}`, { projections: [state] })
      .on(`POST ${PROJECTIONS}/timeline/retry`, { name: 'timeline', eventId: 'e-1', dryRun: false });
    const { code, out, err } = await run('admin retry timeline --reason upgraded');
    expect({ code, out }).toEqual({ code: 0, out: '✓ timeline tries event e-1 again\n' });
    expect(err).toContain('makima admin projections');
    expect(fake.last.body).toEqual({ eventId: 'e-1', reason: 'upgraded' });
    expect((await run('admin retry timeline --dry-run')).out).toContain(
      'would try event e-1 again in timeline',
    );
    expect(fake.last.body).toEqual({ eventId: 'e-1', dryRun: true });
    fake.on(`GET ${PROJECTIONS}`, { projections: [{ ...state, name: 'task', error: null }] });
    expect((await run('admin retry task')).err).toContain('has not stopped at an event');
  });

  it('replay shows what each event changed', async () => {
    fake.on('GET /api/v1/admin/streams/*/replay', {
      stream: `task-${TASK_ID}`,
      version: 2,
      state: { status: 'running' },
      events: [
        {
          version: 2,
          position: '9',
          id: 'e',
          type: 'TaskStatusChanged',
          occurredAt: '2026-03-01T10:00:00Z',
          recordedAt: '2026-03-01T10:00:00Z',
          data: {},
          changed: { status: 'running' },
        },
      ],
    });
    const { out, err } = await run(`admin replay task-${TASK_ID} --to 9 --after 1 --limit 1 --state`);
    expect(fake.last).toMatchObject({
      path: `/api/v1/admin/streams/task-${TASK_ID}/replay`,
      query: { to: '9', after: '1', limit: '1' },
    });
    expect(out).toMatch(
      /TaskStatusChanged {2}status = "running"\n\nState at version 2\n {2}\{\n {4}"status": "running"\n {2}\}\n$/,
    );
    expect(err).toBe(`go on with: makima admin replay task-${TASK_ID} --after 2\n`);
  });

  it('database shows tables and owners', async () => {
    fake.on('GET /api/v1/admin/database', {
      bytes: 2_097_152,
      tables: [{ table: 'events', rows: 1_000, bytes: 1_048_576, indexBytes: 1_024 }],
      owners: [{ ownerId: 'o-1', name: 'local', events: 7, eventBytes: 512, blobs: 0, blobBytes: 0 }],
    });
    const { out } = await run('admin database');
    expect(out).toContain('Database 2.0 MiB\n');
    expect(out).toMatch(/events +1\.0 MiB +1\.0 KiB +1,000/);
    expect(out).toMatch(/o-1 +local +7 +512 B/);
  });
});
