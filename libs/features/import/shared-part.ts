import type { TranscriptEntry, TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import { samePlace } from '../conversation/branches.js';
import { callsToName, openCall } from '../conversation/calls.state.js';
import type { MessagePlace, OpenCall } from '../conversation/conversation.events.js';
import { hashOf } from '../task/activity.process.js';
import { activityOf, type SpokenEntry } from './entry-activity.js';
import { has, type KnownEntry } from './known-task.js';

/** The task that another one is a fork of, as far as its transcript tells. */
export interface ForkSource {
  readonly taskId: string;
  readonly version: number;
  readonly checkpointNumber: number;
  /** What it shows or has shown, its own and what it inherited itself, by the ids of its transcript. */
  readonly entries: ReadonlyMap<string, KnownEntry>;
  /** Whether a line that makima has no other place for was kept in it, by its id in the transcript. */
  readonly keeps: (sourceId: string) => boolean;
}

/** The beginning of a transcript that its source holds already. */
export interface SharedPart {
  readonly source: ForkSource;
  /** Where the shared entries are, by the ids of this transcript. */
  readonly entries: ReadonlyMap<string, KnownEntry>;
  /** Index of the last shared message or tool result. */
  readonly last: number;
  /** The entry of the source that this is: all that leads to it is shown. */
  readonly lastEntry: KnownEntry;
}

/** The id that an entry has in the transcript that it was copied from. */
export const sourceIdIn = (entry: TranscriptEntry): string => entry.copiedFrom ?? entry.sourceId;

/**
 * The messages that a transcript has in common with a source from its beginning on: the same ids, the same content, one
 * after the other.
 * Null if the first differs already.
 */
export function sharedPart({ entries }: TranscriptSession, source: ForkSource): SharedPart | null {
  return follow(entries, source, saysTheSame, entries.length - 1);
}

/** The part of a transcript that lies before a fork that was made already: up to the last message which that fork shows. */
export function partBefore(
  { entries }: TranscriptSession,
  source: ForkSource,
  after: MessagePlace | null,
): SharedPart | null {
  const lastId = [...source.entries].find(([, { place }]) => samePlace(place, after))?.[0];
  const boundary = entries.findLastIndex((entry) => isSpoken(entry) && sourceIdIn(entry) === lastId);
  const last =
    boundary >= 0
      ? boundary
      : entries.findLastIndex((entry) => isSpoken(entry) && source.entries.has(sourceIdIn(entry)));
  return follow(entries, source, null, last);
}

export const isSpoken = (entry: TranscriptEntry): entry is SpokenEntry =>
  entry.kind === 'message' || entry.kind === 'tool_result';

/** @param isShared tells where the shared part ends; null: it goes up to `until`, whatever lies between. */
function follow(
  all: readonly TranscriptEntry[],
  source: ForkSource,
  isShared: ((entry: SpokenEntry, known: KnownEntry) => boolean) | null,
  until: number,
): SharedPart | null {
  const entries = new Map<string, KnownEntry>();
  let end: KnownEntry | null = null;
  let shared: { readonly last: number; readonly lastEntry: KnownEntry } | null = null;
  for (const [index, entry] of all.slice(0, until + 1).entries()) {
    if (entry.kind === 'rewind') {
      const target = entry.keepUpTo === null ? null : entries.get(entry.keepUpTo);
      if (target !== undefined) end = target;
    } else if (isSpoken(entry)) {
      const known = source.entries.get(sourceIdIn(entry));
      if (isShared && !(known && isShared(entry, known) && followsUpon(known, end))) break;
      if (!known) continue;
      end = known;
      entries.set(entry.sourceId, known);
      shared = { last: index, lastEntry: known };
    }
  }
  return shared && { source, entries, ...shared };
}

/** The newest calls of the shared part that have no result in it. */
export function callsLeftOpen(
  { entries }: TranscriptSession,
  { entries: shared, last }: SharedPart,
): readonly OpenCall[] {
  const open = new Map<string, OpenCall>();
  for (const entry of entries.slice(0, last + 1).filter(isSpoken)) {
    const known = shared.get(entry.sourceId);
    if (!known) continue;
    if (entry.kind === 'tool_result') open.delete(entry.toolCallId);
    else for (const call of entry.toolCalls ?? []) open.set(call.id, openCall(call, known.place));
  }
  return callsToName(open.values());
}

const followsUpon = ({ before }: KnownEntry, end: KnownEntry | null): boolean =>
  samePlace(before?.place ?? null, end?.place ?? null);

const saysTheSame = (entry: SpokenEntry, known: KnownEntry): boolean =>
  has(known, hashOf(activityOf(entry, sourceIdIn(entry))));

/**
 * Of two transcripts with the same beginning, whether the one that is imported went on later than the other: then it is
 * the fork. One that ends where they part is what the other one was forked from.
 */
export function wentOnLater(
  { entries }: TranscriptSession,
  { source, last, entries: shared }: SharedPart,
): boolean {
  const places = new Set([...shared.values()].map(({ place }) => `${place.taskId}/${place.seq}`));
  const others = [...source.entries.values()].filter(
    ({ place }) => !places.has(`${place.taskId}/${place.seq}`),
  );
  if (others.length === 0) return true;
  const next = entries.slice(last + 1).find(isSpoken);
  return next !== undefined && others.some(({ occurredAt }) => occurredAt <= next.occurredAt);
}
