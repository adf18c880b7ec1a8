import { shownTip, type ConversationState } from '../conversation/conversation.decider.js';
import type { SnapshotEvent, SnapshotType } from './snapshot.events.js';

/** When snapshots are taken by themselves. */
export interface SnapshotPolicy {
  /** After so many messages since the newest snapshot; 0: never. */
  readonly everyMessages: number;
  /** When a message came so many minutes after the newest snapshot, by their own times; 0: never. */
  readonly everyMinutes: number;
}

/** What deciding must know of a task's newest snapshot. */
export interface NewestSnapshot {
  readonly seq: number;
  /** ISO 8601; null while there is none. */
  readonly heldAt: string | null;
}

/** Where a batch of activities takes snapshots: with every checkpoint, and when the policy says so. */
export interface SnapshotPlan {
  readonly policy: SnapshotPolicy;
  /** For each activity, in order: the id of a snapshot that follows it, and when the activity happened (ISO 8601). */
  readonly places: readonly { readonly snapshotId: string; readonly at: string }[];
}

/** Automatic snapshots in one batch at most, so that they don't make an append too large. */
export const MOST_AT_ONCE = 25;

export const NO_SNAPSHOT: NewestSnapshot = { seq: 0, heldAt: null };

/**
 * Whether a snapshot is due after a message. With `everyMinutes` the first message makes the first one: there is no
 * earlier moment that a task knows of to count from.
 */
export function isDue(policy: SnapshotPolicy, newest: NewestSnapshot, seq: number, at: string): boolean {
  const { everyMessages, everyMinutes } = policy;
  if (seq <= newest.seq) return false;
  if (everyMessages > 0 && seq - newest.seq >= everyMessages) return true;
  if (everyMinutes === 0) return false;
  return newest.heldAt === null || Date.parse(at) - Date.parse(newest.heldAt) >= everyMinutes * 60_000;
}

export interface SnapshotWanted {
  readonly snapshotId: string;
  readonly snapshotType: SnapshotType;
  readonly checkpointId: string | null;
  readonly note: string | null;
  /** ISO 8601. */
  readonly heldAt: string;
}

/** A snapshot of what a conversation shows now. */
export function snapshotOf(conversation: ConversationState, wanted: SnapshotWanted): SnapshotEvent {
  const { seq, branch } = conversation;
  const { last, count } = shownTip(conversation);
  return {
    type: 'ConversationSnapshotTaken',
    data: { ...wanted, last, messageCount: count, branch, seq },
  };
}

/** The newest of two snapshots, by what they hold: a batch's checkpoints may come before its last automatic one. */
export const newestOf = (known: NewestSnapshot, { seq, heldAt }: SnapshotEvent['data']): NewestSnapshot =>
  seq < known.seq ? known : { seq, heldAt };
