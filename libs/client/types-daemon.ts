// What the API takes and answers about daemons, and about agents that run in tasks.
import type { Checkpoint, Positioned } from './types.js';

/** The program that a task's agent is. */
export type RunnerChoice =
  | { readonly name: 'claude' | 'codex'; readonly model?: string }
  /** Program and arguments; no shell reads them. */
  | { readonly name: 'command'; readonly command: readonly string[] }
  | {
      readonly name: 'replay';
      /** Path of a recorded transcript on the daemon's machine. */
      readonly recording: string;
      /** 0: at once; 1: as it was recorded. */
      readonly speed?: number;
    };

export interface StartRequest {
  /** Otherwise the one that the task had before, or else the daemon's own choice. */
  readonly runner?: RunnerChoice;
  /** What the agent is asked; otherwise the task's plan. */
  readonly prompt?: string;
  /** The daemon that is to run it; otherwise any. */
  readonly targetDaemonId?: string;
}

export interface StopRequest {
  /** How the task stands then; `paused` by default. */
  readonly status?: 'paused' | 'cancelled';
  readonly reason?: string;
}

/** A task that was asked to start, or that was stopped. */
export interface RunAsked extends Positioned {
  readonly taskId: string;
  readonly status: string;
  readonly controlVersion: number;
  /** For people. */
  readonly detail?: string;
}

export interface CheckpointAsked extends Positioned {
  readonly taskId: string;
  readonly requestId: string;
  /** Null: the daemon has not taken it yet. */
  readonly checkpoint: Checkpoint | null;
  /** For people. */
  readonly detail: string;
}

export interface Daemon {
  readonly id: string;
  readonly name: string;
  /** `connected`, `lost`, or `never` where nothing was heard of it. */
  readonly status: string;
  readonly version: string;
  readonly hostname: string;
  /** Agents that it runs at once. */
  readonly capacity: number;
  readonly runners: readonly string[];
  readonly lastHeartbeatAt: string | null;
  /** Ids of the tasks that run on it. */
  readonly tasks: readonly string[];
  /** Bytes free on its disk, and taken for tasks' folders; null: it has not said. */
  readonly freeBytes: number | null;
  readonly usedBytes: number | null;
  /** Batches of tasks that it no longer held. */
  readonly refusedOutputs: number;
  readonly lastRefused: {
    readonly taskId: string;
    readonly epoch: number;
    readonly items: number;
    readonly at: string;
  } | null;
  readonly registeredAt: string;
}

export interface TestsReport {
  readonly passed: boolean;
  /** For people; the message of the checkpoint. */
  readonly summary?: string;
}

export interface TestsReported extends Positioned {
  readonly taskId: string;
  readonly passed: boolean;
  /** The checkpoint that was asked for to say it of; absent: it is said of the newest one. */
  readonly requestId?: string;
}
