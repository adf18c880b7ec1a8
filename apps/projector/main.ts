import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { readSettings, SettingError } from '#apps/api/settings.js';
import { isConnectionError } from '#libs/database/database.js';
import { UnusableDatabase } from '#libs/database/unusable-database.js';
import { startProjector, type RunningProjector } from './projector.js';

/** How long a start that is interrupted may take to end, in milliseconds. */
const STEP_MS = 3_000;

const log = (line: string): void => console.error(line);
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort());

async function start(): Promise<RunningProjector> {
  const { databaseUrl, eventStoreUrl, projects } = readSettings();
  if (!projects) throw new SettingError('MAKIMA_PROJECTIONS=off is for API processes, not for a projector');
  if (!databaseUrl) throw new SettingError('DATABASE_URL must say which database the API processes use');
  return startProjector({ databaseUrl, ...(eventStoreUrl ? { eventStoreUrl } : {}), log });
}

/** One line that says what is wrong and what to do; the error itself for what nobody foresaw. */
function explain(error: unknown): unknown {
  if (error instanceof SettingError || error instanceof UnusableDatabase) return `makima: ${error.message}`;
  if (!isConnectionError(error)) return error;
  return `makima: the database cannot be reached: ${(error as Error).message}. Check DATABASE_URL, and that the server runs.`;
}

const interrupted = once(interruption.signal, 'abort');
const started = start();
try {
  await Promise.race([started, interrupted.then(() => delay(STEP_MS))]);
  const projector = interruption.signal.aborted ? undefined : await started;
  if (projector) {
    console.log('makima projector ready');
    await interrupted;
    await projector.close();
  }
  process.exit(0);
} catch (error) {
  if (interruption.signal.aborted) process.exit(0);
  console.error(explain(error));
  process.exit(1);
}
