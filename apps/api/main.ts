import { ensureHome, HomeError, readCredentials, writeCredentials } from '#libs/client/makima-home.js';
import { isConnectionError } from '#libs/database/database.js';
import {
  EmbeddedPostgresError,
  HomeInUse,
  lockHome,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '#libs/database/embedded-postgres.js';
import { startServer, type RunningServer } from './server.js';
import { cursorKey, readSettings, SettingError, type Settings } from './settings.js';

const log = (line: string): void => console.error(line);

/** What was started, to be stopped in reverse. */
const running: (() => Promise<void>)[] = [];
let stopping: Promise<void> | undefined;

function stop(): Promise<void> {
  stopping ??= (async () => {
    for (const end of running.splice(0).reverse())
      await end().catch((error: Error) => log(`while stopping: ${error.message}`));
  })();
  return stopping;
}

async function database({ home, databaseUrl }: Settings): Promise<string> {
  if (databaseUrl) return databaseUrl;
  const postgres: EmbeddedPostgres = await startEmbeddedPostgres({ home, log, revive: true });
  running.push(() => postgres.stop());
  return postgres.url;
}

async function start(): Promise<RunningServer> {
  const settings = readSettings();
  const { home, host, port, eventStoreUrl, snapshotEvery } = settings;
  ensureHome(home);
  const lock = await lockHome(home);
  running.push(async () => lock.release());
  const databaseUrl = await database(settings);
  const known = readCredentials(home);
  const server = await startServer({
    databaseUrl,
    host,
    port,
    snapshotEvery,
    log,
    cursorKey: cursorKey(home),
    ...(eventStoreUrl ? { eventStoreUrl } : {}),
    ...(known ? { token: known.token } : {}),
  });
  running.push(() => server.close());
  writeCredentials(home, { url: server.url, token: server.token });
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
  if (error instanceof EmbeddedPostgresError) return message;
  if (isConnectionError(error))
    return `the database cannot be reached: ${message}. Check DATABASE_URL, and that the server runs.`;
  return undefined;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    void stop().then(() => process.exit(0));
  });
}

try {
  const server = await start();
  console.log(`makima ready at ${server.url}`);
} catch (error) {
  const line = explain(error);
  console.error(line ? `makima: ${line}` : error);
  await stop();
  process.exit(1);
}
