import type { Upcasters } from '#libs/event-store/codec.js';
import type { MessagePlace } from '../conversation/conversation.events.js';

// Version 1 of these events listed all that was shown, run by run, so that a task's events grew with the square of its
// rewinds. The last message says the same.

interface FormerSegment {
  readonly taskId: string;
  readonly from: number;
  /** Null: open; the last segment of a branch always was. */
  readonly to: number | null;
}

interface Former {
  readonly segments: readonly FormerSegment[];
}

const lastOf = (segments: readonly FormerSegment[]): MessagePlace | null => {
  const end = segments.at(-1);
  return end ? { taskId: end.taskId, seq: end.to ?? 0 } : null;
};

const countOf = (segments: readonly FormerSegment[]): number =>
  segments.reduce((sum, { from, to }) => sum + (to ?? 0) - from + 1, 0);

function branchStarted(data: unknown): unknown {
  const { segments, ...rest } = data as Former;
  const kept = segments.slice(0, -1);
  return {
    ...rest,
    after: lastOf(kept),
    keptMessages: countOf(kept),
    seq: (segments.at(-1)?.from ?? 1) - 1,
  };
}

function forked(data: unknown): unknown {
  const { segments, ...rest } = data as Former;
  return { ...rest, after: lastOf(segments), keptMessages: countOf(segments) };
}

function snapshotTaken(data: unknown): unknown {
  const { segments, ...rest } = data as Former;
  return { ...rest, last: lastOf(segments) };
}

export const taskUpcasters: Upcasters = {
  ConversationRewound: [branchStarted],
  ConversationRewindUndone: [branchStarted],
  TaskForked: [forked],
  ConversationSnapshotTaken: [snapshotTaken],
};
