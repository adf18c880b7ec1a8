import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isUuid } from '#libs/kernel/ids.js';
import { lockHome, type HomeLock } from '#libs/processes/home-lock.js';
import { readJson, writeJson } from './json-file.js';

/** Where a task's things are on this machine. */
export interface TaskPlace {
  readonly taskId: string;
  /** All of it. */
  readonly base: string;
  /** What the agent works in. */
  readonly folder: string;
  /** Our repository beside it. */
  readonly shadow: string;
  /** What was not acknowledged. */
  readonly spool: string;
  readonly journal: string;
}

/** `<home>/daemon`: who this daemon is, and what it has of tasks. One process uses it at a time. */
export class DaemonHome {
  private constructor(
    readonly path: string,
    readonly daemonId: string,
    readonly name: string,
    private readonly lock: HomeLock,
  ) {}

  /**
   * Opens it, or makes it; the daemon's id is made at the first time and stays.
   * @param home makima's home.
   * @param name for people; without one the name that it had, else that of the machine.
   * @throws HomeInUse while another daemon works in it.
   */
  static async open(home: string, name?: string): Promise<DaemonHome> {
    const path = join(home, 'daemon');
    await mkdir(join(path, 'tasks'), { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    const lock = await lockHome(path);
    try {
      const known = identityIn(await readJson(join(path, 'daemon.json')).catch(() => undefined));
      const identity = {
        id: known?.id ?? randomUUID(),
        name: (name ?? known?.name ?? hostname()).slice(0, 200),
      };
      if (identity.id !== known?.id || identity.name !== known.name)
        await writeJson(join(path, 'daemon.json'), identity);
      return new DaemonHome(path, identity.id, identity.name, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Bare mirrors of the contracts' repositories. */
  get cache(): string {
    return join(this.path, 'cache');
  }

  /** Tasks that something is left of here. */
  async tasks(): Promise<readonly string[]> {
    return (await readdir(join(this.path, 'tasks'))).filter(isUuid);
  }

  /** Makes what is not there yet, but for the folder. */
  async place(taskId: string): Promise<TaskPlace> {
    if (!isUuid(taskId)) throw new TypeError('a task is named by a UUID');
    const base = join(this.path, 'tasks', taskId);
    const spool = join(base, 'spool');
    await mkdir(spool, { recursive: true, mode: 0o700 });
    return {
      taskId,
      base,
      spool,
      folder: join(base, 'folder'),
      shadow: join(base, 'shadow.git'),
      journal: join(base, 'journal.json'),
    };
  }

  release(): void {
    this.lock.release();
  }
}

function identityIn(value: unknown): { readonly id: string; readonly name: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, name } = value as { id?: unknown; name?: unknown };
  return isUuid(id) && typeof name === 'string' ? { id, name } : undefined;
}
