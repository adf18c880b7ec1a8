import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { TASK_ID } from '../testing/samples.js';

const DAEMON_ID = '0190d4e5-0000-7000-8000-000000000001';
const DAEMON = {
  ...{ id: DAEMON_ID, name: 'builder', status: 'connected', version: '1.2.3', hostname: 'host' },
  ...{ capacity: 4, runners: ['claude', 'command'], lastHeartbeatAt: '2026-03-01T11:00:00.000Z' },
  ...{ tasks: [TASK_ID], freeBytes: 2 ** 31, usedBytes: 2 ** 20, refusedOutputs: 0, lastRefused: null },
  registeredAt: '2026-03-01T10:00:00.000Z',
};

let fake: FakeMakima;
let home: string;
beforeEach(async () => {
  fake = await FakeMakima.start();
  home = mkdtempSync(join(tmpdir(), 'makima-daemon-cli-'));
  fake
    .on('POST /api/v1/access/keys', { id: 'k', kind: 'daemon', scopes: [], token: 'mk_daemon_new' })
    .on('GET /api/v1/access/whoami', ({ headers }, response) =>
      headers.authorization === 'Bearer mk_daemon_new'
        ? { kind: 'daemon' }
        : problem(response, 401, 'UNAUTHENTICATED', 'No.'),
    );
});
afterEach(async () => {
  rmSync(home, { recursive: true });
  await fake.stop();
});

describe('daemon start', () => {
  const became: Record<string, string>[] = [];
  beforeEach(() => void became.splice(0));
  const start = (words = '', options: RunOptions = {}) =>
    runCommand(fake.url, ['daemon', 'start', ...words.split(' ').filter(Boolean)], {
      onBecome: (_, settings) => void became.push({ ...settings }),
      ...options,
      env: { MAKIMA_HOME: home, ...options.env },
    });
  const kept = () => join(home, 'daemon', 'credentials.json');

  it("makes a key with the user's own, keeps it, and says so; the next start takes it", async () => {
    const { code, err } = await start();
    expect(code).toBe(0);
    expect(err).toBe(`made a daemon key, kept in ${kept()}\n`);
    expect(fake.last.body).toEqual({ kind: 'daemon', name: 'daemon' });
    expect(became).toEqual([
      {
        MAKIMA_HOME: home,
        MAKIMA_URL: fake.url,
        MAKIMA_TOKEN: 'mk_daemon_new',
        MAKIMA_DAEMON_VERSION: '1.2.3',
      },
    ]);
    expect(statSync(kept()).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, 'daemon')).mode & 0o777).toBe(0o700);
    fake.seen.length = 0;
    expect((await start()).err).toBe('');
    expect(fake.asked).toEqual(['GET /api/v1/access/whoami']);
    expect(became[1]).toEqual(became[0]);
  });

  it('replaces a kept key that does not work any more', async () => {
    await start();
    fake.on('GET /api/v1/access/whoami', (_, response) => problem(response, 401, 'UNAUTHENTICATED', 'No.'));
    fake.on('POST /api/v1/access/keys', { id: 'k', kind: 'daemon', scopes: [], token: 'mk_daemon_newer' });
    await start();
    expect(became[1]?.['MAKIMA_TOKEN']).toBe('mk_daemon_newer');
    expect(readFileSync(kept(), 'utf8')).toContain('mk_daemon_newer');
  });

  it('takes the key that it is given, and asks for none', async () => {
    await start('', { env: { MAKIMA_DAEMON_TOKEN: 'mk_daemon_given' } });
    expect(became[0]?.['MAKIMA_TOKEN']).toBe('mk_daemon_given');
    expect([fake.seen, existsSync(kept())]).toEqual([[], false]);
  });

  it('hands its settings on', async () => {
    const second = join(home, 'second');
    await start(`--name b --capacity 3 --home ${second} --runners command,replay`);
    expect(became[0]).toEqual({
      MAKIMA_HOME: second,
      MAKIMA_URL: fake.url,
      MAKIMA_TOKEN: 'mk_daemon_new',
      MAKIMA_DAEMON_VERSION: '1.2.3',
      MAKIMA_DAEMON_NAME: 'b',
      MAKIMA_DAEMON_CAPACITY: '3',
      MAKIMA_DAEMON_RUNNERS: 'command,replay',
    });
    expect(existsSync(join(second, 'daemon', 'credentials.json'))).toBe(true);
  });

  it('goes to the server that is named, with no key that belongs to another', async () => {
    const other = await FakeMakima.start();
    other.on('POST /api/v1/access/keys', { id: 'k', kind: 'daemon', scopes: [], token: 'mk_daemon_other' });
    await start();
    await start(`--url ${other.url}`);
    expect(became[1]).toMatchObject({ MAKIMA_URL: other.url, MAKIMA_TOKEN: 'mk_daemon_other' });
    expect(other.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer mk_user_test']);
    await other.stop();
  });

  it('says what to do where the user may make no such key', async () => {
    fake.on('POST /api/v1/access/keys', (_, response) => problem(response, 403, 'FORBIDDEN', 'No.'));
    const { code, err } = await start();
    expect(code).toBe(2);
    expect(err).toContain('makima access create --kind daemon');
    expect(became).toEqual([]);
  });
});

describe('daemons', () => {
  beforeEach(() => void fake.on('GET /api/v1/daemons', { daemons: [DAEMON] }));

  it('are listed with heartbeat, tasks, room and version', async () => {
    const { out } = await runCommand(fake.url, ['daemon', 'list'], { env: { TZ: 'UTC' } });
    expect(out).toMatch(/^daemon +status +heartbeat +tasks +free +version +name\n/);
    expect(out).toContain('1 of 4  2.0 GiB  1.2.3    builder\n');
  });

  it('have room on a screen of 80 columns', async () => {
    const { out } = await runCommand(fake.url, ['daemon', 'list'], {
      terminal: { columns: 80 },
      env: { NO_COLOR: '1' },
    });
    expect(out).toContain('1 h ago');
    expect(out.trimEnd().split('\n')).toHaveLength(2);
    for (const one of out.split('\n')) expect(one.length).toBeLessThanOrEqual(80);
  });

  it('are shown by the beginning of their id', async () => {
    fake.on(`GET /api/v1/daemons/${DAEMON_ID}`, {
      ...DAEMON,
      ...{ refusedOutputs: 2, lastRefused: { taskId: TASK_ID, epoch: 1, items: 3, at: DAEMON.registeredAt } },
    });
    const { out } = await runCommand(fake.url, ['daemon', 'show', '0190d4e5']);
    expect(out).toContain('1.0 MiB taken for tasks, 2.0 GiB free');
    expect(out).toContain(`2 batches of tasks that it no longer held; last 3 items of ${TASK_ID}`);
  });

  it('are none', async () => {
    fake.on('GET /api/v1/daemons', { daemons: [] });
    const { err } = await runCommand(fake.url, ['daemon', 'list']);
    expect(err).toContain('makima daemon start');
  });
});
