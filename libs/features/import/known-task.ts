import type { Recorded } from '#libs/kernel/event.js';
import { samePlace, type Tip } from '../conversation/branches.js';
import { shownTip } from '../conversation/conversation.decider.js';
import { ASIDE, type ConversationEvent, type MessagePlace } from '../conversation/conversation.events.js';
import { taskDecider } from '../task/task.decider.js';
import type { TaskState } from '../task/task.state.js';
import type { LifeCycleEvent, TaskEvent, TaskSource } from '../task/task.events.js';
import { extentOf, type Extent } from './entry-activity.js';
import { amendmentId } from './transcript-ids.js';
import { TranscriptView, type Placed } from './transcript-view.js';

/** A message or tool result of a transcript, as a task holds it. */
export interface KnownEntry extends Placed {
  readonly eventId: string;
  /** ISO 8601, UTC. */
  readonly occurredAt: string;
  readonly inputHash: string | undefined;
  /** The event that gave it its present content; null: it is as it was recorded first. */
  readonly amendedBy: string | null;
  /** The amendment before that one; null: there was none. */
  readonly amendedAfter: string | null;
  readonly extent: Extent;
}

/** Whether an entry has a content now, which is told by its hash. */
export function has({ eventId, inputHash, amendedBy, amendedAfter }: KnownEntry, hash: string): boolean {
  if (amendedBy === null) return inputHash === hash;
  return [eventId, amendedAfter].some((id) => id !== null && amendmentId(id, hash) === amendedBy);
}

type Added = Omit<KnownEntry, keyof Placed | 'amendedBy' | 'amendedAfter'>;
type Opening = Extract<LifeCycleEvent, { type: 'TaskCreated' | 'TaskForked' }>['data'];
type Spoken = Extract<ConversationEvent, { type: 'MessageRecorded' | 'ToolResultRecorded' }>;
type RewoundData = Extract<ConversationEvent, { type: 'ConversationRewound' }>['data'];
type Imported = Extract<LifeCycleEvent, { type: 'TranscriptImported' }>['data'];

/** What a task holds of a transcript: folded from its events, and added to by planning. */
export class KnownTask {
  /** Ids of all its events. */
  readonly ids = new Set<string>();
  /** By the id that the transcript has for it. */
  readonly entries = new Map<string, KnownEntry>();
  /** Calls that have a result. */
  readonly answered = new Set<string>();
  #view = new TranscriptView();
  #state: TaskState = taskDecider.initial;
  #opening: Opening | null = null;
  #imported: Imported | null = null;
  #statusWasSet = false;
  #version = 0;
  #seq = 0;
  readonly #bySeq = new Map<number, string>();

  constructor(readonly taskId: string) {}

  get version(): number {
    return this.#version;
  }

  /** How often its conversation has changed, whoever did it. */
  get changes(): number {
    return this.#state.kind === 'open' ? this.#state.conversation.changes : 0;
  }

  /** What the transcript shows of the conversation. */
  get view(): TranscriptView {
    return this.#view;
  }

  /** Null while there is no such task. */
  get opening(): Opening | null {
    return this.#opening;
  }

  get source(): TaskSource | null {
    return this.#opening?.source ?? null;
  }

  /** The last message that a fork took over from its source. */
  get inherited(): Placed | null {
    const { after = null, keptMessages = 0 } = this.#opening && 'after' in this.#opening ? this.#opening : {};
    return after && { place: after, count: keptMessages, before: null };
  }

  get forkedFromTaskId(): string | null {
    return this.#opening && 'sourceTaskId' in this.#opening ? this.#opening.sourceTaskId : null;
  }

  get checkpointNumber(): number {
    return this.#state.kind === 'open' ? this.#state.checkpointNumber : 0;
  }

  /** What the last import found, as it recorded it. */
  get imported(): Imported | null {
    return this.#imported;
  }

  /** Somebody has taken the task up: an import leaves its status alone. */
  get statusWasSet(): boolean {
    return this.#statusWasSet;
  }

  /** What the task shows, if it is not what its transcript shows: it was rewound or went on in makima. */
  get shownBeside(): Tip | null {
    if (this.#state.kind === 'none') return null;
    const shown = shownTip(this.#state.conversation);
    return samePlace(shown.last, this.#view.end?.place ?? null) ? null : shown;
  }

  apply({ event, id, metadata }: Recorded<TaskEvent>): void {
    this.#version += 1;
    this.ids.add(id);
    this.#state = taskDecider.evolve(this.#state, event);
    switch (event.type) {
      case 'TaskCreated':
      case 'TaskForked':
        return this.open(event.data);
      case 'MessageRecorded':
      case 'ToolResultRecorded':
        return this.#read(event, id, metadata);
      case 'MessageAmended':
        return this.#amend(event.data.seq, id, extentOf(event.data));
      case 'ConversationRewound':
        return this.#rewind(event.data);
      case 'TaskStatusChanged':
        this.#statusWasSet = true;
        return;
      case 'TranscriptImported':
        this.#imported = event.data;
        return;
      default:
        return;
    }
  }

  open(opening: Opening): void {
    this.#opening = opening;
    this.#view = new TranscriptView(this.inherited);
    this.#version = Math.max(this.#version, 1);
  }

  /** Takes in an entry that is recorded next. */
  add(sourceId: string, entry: Added): void {
    this.#seq += 1;
    this.#enter(sourceId, this.#seq, entry);
    this.ids.add(entry.eventId);
  }

  /** Takes in a new content of an entry. */
  amend(sourceId: string, eventId: string, extent: Extent): void {
    const entry = this.entries.get(sourceId);
    if (entry) this.#amend(entry.place.seq, eventId, extent);
    this.ids.add(eventId);
  }

  #read(event: Spoken, id: string, metadata: Recorded['metadata']): void {
    const { seq, sourceId } = event.data;
    this.#seq = seq;
    if (event.type === 'ToolResultRecorded') this.answered.add(event.data.toolCallId);
    // Only imports say where in a transcript a message stands: others were written in makima.
    if (sourceId === undefined) return;
    const { inputHash, occurredAt } = metadata;
    this.#enter(sourceId, seq, { eventId: id, occurredAt, inputHash, extent: extentOf(event.data) });
  }

  #enter(sourceId: string, seq: number, entry: Added): void {
    const placed = this.#view.add({ taskId: this.taskId, seq });
    this.entries.set(sourceId, { ...entry, ...placed, amendedBy: null, amendedAfter: null });
    this.#bySeq.set(seq, sourceId);
  }

  #amend(seq: number, eventId: string, extent: Extent): void {
    const sourceId = this.#bySeq.get(seq);
    const entry = sourceId === undefined ? undefined : this.entries.get(sourceId);
    if (!entry) return;
    const { amendedBy: amendedAfter } = entry;
    this.entries.set(sourceId!, { ...entry, amendedBy: eventId, amendedAfter, extent });
  }

  #rewind({ point, after, keptMessages }: RewoundData): void {
    if (point.kind !== 'transcript' || point.value === ASIDE) return;
    this.#view.goTo(after && this.#placed(after, keptMessages));
  }

  #placed(place: MessagePlace, count: number): Placed {
    const sourceId = place.taskId === this.taskId ? this.#bySeq.get(place.seq) : undefined;
    const entry = sourceId === undefined ? undefined : this.entries.get(sourceId);
    return entry ?? { place, count, before: null };
  }
}
