// Part of stream `task-<id>`: which daemon works in a task, by leases with growing epochs, and what daemons are asked for.
// A lease starts with TaskLeased and ends with TaskLeaseEnded; what a daemon sends under an epoch that ended is refused.
import type { LongText } from '#libs/kernel/blob-reference.js';

/** The program that a task's agent is. */
export type RunnerChoice =
  | { readonly name: 'claude' | 'codex'; readonly model?: string }
  | { readonly name: 'command'; readonly command: readonly string[] }
  | {
      readonly name: 'replay';
      /** Path of a recorded transcript on the daemon's machine. */
      readonly recording: string;
      /** 0: at once; 1: as it was recorded. */
      readonly speed?: number;
    };

export const LEASE_ENDS = ['released', 'lost', 'revoked'] as const;
/** `released`: by its daemon; `lost`: nothing was heard of it; `revoked`: the task was stopped or given to another. */
export type LeaseEnd = (typeof LEASE_ENDS)[number];

export type LeaseEvent =
  | {
      readonly type: 'TaskStartRequested';
      readonly data: {
        /** Null: the one that the task had before, or else the daemon's own choice. */
        readonly runner: RunnerChoice | null;
        /** What the agent is asked; null: the task's plan. */
        readonly prompt: LongText | null;
        /** Null: any daemon. */
        readonly targetDaemonId: string | null;
      };
    }
  | { readonly type: 'TaskLeased'; readonly data: { readonly daemonId: string; readonly epoch: number } }
  | {
      readonly type: 'TaskLeaseEnded';
      readonly data: {
        readonly daemonId: string;
        readonly epoch: number;
        readonly end: LeaseEnd;
        readonly reason: string | null;
      };
    }
  | {
      /** Somebody wants a checkpoint of the folder as it is now. */
      readonly type: 'CheckpointRequested';
      readonly data: {
        readonly requestId: string;
        readonly message: string | null;
        /** How the task's tests came out on what the folder holds; absent: nobody says. */
        readonly testsPassed?: boolean;
      };
    }
  | {
      /** The checkpoint that shows the folder at that moment: a new one, or the newest where nothing had changed. */
      readonly type: 'CheckpointRequestAnswered';
      readonly data: {
        readonly requestId: string;
        readonly checkpointId: string;
        readonly testsPassed?: boolean;
      };
    };
