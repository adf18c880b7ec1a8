import { rename } from 'node:fs/promises';
import { basename } from 'node:path';
import type { KnownProcess } from '#libs/processes/left-behind.js';
import { readJson, writeJson } from './json-file.js';
import type { ActivityItem, CodePoint, RunEnd } from './protocol.js';
import { OneByOne } from './one-by-one.js';

/** A lease that this daemon has taken and not given back. */
export interface JournaledLease {
  readonly epoch: number;
  readonly runId: string;
  /** Null: no agent was started, or it has no process. */
  readonly agent: KnownProcess | null;
  /** How the run ended, when all that is left is to say so. */
  readonly end: RunEnd | null;
}

/** A checkpoint of this task that is pinned here. */
export interface JournaledCheckpoint extends CodePoint {
  readonly tree: string;
}

/** A checkpoint that counts only if the server takes it. */
export interface UntoldCheckpoint {
  readonly checkpointId: string;
  /** Of the lease that it is told under. */
  readonly epoch: number;
  /** What the folder was at before. */
  readonly before: JournaledCheckpoint | null;
  /** What is to be told; null: it is in the spool. */
  readonly item: ActivityItem | null;
}

/** A rewind that has begun here. */
export interface JournaledRewind {
  readonly rewindId: string;
  readonly before: JournaledCheckpoint;
  /** For a revert: the checkpoint that shows its result. */
  readonly result: JournaledCheckpoint | null;
  /** When it was prepared, ISO 8601: what is made of it twice is the same. */
  readonly at: string;
}

export interface JournalState {
  /** Whether the folder was made, or brought to another checkpoint, to its end. */
  readonly isPrepared: boolean;
  /** The commit that the folder's own repository was at when the folder was made; null: there was none. */
  readonly begunAt: string | null;
  readonly lease: JournaledLease | null;
  /** What the folder was at last; null: no checkpoint yet. */
  readonly code: JournaledCheckpoint | null;
  /** Checkpoints that are pinned, and that the server may not have heard of; oldest first. */
  readonly untold: readonly UntoldCheckpoint[];
  /** Checkpoints that are not in the hub, oldest first. */
  readonly unsafe: readonly Pick<CodePoint, 'checkpointId' | 'commitSha'>[];
  /** Commits that are in the hub, newest last. */
  readonly safe: readonly string[];
  readonly rewind: JournaledRewind | null;
}

const EMPTY: JournalState = {
  isPrepared: false,
  begunAt: null,
  lease: null,
  code: null,
  untold: [],
  unsafe: [],
  safe: [],
  rewind: null,
};

/** Commits that are remembered as safe: with the newest of them a pack holds little more than what is new. */
export const MOST_SAFE = 8;

/** What a daemon must know of a task after a kill -9, on the disk before anything depends on it. */
export class Journal {
  readonly #turns = new OneByOne();

  private constructor(
    private readonly path: string,
    private current: JournalState,
  ) {}

  /** Opens a task's journal; one that cannot be read is taken for an empty one, and kept aside. */
  static async open(path: string, log: (line: string) => void): Promise<Journal> {
    try {
      const found = await readJson(path);
      return new Journal(path, isRecord(found) ? { ...EMPTY, ...found } : EMPTY);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      await rename(path, `${path}.damaged`);
      log(`${path} is damaged: starting without it; it is kept as ${basename(path)}.damaged`);
      return new Journal(path, EMPTY);
    }
  }

  get state(): JournalState {
    return this.current;
  }

  /** Resolves when it is on the disk. */
  update(change: Partial<JournalState> | ((state: JournalState) => Partial<JournalState>)): Promise<void> {
    return this.#turns.run(async () => {
      const state = { ...this.current, ...(typeof change === 'function' ? change(this.current) : change) };
      await writeJson(this.path, state);
      this.current = state;
    });
  }
}

const isRecord = (value: unknown): value is Partial<JournalState> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
