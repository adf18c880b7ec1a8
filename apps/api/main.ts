import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureHome, HomeError, readCredentials, writeCredentials } from '#libs/client/makima-home.js';
import { isConnectionError } from '#libs/database/database.js';
import {
  EmbeddedPostgresError,
  HomeInUse,
  lockHome,
  startEmbeddedPostgres,
  stopLeftover,
  type EmbeddedPostgres,
} from '#libs/database/embedded-postgres.js';
import { UnusableDatabase } from '#libs/database/unusable-database.js';
import { LocalDaemon } from './local-daemon.js';
import type { RunningServer } from './server.js';
import { cursorKey, readSettings, SettingError, type Settings } from './settings.js';

const log = (line: string): void => console.error(line);

/** What was started, to be stopped in reverse. */
const running: (() => Promise<unknown>)[] = [];
let stopping: Promise<void> | undefined;
/** Ends the start at its next step. */
const interruption = new AbortController();
/** How long a start that is interrupted may take to its next step; what hangs longer is stopped where it stands. */
const STEP_MS = 3_000;

function stop(): Promise<void> {
  stopping ??= (async () => {
    interruption.abort();
    await Promise.race([started.catch(() => undefined), delay(STEP_MS)]);
    for (const end of running.splice(0).reverse())
      await end().catch((error: Error) => log(`while stopping: ${error.message}`));
  })();
  return stopping;
}

/** The result of one step of the start, unless somebody wants to stop. */
async function step<T>(work: Promise<T>): Promise<T> {
  const result = await work;
  interruption.signal.throwIfAborted();
  return result;
}

async function database({ home, databaseUrl }: Settings): Promise<string> {
  if (databaseUrl) return databaseUrl;
  let postgres: EmbeddedPostgres | undefined = undefined;
  // A start that fails or is interrupted may have a server running already. Why it failed is said elsewhere.
  running.push(() => postgres?.stop() ?? stopLeftover(home).catch(() => false));
  postgres = await startEmbeddedPostgres({ home, log, revive: true });
  return postgres.url;
}

async function start(): Promise<RunningServer> {
  const settings = readSettings();
  const { home, host, port, eventStoreUrl, snapshots, projects, leaseMs } = settings;
  ensureHome(home);
  const lock = await lockHome(home);
  running.push(async () => lock.release());
  // The server's code is loaded while Postgres starts, and not at all for a setting that cannot be used.
  const [databaseUrl, { startServer }] = await step(Promise.all([database(settings), import('./server.js')]));
  const known = readCredentials(home);
  const server = await startServer({
    databaseUrl,
    host,
    port,
    snapshots,
    projects,
    leaseMs,
    log,
    cursorKey: cursorKey(home),
    hubs: join(home, 'hubs'),
    ...(eventStoreUrl ? { eventStoreUrl } : {}),
    ...(known ? { token: known.token } : {}),
  });
  running.push(() => server.close());
  interruption.signal.throwIfAborted();
  const { url, token } = server;
  writeCredentials(home, { url, token });
  if (settings.daemon) {
    const daemon = new LocalDaemon({ home, url, token, log });
    running.push(() => daemon.stop());
    await step(daemon.start());
  }
  return server;
}

/** One line that says what is wrong and what to do; undefined for what nobody foresaw. */
function explain(error: unknown): string | undefined {
  const { code, port, message } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE')
    return `port ${port} is taken. Stop what listens there, or choose another: PORT=7421 npm start`;
  if (code === 'EACCES' && port !== undefined)
    return `port ${port} may not be used by this user. Choose one above 1023: PORT=7420 npm start`;
  if (code === 'EADDRNOTAVAIL') return `HOST=${process.env['HOST']} is not an address of this machine`;
  if (error instanceof SettingError || error instanceof HomeError || error instanceof HomeInUse)
    return message;
  if (error instanceof EmbeddedPostgresError || error instanceof UnusableDatabase) return message;
  if (isConnectionError(error))
    return `the database cannot be reached: ${message}. Check DATABASE_URL, and that the server runs.`;
  return undefined;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    void stop().then(() => process.exit(0));
  });
}

const started = start();
try {
  const server = await started;
  if (!stopping) console.log(`makima ready at ${server.url}`);
} catch (error) {
  // Ctrl-C reaches initdb too, and its failure comes back before the signal's own event does.
  await delay(50);
  if (!stopping) {
    const line = explain(error);
    console.error(line ? `makima: ${line}` : error);
    await stop();
    process.exit(1);
  }
}
