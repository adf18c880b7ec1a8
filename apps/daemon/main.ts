import { ConnectionError } from '#libs/client/connection.js';
import { HomeError } from '#libs/client/makima-home.js';
import { HomeInUse } from '#libs/processes/home-lock.js';
import { DaemonRefused } from './connection.js';
import { startDaemon } from './daemon.js';
import { DaemonSettingError, daemonSettings } from './settings.js';

const log = (line: string): void => console.error(`makima daemon: ${line}`);

/** What a person can do something about is said in one line. */
const FORESEEN = [ConnectionError, HomeError, HomeInUse, DaemonRefused, DaemonSettingError];

function fail(error: unknown): never {
  if (FORESEEN.some((kind) => error instanceof kind)) log((error as Error).message);
  else console.error(error);
  process.exit(1);
}

try {
  const settings = daemonSettings();
  const daemon = await startDaemon({ ...settings, log });
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      // Who asks twice does not want to wait; the next start goes on from what is on the disk.
      if (isStopping) process.exit(1);
      isStopping = true;
      log('stopping the agents, and sending what is left');
      void daemon.stop().then(() => process.exit(0), fail);
    });
  daemon.ended.catch(fail);
  await daemon.connected;
  console.log(`makima daemon ${daemon.name} (${daemon.daemonId}) ready for ${settings.url}`);
} catch (error) {
  fail(error);
}
