import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  asPostmaster,
  disarmPidFile,
  failureOf,
  fatalLine,
  parsePidFile,
  stopPostmaster,
} from './postmaster.js';
import { runningProcess, type RunningProcess } from '#libs/processes/running-process.js';

const DATA = '/home/of/makima/postgres';
const PROGRAM = '/opt/pg/bin/postgres';
const server: RunningProcess = {
  pid: 4711,
  startedAt: 'boot 1',
  commandLine: `${PROGRAM} -D ${DATA} -p 20001 -c makima.data_folder=${DATA}`,
  executable: PROGRAM,
  workingFolder: DATA,
};

/** As systems without /proc, and containers, describe it. */
const { pid, startedAt, commandLine } = server;
const sparse: RunningProcess = { pid, startedAt, commandLine };

describe('postmaster.pid', () => {
  it('tells pid, port and status', () => {
    const text = ['4711', DATA, '1763615000', '20001', '', '127.0.0.1', '  123456   9', 'ready   ', ''].join(
      '\n',
    );
    expect(parsePidFile(text)).toEqual({ pid: 4711, port: 20001, status: 'ready' });
  });

  it('is short while the server starts', () => {
    expect(parsePidFile(`4711\n${DATA}\n1763615000\n20001\n`)).toEqual({
      pid: 4711,
      port: 20001,
      status: '',
    });
  });

  it.each(['', '\n', 'x', '-4711', '0', '1e99', '12.5'])('that reads %j is damaged', (text) => {
    expect(parsePidFile(text)).toBeUndefined();
  });

  describe('that was left behind', () => {
    let folder: string;
    const path = (): string => join(folder, 'postmaster.pid');
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'makima-pid-'))));
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it('loses the pid, which another process may have now, and nothing else', () => {
      writeFileSync(path(), `${process.pid}\n${DATA}\n1\n20001\n\n127.0.0.1\n 123 9\nready\n`);
      disarmPidFile(folder);
      expect(readFileSync(path(), 'utf8')).toBe(`999999999\n${DATA}\n1\n20001\n\n127.0.0.1\n 123 9\nready\n`);
      expect(runningProcess(999_999_999)).toBeUndefined();
    });

    it('is removed if it is damaged', () => {
      writeFileSync(path(), '');
      disarmPidFile(folder);
      disarmPidFile(folder);
      expect(() => readFileSync(path())).toThrow('ENOENT');
    });

    it('is not followed to another file', () => {
      const other = join(folder, 'precious');
      writeFileSync(other, `${process.pid}\nprecious\n`);
      symlinkSync(other, path());
      expect(() => disarmPidFile(folder)).toThrow('ELOOP');
      expect(readFileSync(other, 'utf8')).toContain('precious');
    });
  });
});

describe('a process', () => {
  it.each([server, sparse])('is the server of the data folder it runs in', (found) => {
    expect(asPostmaster(found, PROGRAM, DATA)).toEqual({ process: found, sameProgram: true });
  });

  it.each([
    { ...server, executable: '/old/bin/postgres' },
    { ...server, executable: `${PROGRAM} (deleted)` },
    {
      ...sparse,
      commandLine: `/old/bin/postgres -D /proc/self/fd/3/postgres -p 20001 -c makima.data_folder=${DATA}`,
    },
  ])('of another installation, or one deleted since, is told apart: %j', (found) => {
    expect(asPostmaster(found, PROGRAM, DATA)).toEqual({ process: found, sameProgram: false });
  });

  it('is found in a home that was moved while it ran', () => {
    const moved = { ...server, workingFolder: '/new/postgres' };
    expect(asPostmaster(moved, PROGRAM, '/new/postgres')?.sameProgram).toBe(true);
  });

  it.each([
    { ...server, executable: '/usr/bin/node' },
    { ...server, workingFolder: '/home/of/another/postgres' },
    { ...sparse, commandLine: `${PROGRAM} -D ${DATA} -p 20001 -c makima.data_folder=${DATA}-of-another` },
    { ...sparse, commandLine: `vi -D ${DATA} -c makima.data_folder=${DATA}` },
    { ...sparse, commandLine: `${PROGRAM} -D ${DATA} -p 20001` },
    { ...sparse, commandLine: '' },
  ])('is none of ours: %j', (found) => {
    expect(asPostmaster(found, PROGRAM, DATA)).toBeUndefined();
  });
});

describe('the reason of a failed start', () => {
  it('is the fatal error with what was said before it', () => {
    const output = [
      '2026-01-01 00:00:00.000 UTC [1] LOG:  starting PostgreSQL 18.4',
      '2026-01-01 00:00:00.000 UTC [1] LOG:  could not bind IPv4 address "127.0.0.1": Address already in use',
      '2026-01-01 00:00:00.000 UTC [1] HINT:  Is another postmaster already running on port 5?',
      '2026-01-01 00:00:00.000 UTC [1] FATAL:  could not create any TCP/IP sockets',
      '2026-01-01 00:00:00.000 UTC [1] LOG:  database system is shut down',
    ].join('\n');
    expect(fatalLine(output)).toBe(
      'could not bind IPv4 address "127.0.0.1": Address already in use; could not create any TCP/IP sockets',
    );
  });

  it('is what the server says itself, not the last words of the one before it', () => {
    const at = '2026-01-01 00:00:00.000 UTC';
    const dying = `${at} [21] FATAL:  terminating connection due to unexpected postmaster exit\n`;
    const own = [
      `${at} [30] FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use`,
      `${at} [30] HINT:  Terminate any old server processes associated with data directory`,
    ].join('\n');
    expect(failureOf(`${dying}${own}\n${dying}`, 30)).toContain('pre-existing shared memory block');
    const startup = `${at} [31] PANIC:  could not locate a valid checkpoint record\n${at} [30] LOG:  aborting startup\n`;
    expect(failureOf(dying + startup, 30)).toBe('could not locate a valid checkpoint record');
    expect(failureOf(`${dying}no such library\n`, 30)).toBe('no such library');
  });

  it('is the last line of a program that never got so far', () => {
    expect(fatalLine('warning\nerror while loading shared libraries: libz.so.1\n')).toBe(
      'error while loading shared libraries: libz.so.1',
    );
    expect(fatalLine('')).toBe('it ended without a word');
  });
});

describe('stopping', () => {
  const patience = { fast: 150, quick: 2_000 };
  const started = async (script: string) => {
    const child = spawn(process.execPath, [
      '-e',
      `${script}; setInterval(() => {}, 1000); console.log('up')`,
    ]);
    await once(child.stdout, 'data');
    const found = runningProcess(child.pid ?? 0);
    if (!found) throw new Error('the process is not there');
    return { child, found, exit: once(child, 'exit') };
  };

  it('asks first', async () => {
    const { found, exit } = await started('');
    await stopPostmaster(found, patience);
    expect(await exit).toEqual([null, 'SIGINT']);
  });

  it('insists when asking does not help', async () => {
    const { found, exit } = await started("process.on('SIGINT', () => {})");
    await stopPostmaster(found, patience);
    expect(await exit).toEqual([null, 'SIGQUIT']);
  });

  it('says so when nothing helps', async () => {
    const { child, found, exit } = await started("process.on('SIGINT', () => {}).on('SIGQUIT', () => {})");
    const stopped = stopPostmaster(found, { fast: 50, quick: 50 });
    await expect(stopped).rejects.toThrow(`Postgres (process ${found.pid}) does not stop`);
    child.kill('SIGKILL');
    await exit;
  });

  it('leaves a process alone that has got the pid since', async () => {
    const { child, found, exit } = await started('');
    await stopPostmaster({ ...found, startedAt: 'another time' }, patience);
    expect(runningProcess(found.pid)).toEqual(found);
    child.kill('SIGKILL');
    await exit;
  });
});
