import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import pg from 'pg';
import { EmbeddedHome, portOf, queryOnce, until } from '#libs/testing/embedded-home.js';
import { launchPostmaster } from './embedded/postmaster.js';
import { postgresAccount } from './embedded/postgres-account.js';
import { postgresBinaries } from './embedded/postgres-binaries.js';
import { runningProcess } from '#libs/processes/running-process.js';
import { stopLeftover } from './embedded-postgres.js';

jest.setTimeout(30_000);

let at: EmbeddedHome;
beforeEach(() => {
  at = new EmbeddedHome();
});
afterEach(() => at.remove());

/** Inserts one row after the other on several connections, until they break. */
function writers(url: string, connections: number) {
  const state = { committed: 0, connections };
  const ended = Promise.allSettled(
    Array.from({ length: connections }, async () => {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      for (;;) {
        await client.query('INSERT INTO t VALUES (1)');
        state.committed += 1;
      }
    }),
  );
  return { state, ended };
}

/** Nothing acknowledged is lost; of what was under way, each connection may have committed one row more. */
async function expectAllOf(
  url: string,
  { committed, connections }: { committed: number; connections: number },
) {
  const [row] = await queryOnce(url, 'SELECT count(*)::int AS n FROM t');
  expect(row?.n).toBeGreaterThanOrEqual(committed);
  expect(row?.n).toBeLessThanOrEqual(committed + connections);
}

describe('after a kill -9 of makima and its process group', () => {
  it('the server that still runs is taken over', async () => {
    await at.startAndKill();
    const server = await at.start();
    expect(server.adopted).toBe(true);
    expect(await queryOnce(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(runningProcess(server.pid)).toBeUndefined();
  });

  it('the server that still runs can be stopped without starting another', async () => {
    await at.startAndKill();
    expect(await stopLeftover(at.home)).toBe(true);
    expect(await stopLeftover(at.home)).toBe(false);
    expect((await at.start()).adopted).toBe(false);
  });
});

describe('after a kill -9 of Postgres with clients at work', () => {
  it('the next start finds what was committed', async () => {
    const first = await at.start();
    await queryOnce(first.url, 'CREATE TABLE t (n int)');
    const { state, ended } = writers(first.url, 8);
    await until(() => state.committed > 50);
    process.kill(first.pid, 'SIGKILL');
    const second = await at.start();
    await ended;
    expect(second.adopted).toBe(false);
    await expectAllOf(second.url, state);
  });

  it('a server to be revived comes back at its address, again and again', async () => {
    const lines: string[] = [];
    const server = await at.start({ revive: true, log: (line) => lines.push(line) });
    await queryOnce(server.url, 'CREATE TABLE t (n int)');
    let total = 0;
    for (const round of [1, 2]) {
      const { state, ended } = writers(server.url, 4);
      await until(() => state.committed > 20);
      const { pid } = server;
      process.kill(pid, 'SIGKILL');
      await ended;
      await until(() => server.pid !== pid);
      await expectAllOf(server.url, { committed: total + state.committed, connections: round * 4 });
      total += state.committed;
    }
    expect(lines.filter((line) => line.includes('ended unexpectedly'))).toHaveLength(2);
    const { pid } = server;
    await server.stop();
    expect([runningProcess(pid), server.pid]).toEqual([undefined, pid]);
  });
});

describe('a foreign process that has got the pid of the server', () => {
  it('is left alone, and the server starts', async () => {
    const first = await at.start();
    await first.stop();
    const dataFolder = join(at.home, 'postgres');
    const account = postgresAccount(dataFolder);
    const foreign = at.spawn('sleep', ['60'], account.uid === undefined ? {} : { uid: account.uid });
    await once(foreign, 'spawn');
    const lines = [foreign.pid, dataFolder, 1, portOf(first), '', '127.0.0.1', ' 1 1', 'ready   ', ''];
    writeFileSync(join(dataFolder, 'postmaster.pid'), lines.join('\n'));

    // The control: Postgres by itself refuses to start.
    const { postgres } = postgresBinaries(join(at.home, 'bin'), account);
    const logFile = join(at.folder, 'control.log');
    const alone = await launchPostmaster({
      program: postgres,
      dataFolder,
      port: portOf(first),
      logFile,
      account,
    });
    expect('failure' in alone && alone.failure).toContain('already exists');

    expect((await at.start()).adopted).toBe(false);
    expect(runningProcess(foreign.pid ?? 0)?.commandLine).toBe('sleep 60');
  });
});
