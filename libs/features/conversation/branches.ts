import type { MessagePlace } from './conversation.events.js';

/** A line of a conversation's tree. The messages from `from` up to where the next branch began were recorded on it. */
export interface Branch {
  readonly from: number;
  /** The message that it goes on from; null: it began with nothing. */
  readonly after: MessagePlace | null;
  /** Messages that it shows up to there. */
  readonly kept: number;
  /** The branch that was shown before; null for the first. */
  readonly previous: number | null;
  /** Whether a rewind started it that can be undone. */
  readonly undoable: boolean;
  /** It can be undone by its number alone: another one counts in its place. */
  readonly passedOver?: boolean;
}

/**
 * A task's conversation. Every message has one way that leads to it, so a message is enough to say all that was shown
 * when it was the last one. What a fork took over lies outside: of that a tree knows only how much it is.
 */
export interface Tree {
  readonly taskId: string;
  /** Number of the last recorded message. */
  readonly seq: number;
  readonly branches: readonly Branch[];
}

/** The last of some shown messages, and their number. */
export interface Tip {
  readonly last: MessagePlace | null;
  readonly count: number;
}

export const samePlace = (one: MessagePlace | null, other: MessagePlace | null): boolean =>
  one?.taskId === other?.taskId && one?.seq === other?.seq;

export const NOTHING_SHOWN: Tip = { last: null, count: 0 };

/** What a branch shows: the present one now, another one when it was left. */
export function tipOf({ taskId, seq, branches }: Tree, number: number): Tip {
  const { from, after, kept } = branches[number]!;
  const last = (branches[number + 1]?.from ?? seq + 1) - 1;
  return last < from
    ? { last: after, count: kept }
    : { last: { taskId, seq: last }, count: kept + last - from + 1 };
}

/**
 * What was shown when a message was the last one.
 * @param count the number of messages shown up to one that was taken over; for the task's own the tree knows it.
 */
export function tipAt(tree: Tree, place: MessagePlace | null, count: number): Tip {
  if (place === null) return NOTHING_SHOWN;
  if (place.taskId !== tree.taskId) return { last: place, count };
  const { from, kept } = branchOf(tree, place.seq);
  return { last: place, count: kept + place.seq - from + 1 };
}

/** Whether the way to a tip leads over another one. */
export function leadsOver(tree: Tree, tip: Tip, { last, count }: Tip): boolean {
  const way = wayTo(tree, tip);
  if (last === null || last.taskId !== tree.taskId) return count <= way.inherited;
  return last.seq <= tree.seq && way.runs.some(({ from, to }) => from <= last.seq && last.seq <= to);
}

/** How many of one tip's messages another one does not show. */
export function hiddenBy(tree: Tree, before: Tip, after: Tip): number {
  const [left, right] = [wayTo(tree, before), wayTo(tree, after)];
  if (left.inherited !== right.inherited) return before.count - Math.min(left.inherited, right.inherited);
  let common = left.inherited;
  for (const [index, { from, to }] of left.runs.entries()) {
    const other = right.runs[index];
    if (other?.from !== from) break;
    common += Math.min(to, other.to) - from + 1;
    if (to !== other.to) break;
  }
  return before.count - common;
}

/** The messages that lead to a tip: how many were taken over, then the task's own, first to last. */
function wayTo(tree: Tree, tip: Tip): { readonly inherited: number; readonly runs: readonly Run[] } {
  const runs: Run[] = [];
  let inherited = tip.count;
  let place = tip.last;
  while (place?.taskId === tree.taskId) {
    const { from, after, kept } = branchOf(tree, place.seq);
    runs.push({ from, to: place.seq });
    inherited = kept;
    place = after;
  }
  return { inherited: place === null ? 0 : inherited, runs: runs.toReversed() };
}

interface Run {
  readonly from: number;
  readonly to: number;
}

/** The branch that a message was recorded on: the last one that had begun by then. */
function branchOf({ branches }: Tree, seq: number): Branch {
  let low = 0;
  let high = branches.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (branches[middle]!.from <= seq) low = middle;
    else high = middle - 1;
  }
  return branches[low]!;
}
