import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, reasonOf } from './system-error.js';
import { pidExists, runningProcess } from './running-process.js';

/** A live makima holds the home, or the lock cannot be written. The message is one line for the user. */
export class HomeInUse extends Error {
  override readonly name = 'HomeInUse';
}

/** A held lock. */
export interface HomeLock {
  /** Gives the home back. Safe to call again. */
  release(): void;
}

interface Holder {
  readonly pid: number;
  /** See RunningProcess.startedAt. */
  readonly startedAt: string;
  /** Tells two locks of one process apart. */
  readonly id: string;
}

const RETRIES = 100;

/**
 * Takes makima's home for this process: `<home>/makima.lock` names it by pid and start. The lock of a process that has
 * ended, or whose pid another process has now, is taken over.
 * @throws HomeInUse if another process, or this one already, holds it.
 */
export async function lockHome(home: string): Promise<HomeLock> {
  const path = join(home, 'makima.lock');
  const holder: Holder = {
    pid: process.pid,
    startedAt: runningProcess(process.pid)?.startedAt ?? '',
    id: randomUUID(),
  };
  try {
    const other = await acquire(path, `${JSON.stringify(holder)}\n`, holder.id);
    if (other) {
      throw new HomeInUse(
        `another makima (process ${other.pid}) uses ${home}: stop it, or set MAKIMA_HOME to another folder`,
      );
    }
  } catch (error) {
    if (error instanceof HomeInUse) throw error;
    throw new HomeInUse(
      `cannot lock ${home}: ${reasonOf(error)}; set MAKIMA_HOME to a folder that you can write to`,
    );
  }
  return { release: () => release(path, holder.id) };
}

/**
 * Writes our text to `path` unless a live process holds it; answers that one.
 * A stale lock is replaced only by whoever holds the lock named after it, and only while it still stands there: two
 * processes that find the same stale lock cannot both replace it.
 */
async function acquire(path: string, text: string, id: string): Promise<Holder | undefined> {
  const staging = `${path}.new-${id}`;
  writeFileSync(staging, text, { mode: 0o600, flush: true });
  try {
    for (let tries = 1; ; tries++) {
      if (created(staging, path)) return undefined;
      const before = textOf(path);
      if (before === undefined) continue; // given back this moment
      const found = holderIn(before);
      if (found && isAlive(found)) return found;
      const claim = `${path}.after-${found?.id ?? 'unreadable'}`;
      const claimant = await acquire(claim, text, `${id}-${tries}`);
      if (claimant && tries >= RETRIES) return claimant;
      if (claimant) await delay(20);
      else {
        const unchanged = textOf(path) === before;
        if (unchanged) renameSync(staging, path);
        rmSync(claim, { force: true });
        if (unchanged) return undefined;
      }
    }
  } finally {
    rmSync(staging, { force: true });
  }
}

function created(staging: string, path: string): boolean {
  try {
    linkSync(staging, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function release(path: string, id: string): void {
  if (holderIn(textOf(path) ?? '')?.id === id) rmSync(path, { force: true });
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Who stands in a lock file; undefined for a damaged one. */
function holderIn(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isHolder = (value: unknown): value is Holder =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  typeof value.pid === 'number' &&
  'startedAt' in value &&
  typeof value.startedAt === 'string' &&
  'id' in value &&
  typeof value.id === 'string' &&
  /^[0-9a-f-]+$/.test(value.id);

function isAlive(holder: Holder): boolean {
  if (!pidExists(holder.pid)) return false;
  return runningProcess(holder.pid)?.startedAt === holder.startedAt;
}
