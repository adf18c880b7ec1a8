// Makima's daemon as users run it: a process of its own with a home of its own, under a daemon key.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../dist/apps/daemon/main.js', import.meta.url));
const LONGEST_START_MS = 30_000;

/**
 * Starts a daemon for a server.
 * @param root folder for its home.
 */
export async function startDaemonProcess(api, name, root) {
  const home = mkdtempSync(join(root, `makima-bench-${name}-`));
  const { token } = await api.post('/access/keys', { kind: 'daemon', name });
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      MAKIMA_HOME: home,
      MAKIMA_URL: api.url,
      MAKIMA_TOKEN: token,
      MAKIMA_DAEMON_NAME: name,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const clear = () => rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  const kill = () => {
    child.kill('SIGKILL');
    clear();
  };
  process.once('exit', kill);
  const said = [];
  createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
  const failed = (why) => new Error(`daemon ${name} ${why}: ${said.slice(-8).join(' / ')}`);
  const late = new Promise((_, reject) =>
    setTimeout(() => reject(failed('does not get ready')), LONGEST_START_MS).unref(),
  );
  const ready = new Promise((resolve) =>
    createInterface({ input: child.stdout }).on('line', (line) => line.includes(' ready for ') && resolve()),
  );
  await Promise.race([ready, late, ended.then((code) => Promise.reject(failed(`ended with ${code}`)))]);
  const { daemons } = await api.get('/daemons');
  const tasks = join(home, 'daemon/tasks');
  return {
    id: daemons.find((daemon) => daemon.name === name).id,
    pid: child.pid,
    folderOf: (taskId) => join(tasks, taskId, 'folder'),
    shadowOf: (taskId) => join(tasks, taskId, 'shadow.git'),
    /** Its copy of the one repository that its tasks are about. */
    get cache() {
      const folder = join(home, 'daemon/cache');
      return join(
        folder,
        readdirSync(folder).find((entry) => entry.endsWith('.git')),
      );
    },
    /** What it has said last, for errors. */
    said: () => said.slice(-8).join(' / '),
    async stop() {
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
      clear();
    },
  };
}
