import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { eventually, MakimaHomes, type MakimaProcess } from '../faults/makima-process.js';
import { survivorsOf, treeOf } from '../faults/process-tree.js';
import type { RunningProcess } from '#libs/processes/running-process.js';

// The daemon that a start brings along: it comes, stays and goes with its server.
jest.setTimeout(180_000);

const at = new MakimaHomes();
afterAll(() => at.remove());

const start = (MAKIMA_DAEMON = 'on'): Promise<MakimaProcess> => at.start({ env: { MAKIMA_DAEMON } });

/** The daemon's processes: it, and what it has started. */
const daemonOf = (server: MakimaProcess): readonly RunningProcess[] => {
  const found = treeOf(server.pid).find(({ commandLine }) => commandLine.includes('makima.mjs'));
  return found ? treeOf(found.pid) : [];
};

const daemonLines = (server: MakimaProcess): readonly string[] =>
  server.stderr.filter((line) => line.startsWith('daemon: '));

async function standing({ credentials: { url, token } }: MakimaProcess): Promise<readonly string[]> {
  const response = await fetch(`${url}/api/v1/daemons`, { headers: { authorization: `Bearer ${token}` } });
  const { daemons } = (await response.json()) as { daemons: readonly { status: string }[] };
  return daemons.map(({ status }) => status);
}

/** Ctrl-C, as in a terminal; nothing may be left. */
async function stop(server: MakimaProcess): Promise<number> {
  const tree = treeOf(server.pid);
  const begin = Date.now();
  server.signalGroup('SIGINT');
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(survivorsOf(tree)).toEqual([]);
  return Date.now() - begin;
}

describe('the daemon beside a server', () => {
  it('is ready when the server says so, as the last line; Ctrl-C stops both', async () => {
    const server = await start();
    expect(server.stdout).toEqual([expect.stringMatching(/^makima ready at /)]);
    expect(daemonLines(server)).toEqual([
      `daemon: made a daemon key, kept in ${join(server.home, 'daemon/credentials.json')}`,
      expect.stringMatching(/^daemon: makima daemon .* ready for http:/),
    ]);
    expect(await standing(server)).toEqual(['connected']);
    expect(daemonOf(server)).toHaveLength(1);
    expect(await stop(server)).toBeLessThan(15_000);
  });

  it('is started again when it is killed', async () => {
    const server = await start();
    const [first] = daemonOf(server);
    process.kill(first?.pid ?? Number.NaN, 'SIGKILL');
    await eventually(
      () => daemonLines(server).filter((line) => line.includes(' ready for ')).length === 2,
      () => server.output,
    );
    expect(daemonLines(server)).toContain('daemon: ended by SIGKILL; starting it again in 1 s');
    expect(await standing(server)).toEqual(['connected']);
    await stop(server);
  });

  it('ends with a server that is killed, and the next start has it again, under the same id', async () => {
    const idIn = (home: string): unknown =>
      JSON.parse(readFileSync(join(home, 'daemon/daemon.json'), 'utf8'));
    const server = await start();
    const daemon = daemonOf(server);
    const id = idIn(server.home);
    expect(daemon).toHaveLength(1);
    await server.kill();
    await eventually(
      () => survivorsOf(daemon).length === 0,
      () => server.output,
    );
    const next = await start();
    expect(await standing(next)).toEqual(['connected']);
    expect(idIn(next.home)).toEqual(id);
    await stop(next);
  });

  it('is not there where it is off', async () => {
    const server = await start('off');
    expect([daemonOf(server), daemonLines(server)]).toEqual([[], []]);
    await stop(server);
  });
});
