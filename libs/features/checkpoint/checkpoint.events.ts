// Part of stream `task-<id>`: commits of a task's working tree. Numbers grow and are never reused, also after a rewind;
// a fork continues its parent's.
import type { LongList } from '#libs/kernel/blob-reference.js';
import type { FileChange } from '../conversation/conversation.events.js';

export const LEFT_OUT_REASONS = [
  'nested_repository',
  'too_large',
  'unreadable',
  'special_file',
  'empty_folder',
  'refused_name',
] as const;

/** `turn`: the agent ended a turn; `time`: some time had passed; `safety`: something was about to replace what was there. */
export const CHECKPOINT_TRIGGERS = ['turn', 'time', 'request', 'safety', 'end'] as const;
export type CheckpointTrigger = (typeof CHECKPOINT_TRIGGERS)[number];

export interface LeftOutPath {
  readonly path: string;
  readonly reason: (typeof LEFT_OUT_REASONS)[number];
}

export type CheckpointEvent =
  | {
      readonly type: 'CheckpointRecorded';
      readonly data: {
        readonly checkpointId: string;
        readonly number: number;
        /** Hex object id, 40 or 64 digits. */
        readonly commitSha: string;
        readonly branchName: string | null;
        readonly message: string;
        readonly filesChanged: LongList<FileChange>;
        readonly linesAdded: number;
        readonly linesRemoved: number;
        /** The last message of the conversation at that moment (inclusive); 0 before the first. */
        readonly seq: number;
        readonly branch: number;
        /** The commit that the agent's branch named; absent: none, or it is not known. */
        readonly headSha?: string;
        /** What of the folder the commit does not hold; absent: nothing. */
        readonly leftOut?: LongList<LeftOutPath>;
        /** The commit that its changes are counted from; absent: the checkpoint before. */
        readonly previousSha?: string;
        /** Why it was taken; absent: it is not known. */
        readonly trigger?: CheckpointTrigger;
        /** It keeps what a rewind or restore was about to replace, and is not where the code is. */
        readonly isAside?: true;
      };
    }
  | {
      /** The task's tests came out so on what the checkpoint holds. */
      readonly type: 'CheckpointTested';
      readonly data: { readonly checkpointId: string; readonly passed: boolean };
    }
  | {
      /** A branch for people was made from a checkpoint, in the server's hub. */
      readonly type: 'BranchCreated';
      readonly data: {
        readonly branchName: string;
        readonly commitSha: string;
        readonly checkpointId: string;
        /** It is to be checked out in the task's folder; absent: it is not. */
        readonly checkout?: true;
      };
    }
  | {
      /** The commit is in the server's hub: it survives the daemon's machine. */
      readonly type: 'CheckpointSecured';
      readonly data: { readonly checkpointId: string };
    };
