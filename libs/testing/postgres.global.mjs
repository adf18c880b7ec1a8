// Jest's global setup: one Postgres for the whole run. It runs outside of Jest's transform, so it starts the server
// with the built code, the same that users run. Jest calls it once a project: the first call starts, the last one stops.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILT = join(ROOT, 'dist/libs/database/embedded-postgres.js');
const PREFIX = 'makima-test-postgres-';
const MEMORY_FOLDER = '/dev/shm';
const GIB = 2 ** 30;
const UNLOCKED_MS = 3_600_000;

let users = 0;
let stop;

export default async function startPostgres() {
  users += 1;
  if (users > 1) return;
  process.env.MAKIMA_TEST_RUN = randomBytes(4).toString('hex');
  stop = process.env.DATABASE_URL ? await useExternal(process.env.DATABASE_URL) : await startEmbedded();
}

export async function stopPostgres() {
  users -= 1;
  if (users === 0) await stop();
}

async function useExternal(url) {
  process.env.MAKIMA_TEST_DATABASE_URL = url;
  const prefix = `makima_test_${process.env.MAKIMA_TEST_RUN}_`;
  return async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const found = await client.query('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [
      prefix,
    ]);
    for (const { datname } of found.rows) await client.query(`DROP DATABASE "${datname}" WITH (FORCE)`);
    await client.end();
  };
}

async function startEmbedded() {
  build();
  const { startEmbeddedPostgres, lockHome } = await import(BUILT);
  await sweep();
  const home = mkdtempSync(join(dataRoot(), PREFIX));
  const lock = await lockHome(home);
  const server = await startEmbeddedPostgres({ home, forTests: true });
  process.env.MAKIMA_TEST_DATABASE_URL = server.url;
  return async () => {
    await server.stop();
    lock.release();
    rmSync(home, { recursive: true, force: true });
  };
}

/** Where there is plenty of memory the data live in it: a test's database takes 10 ms there and 80 ms on a disk. */
function dataRoot() {
  if (!existsSync(MEMORY_FOLDER) || process.availableMemory() < 8 * GIB) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  return bavail * bsize < 4 * GIB ? tmpdir() : MEMORY_FOLDER;
}

/** Builds what changed. Someone's half-written file elsewhere does not stop the tests if there is an older build. */
function build() {
  try {
    execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), '--stale'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    if (!existsSync(BUILT)) throw error;
    console.error(`the build failed, Postgres is started with the last one: ${error.stderr}`);
  }
}

/** Stops and removes what killed test runs of this user left behind. */
async function sweep() {
  const { lockHome, stopLeftover } = await import(BUILT);
  const folders = [tmpdir(), MEMORY_FOLDER].filter((folder) => existsSync(folder));
  const homes = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  for (const home of homes.filter((path) => basename(path).startsWith(PREFIX))) {
    try {
      const { uid, ctimeMs } = statSync(home);
      const fresh = !existsSync(join(home, 'makima.lock')) && Date.now() - ctimeMs < UNLOCKED_MS;
      if (fresh || uid !== process.getuid?.()) continue;
      await lockHome(home); // fails while its run lives
      await stopLeftover(home);
      rmSync(home, { recursive: true, force: true });
    } catch {
      continue;
    }
  }
}
