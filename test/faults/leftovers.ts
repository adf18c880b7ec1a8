import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runningProcess } from '#libs/processes/running-process.js';
import { stopLeftover } from '#libs/database/embedded-postgres.js';

/** Folders of homes begin so. */
export const PREFIX = 'makima-process-';
/** In each: which process of Jest's it belongs to. */
const OWNER = 'owner.json';

interface Identity {
  readonly pid: number;
  readonly startedAt: string;
}

/** Notes in a folder that it is this process' own. */
export function claim(folder: string): void {
  const { pid } = process;
  writeFileSync(join(folder, OWNER), JSON.stringify({ pid, startedAt: runningProcess(pid)?.startedAt }));
}

/** Ends and removes what test runs left behind that were killed: their servers and daemons have sessions of their own. */
export async function sweep(): Promise<void> {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX));
  for (const folder of folders.map((name) => join(tmpdir(), name))) {
    if (statSync(folder, { throwIfNoEntry: false })?.uid !== process.getuid?.()) continue;
    const owner = identityIn(join(folder, OWNER));
    if (owner === undefined || lives(owner)) continue;
    for (const home of readdirSync(folder).map((name) => join(folder, name))) await end(home);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function end(home: string): Promise<void> {
  for (const lock of ['makima.lock', 'daemon/makima.lock']) {
    const holder = identityIn(join(home, lock));
    if (holder && lives(holder)) process.kill(holder.pid, 'SIGKILL');
  }
  if (existsSync(join(home, 'postgres/postmaster.pid'))) await stopLeftover(home);
}

const lives = ({ pid, startedAt }: Identity): boolean => runningProcess(pid)?.startedAt === startedAt;

function identityIn(path: string): Identity | undefined {
  if (!existsSync(path)) return undefined;
  return JSON.parse(readFileSync(path, 'utf8')) as Identity;
}
