// Part of stream `task-<id>`: what a conversation showed at some moment, by reference to its segments.
import type { Segment } from '../conversation/conversation.events.js';

export const SNAPSHOT_TYPES = ['auto', 'manual', 'checkpoint'] as const;
export type SnapshotType = (typeof SNAPSHOT_TYPES)[number];

export type SnapshotEvent = {
  readonly type: 'ConversationSnapshotTaken';
  readonly data: {
    readonly snapshotId: string;
    readonly snapshotType: SnapshotType;
    readonly checkpointId: string | null;
    /** Closed segments: none is open. */
    readonly segments: readonly Segment[];
    readonly messageCount: number;
    readonly note: string | null;
  };
};
