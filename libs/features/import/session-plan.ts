import type {
  ImageEntry,
  RawEntry,
  RewindEntry,
  TranscriptEntry,
  TranscriptSession,
} from '#libs/agents/transcripts/transcript.js';
import { hashOf, type Happening } from '../task/activity.process.js';
import type { Activity } from '../task/activity.decider.js';
import { CallsAnsweredAgain } from './calls-answered-again.js';
import {
  activityOf,
  extentOf,
  isLess,
  type Extent,
  type SpokenActivity,
  type SpokenEntry,
} from './entry-activity.js';
import { COUNTED_AS, noCounts, type Count, type Counts } from './import.report.js';
import { has, type KnownEntry, type KnownTask } from './known-task.js';
import { endOf } from './session-end.js';
import { reachOf, type Reach } from './session-reach.js';
import { isSpoken, type SharedPart } from './shared-part.js';
import { amendmentId, type ImportIds } from './transcript-ids.js';
import type { Placed } from './transcript-view.js';

export interface PlannedHappening extends Happening {
  /** Attachments that its blobs are made of. */
  readonly images?: readonly ImageEntry[];
  /** Whether it belongs where the transcript's conversation ends, rather than to a message that is there. */
  readonly goesOn: boolean;
}

/** Entries that are planned at once: others have their turn in between. */
const STEP = 400;

/**
 * Works out what is to be recorded of a session in a task that holds some of it already, piece by piece. Pure, but for
 * `known`, which holds what it will hold when the plan so far was carried out.
 */
export class SessionPlan {
  /** Of the entries so far. */
  readonly counts: Counts = noCounts();
  #happenings: PlannedHappening[] = [];
  #planned = 0;
  #index = 0;
  readonly #notes = new Map<string, number>();
  readonly #reach: Reach;
  /** Index of the first entry, other than kept lines, that is not shared. */
  readonly #firstOwn: number;
  /** Index of the last entry, other than kept lines, that the task has: rewinds before it were dealt with then. */
  readonly #lastKnown: number;
  readonly #lastSpoken: number;
  readonly #again: CallsAnsweredAgain;

  /**
   * @param shared the beginning that the task shows of the task that it is a fork of.
   * @param recorded ids of what this import has recorded before, which counts as new.
   */
  constructor(
    private readonly session: TranscriptSession,
    private readonly known: KnownTask,
    private readonly ids: ImportIds,
    private readonly shared: SharedPart | null,
    private readonly recorded: ReadonlySet<string> = new Set(),
  ) {
    this.#reach = reachOf(session, known);
    const last = shared?.last ?? -1;
    const firstOwn = session.entries.findIndex(({ kind }, index) => index > last && kind !== 'raw');
    this.#firstOwn = firstOwn < 0 ? session.entries.length : firstOwn;
    this.#again = new CallsAnsweredAgain(session.entries, known.answered);
    this.#lastSpoken = session.entries.findLastIndex(isSpoken);
    this.#lastKnown = session.entries.findLastIndex((entry) =>
      entry.kind === 'rewind'
        ? known.ids.has(ids.event(entry.sourceId))
        : entry.kind !== 'raw' && known.entries.has(entry.sourceId),
    );
  }

  /** What is to be recorded of the next entries; null when all are planned. */
  next(): readonly PlannedHappening[] | null {
    const { entries } = this.session;
    if (this.#index > entries.length) return null;
    this.#happenings = [];
    for (const entry of entries.slice(this.#index, this.#index + STEP)) {
      if (this.#isInherited(entry, this.#index)) this.#count(entry).inherited += 1;
      else if (entry.kind === 'raw') this.#keep(entry);
      else if (entry.kind === 'rewind') this.#rewind(entry, this.#index);
      else this.#record(entry);
      this.#index += 1;
    }
    if (this.#index === entries.length) {
      this.#end();
      this.#index += 1;
    }
    this.#planned += this.#happenings.length;
    return this.#happenings;
  }

  /** Whether anything is to be recorded, or was. */
  get changes(): boolean {
    return this.#planned > 0 || this.recorded.size > 0;
  }

  /** Oddities that lost nothing, by kind. */
  get notes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#notes);
  }

  #isInherited(entry: TranscriptEntry, index: number): boolean {
    if (!this.shared) return false;
    if (entry.kind === 'raw') return index < this.#firstOwn && this.shared.source.keeps(entry.sourceId);
    if (index > this.shared.last) return false;
    return entry.kind === 'rewind' || this.shared.entries.has(entry.sourceId);
  }

  #record(entry: SpokenEntry): void {
    const activity = activityOf(entry);
    const hash = hashOf(activity);
    const there = this.known.entries.get(entry.sourceId);
    if (there) return this.#compare(entry, activity, hash, there);
    const eventId = this.ids.event(entry.sourceId);
    const { occurredAt } = entry;
    this.known.add(entry.sourceId, {
      eventId,
      occurredAt,
      inputHash: hash,
      extent: extentOf(activity.content),
    });
    if (entry.kind === 'tool_result') this.known.answered.add(entry.toolCallId);
    this.#count(entry).new += 1;
    if (this.#reach === 'less far') this.#note('added_after_later_messages');
    this.#add(eventId, occurredAt, activity, { goesOn: true, ...(entry.images && { images: entry.images }) });
  }

  /** A message that is there already: the transcript may have gone on with it. */
  #compare(entry: SpokenEntry, activity: SpokenActivity, hash: string, there: KnownEntry): void {
    const extent = extentOf(activity.content);
    const isKnown = has(there, hash);
    if (isKnown || this.#isOlder(there, hash, extent)) {
      if (this.recorded.has(there.eventId)) this.#count(entry).new += 1;
      else if (this.recorded.has(there.amendedBy ?? '')) this.#count(entry).amended += 1;
      else this.#count(entry).known += 1;
      if (!isKnown && !this.#had(there, hash)) this.#note('earlier_state_passed_over');
      return;
    }
    // A content that it had before and gets again is another amendment, of the one in between.
    const eventId = amendmentId(
      this.#had(there, hash) ? (there.amendedBy ?? there.eventId) : there.eventId,
      hash,
    );
    this.#count(entry).amended += 1;
    this.known.amend(entry.sourceId, eventId, extent);
    const { seq } = there.place;
    const images = entry.images && { images: entry.images };
    this.#add(eventId, entry.occurredAt, this.#amendment(activity, seq), { goesOn: false, ...images });
    const isFirstOfFiles = there.extent[0] === 0 && entry.kind === 'tool_result' && entry.files;
    if (!isFirstOfFiles) return;
    const filesId = amendmentId(eventId, 'files');
    this.known.ids.add(filesId);
    this.#add(
      filesId,
      entry.occurredAt,
      { type: 'RecordFiles', files: entry.files ?? [] },
      { goesOn: false },
    );
  }

  /** Of two copies at the same place, the one that says more is the newer one. */
  #isOlder(there: KnownEntry, hash: string, extent: Extent): boolean {
    if (this.#reach !== 'as far') return this.#reach === 'less far';
    return isLess(extent, there.extent) || this.#had(there, hash);
  }

  /** Whether an entry has, or had once, a content. */
  #had({ eventId, inputHash }: KnownEntry, hash: string): boolean {
    return inputHash === hash || this.known.ids.has(amendmentId(eventId, hash));
  }

  #amendment({ type, content }: SpokenActivity, seq: number): Activity {
    if (type === 'RecordToolResult') return { type: 'AmendToolResult', seq, content };
    const answered = (content.toolCalls ?? []).flatMap(({ id }) => (this.known.answered.has(id) ? [id] : []));
    return { type: 'AmendMessage', seq, content, ...(answered.length > 0 && { answeredCalls: answered }) };
  }

  #rewind(entry: RewindEntry, index: number): void {
    const eventId = this.ids.event(entry.sourceId);
    if (this.known.ids.has(eventId)) return this.#isThere(entry, eventId);
    const { keepUpTo } = entry;
    const target = keepUpTo === null ? null : this.#placed(keepUpTo);
    if (target === undefined) return this.#note('rewind_to_unknown_message');
    const { view } = this.known;
    if (view.endsWith(target) || this.#isPast(index)) return this.#note('rewind_without_effect');
    const point = { kind: 'transcript', value: entry.sourceId } as const;
    const type = view.shows(target) ? 'RewindConversation' : 'RestoreConversation';
    const openCalls = this.#again.after(index, (id) => this.#placed(id)?.place);
    view.goTo(target);
    this.known.ids.add(eventId);
    this.#count(entry).new += 1;
    this.#add(
      eventId,
      entry.occurredAt,
      {
        type,
        keepUpTo: target?.place ?? null,
        keptMessages: target?.count ?? 0,
        point,
        reason: null,
        ...(openCalls.length > 0 && { openCalls }),
      },
      { goesOn: true },
    );
  }

  /**
   * Whether a rewind had no effect when it was its turn: carried out now, it would hide what came after it. So does one
   * at the end of an earlier copy.
   */
  #isPast(index: number): boolean {
    return index < this.#lastKnown || (this.#reach === 'less far' && index > this.#lastSpoken);
  }

  #isThere(entry: TranscriptEntry, eventId: string): void {
    this.#count(entry)[this.recorded.has(eventId) ? 'new' : 'known'] += 1;
  }

  #placed(sourceId: string): Placed | undefined {
    return this.known.entries.get(sourceId) ?? this.shared?.entries.get(sourceId);
  }

  #keep(entry: RawEntry): void {
    const eventId = this.ids.event(entry.sourceId);
    if (this.known.ids.has(eventId)) return this.#isThere(entry, eventId);
    this.known.ids.add(eventId);
    this.#count(entry).new += 1;
    const { lineType, raw } = entry;
    this.#add(eventId, entry.occurredAt, { type: 'KeepLine', data: { lineType, raw } }, { goesOn: false });
  }

  /** Says how far the transcript went and how it ended, unless that is known. */
  #end(): void {
    if (this.#reach === 'less far') return;
    const { title: name, endedAt = null, entries } = this.session;
    const { imported, statusWasSet } = this.known;
    const status = statusWasSet ? null : endOf(this.session);
    const data = { name, status, endedAt, entries: entries.length };
    const isSame =
      JSON.stringify(data) === JSON.stringify({ ...imported, status: status ?? imported?.status });
    if (isSame) return;
    const eventId = this.ids.other('end', JSON.stringify(data));
    if (this.known.ids.has(eventId)) return;
    this.known.ids.add(eventId);
    const occurredAt = endedAt ?? entries.at(-1)?.occurredAt ?? new Date(0).toISOString();
    this.#add(eventId, occurredAt, { type: 'RecordImport', data }, { goesOn: false });
  }

  #add(
    id: string,
    occurredAt: string,
    activity: Activity,
    rest: Pick<PlannedHappening, 'goesOn' | 'images'>,
  ): void {
    this.#happenings.push({ id, occurredAt, activity, ...rest });
  }

  #count(entry: TranscriptEntry): Count {
    const count = this.counts[COUNTED_AS[entry.kind]];
    count.total += 1;
    return count;
  }

  #note(kind: string): void {
    this.#notes.set(kind, (this.#notes.get(kind) ?? 0) + 1);
  }
}
