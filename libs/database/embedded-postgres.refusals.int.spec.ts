import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { EmbeddedHome, portOf } from '#libs/testing/embedded-home.js';
import { findPostmaster, launchPostmaster } from './embedded/postmaster.js';
import { postgresAccount } from './embedded/postgres-account.js';
import { packageFolder, postgresBinaries } from './embedded/postgres-binaries.js';
import { runningProcess } from '#libs/processes/running-process.js';

jest.setTimeout(30_000);

let at: EmbeddedHome;
beforeEach(() => {
  at = new EmbeddedHome();
});
afterEach(() => at.remove());

describe('what stands in the way is said in one line', () => {
  it.each(['file', 'file/below', 'missing/below'])('a home that cannot be made: %s', async (path) => {
    writeFileSync(join(at.folder, 'file'), '');
    const refusal = /^cannot write to [^\n]+; set MAKIMA_HOME to a folder of yours$/;
    await expect(at.start({ home: join(at.folder, path) })).rejects.toThrow(refusal);
  });

  it('something else in the place of the data, which stays', async () => {
    mkdirSync(join(at.home, 'postgres'), { recursive: true });
    writeFileSync(join(at.home, 'postgres/letter'), 'dear');
    await expect(at.start()).rejects.toThrow(
      /^\S+ holds no Postgres database and is not empty: move it away[^\n]+$/,
    );
    expect(readFileSync(join(at.home, 'postgres/letter'), 'utf8')).toBe('dear');
  });

  it('lost or damaged passwords', async () => {
    await (await at.start()).stop();
    const keys = join(at.home, 'keys/postgres.json');
    writeFileSync(keys, '{');
    await expect(at.start()).rejects.toThrow(/^\S+postgres\.json is damaged: [^\n]+$/);
    rmSync(keys);
    await expect(at.start()).rejects.toThrow(/^\S+postgres\.json is missing, and [^\n]+$/);
  });

  it('a damaged setting, in the server’s own words', async () => {
    await (await at.start()).stop();
    writeFileSync(join(at.home, 'postgres/postgresql.auto.conf'), "work_mem = 'much'\n");
    await expect(at.start()).rejects.toThrow(
      /^Postgres does not start: [^\n]*(work_mem|configuration file)[^\n]* \(see \S+postgres\.log\)$/,
    );
  });
});

describe('the programs', () => {
  /** A package as npm leaves it without install scripts and under a strict umask, in a place closed to others. */
  function unusablePackage(): string {
    const copy = join(at.folder, 'closed/package');
    mkdirSync(join(at.folder, 'closed'), { mode: 0o700 });
    cpSync(packageFolder(), copy, { recursive: true, verbatimSymlinks: true });
    const lib = join(copy, 'native/lib');
    for (const entry of readdirSync(lib, { withFileTypes: true })) {
      if (entry.isSymbolicLink()) rmSync(join(lib, entry.name));
    }
    for (const program of ['initdb', 'postgres']) chmodSync(join(copy, 'native/bin', program), 0o700);
    chmodSync(lib, 0o500);
    return copy;
  }

  it('are copied to the home where they cannot be used; an older installation’s server is replaced', async () => {
    const first = await at.start();
    await first.stop();
    const dataFolder = join(at.home, 'postgres');
    const account = postgresAccount(dataFolder);
    const closed = unusablePackage();
    const copies = join(at.home, 'bin');
    const copy = postgresBinaries(copies, account, closed);
    expect(copy.postgres.startsWith(join(copies, 'postgres-'))).toBe(true);
    expect(postgresBinaries(copies, account, closed)).toEqual(copy);
    chmodSync(join(closed, 'native/lib'), 0o700); // so that it can be removed

    const logFile = join(at.folder, 'old.log');
    const port = portOf(first);
    const old = await launchPostmaster({ program: copy.postgres, dataFolder, port, logFile, account });
    expect(findPostmaster(copy.postgres, dataFolder)).toEqual({ process: old, sameProgram: true });
    expect(await at.start()).toMatchObject({ adopted: false, url: first.url });
    expect('pid' in old && runningProcess(old.pid)).toBeUndefined();
  });
});
