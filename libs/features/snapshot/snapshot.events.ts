// Part of stream `task-<id>`: what a conversation showed at some moment, by reference.
import type { MessagePlace } from '../conversation/conversation.events.js';

export const SNAPSHOT_TYPES = ['auto', 'manual', 'checkpoint'] as const;
export type SnapshotType = (typeof SNAPSHOT_TYPES)[number];

export type SnapshotEvent = {
  readonly type: 'ConversationSnapshotTaken';
  readonly data: {
    readonly snapshotId: string;
    readonly snapshotType: SnapshotType;
    /** The checkpoint that it was taken with, for type `checkpoint`. */
    readonly checkpointId: string | null;
    /** The last message that was shown: it stands for all up to it. Null: none was. */
    readonly last: MessagePlace | null;
    readonly messageCount: number;
    /** The branch that was shown. */
    readonly branch: number;
    /** The last message that the task had recorded (inclusive); 0 before the first. */
    readonly seq: number;
    /** ISO 8601: the moment of the conversation that it holds, from which the next automatic one is timed. */
    readonly heldAt: string;
    readonly note: string | null;
  };
};
