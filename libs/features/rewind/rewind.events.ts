// Part of stream `task-<id>`: a rewind of code, of conversation, or of both, as a process (DESIGN §6).
// Starts with RewindRequested, which locks the task. Before RewindCommitted it can be aborted and nothing has changed;
// from then on it goes forward, until RewindCompleted, or RewindFailed when code and conversation were put back.
import type { OpenCall, MessagePlace, RewindPoint } from '../conversation/conversation.events.js';

/** A commit that a task's code can go back to. */
export interface CodePoint {
  /** The task that recorded the checkpoint: the task itself, or one that it is a fork of. */
  readonly taskId: string;
  readonly checkpointId: string;
  readonly commitSha: string;
  /** The commit that the agent's branch named. */
  readonly headSha: string | null;
  readonly branchName: string | null;
}

export const PRESERVE_MODES = ['discard', 'create_branch', 'stash'] as const;
export type PreserveMode = (typeof PRESERVE_MODES)[number];

export const REWIND_SCOPES = ['code', 'conversation', 'both'] as const;
export type RewindScope = (typeof REWIND_SCOPES)[number];

/** Where the conversation goes back to, found when the rewind was asked for. */
export type HeadMove =
  | {
      readonly kind: 'rewind';
      readonly keepUpTo: MessagePlace | null;
      readonly keptMessages: number;
      readonly point: RewindPoint;
      readonly openCalls: readonly OpenCall[];
    }
  | { readonly kind: 'undo'; readonly branch: number };

export interface RewindWanted {
  readonly rewindId: string;
  readonly scope: RewindScope;
  /** Where the code goes; null: it stays. */
  readonly target: CodePoint | null;
  /** Takes back what one checkpoint changed and leaves what came later: the target is the result, made by the daemon. */
  readonly revert: { readonly checkpoint: CodePoint; readonly previousSha: string | null } | null;
  /** Where the conversation goes; null: it stays. */
  readonly head: HeadMove | null;
  readonly preserve: { readonly mode: PreserveMode; readonly branchName: string | null };
  /** The rewind that this one takes back. */
  readonly undoes: string | null;
  readonly reason: string | null;
}

export type RewindEvent =
  | { readonly type: 'RewindRequested'; readonly data: RewindWanted }
  | {
      /** What was there before is a checkpoint on the daemon's disk; null: no daemon was at hand, nothing was touched. */
      readonly type: 'RewindPrepared';
      readonly data: {
        readonly rewindId: string;
        readonly daemonId: string | null;
        readonly before: CodePoint | null;
      };
    }
  | {
      /** The point of no return: from here the code is what the target says, though the folder may not show it yet. */
      readonly type: 'RewindCommitted';
      readonly data: {
        readonly rewindId: string;
        readonly target: CodePoint | null;
        readonly preservedAs: { readonly type: 'branch' | 'stash'; readonly reference: string } | null;
        /** The branch of the conversation that it starts; null: the conversation stays. */
        readonly branch: number | null;
        /** The next lease brings the folder there. */
        readonly isDeferred: boolean;
      };
    }
  | {
      readonly type: 'RewindCompleted';
      readonly data: {
        readonly rewindId: string;
        readonly daemonId: string;
        /** The tree that the folder was found to hold afterwards. */
        readonly tree: string | null;
      };
    }
  | {
      /** The daemon that was to bring the folder there is lost: the next lease does. */
      readonly type: 'RewindDeferred';
      readonly data: { readonly rewindId: string };
    }
  | { readonly type: 'RewindAborted'; readonly data: { readonly rewindId: string; readonly reason: string } }
  | {
      readonly type: 'RewindFailed';
      readonly data: { readonly rewindId: string; readonly reason: string; readonly restored: true };
    };
