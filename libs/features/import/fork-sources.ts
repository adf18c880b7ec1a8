import type { TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import type { MessagePlace } from '../conversation/conversation.events.js';
import type { KnownEntry, KnownTask } from './known-task.js';
import type { KnownTasks } from './known-tasks.js';
import { sharedPart, sourceIdIn, wentOnLater, type ForkSource, type SharedPart } from './shared-part.js';
import { ImportIds, type SessionKey } from './transcript-ids.js';
import type { Placed } from './transcript-view.js';

/** Finds the tasks that forked transcripts come from. */
export class ForkSources {
  /** Tasks of this import by the first message of their transcripts: read models may not know them yet. */
  readonly #imported = new Map<string, Set<string>>();

  constructor(
    private readonly ownerId: string,
    private readonly tasks: KnownTasks,
    /** Tasks of earlier imports whose transcripts begin with a message. */
    private readonly beginningWith: (sourceId: string) => Promise<readonly string[]>,
    /** The contract that sources must be in; undefined: any of the owner's. */
    private readonly contractId: string | undefined,
  ) {}

  /** Says that a session is a task now. */
  add(session: TranscriptSession, taskId: string): void {
    const first = firstIdOf(session);
    if (first === undefined) return;
    const tasks = this.#imported.get(first);
    if (tasks) tasks.add(taskId);
    else this.#imported.set(first, new Set([taskId]));
  }

  /** The task with which a main session shares the most from its beginning on; null if it shares nothing. */
  async find(session: TranscriptSession, ids: ImportIds): Promise<SharedPart | null> {
    let best: SharedPart | null = null;
    for (const taskId of await this.#candidates(session)) {
      if (taskId === ids.taskId) continue;
      const known = await this.tasks.load(taskId);
      if (!known.opening || this.#isOutside(known)) continue;
      if (known.source?.forkedFromSessionId === session.sessionId) continue;
      const shared = sharedPart(session, await this.#sourceOf(known, keyOfTask(known)));
      if (!shared || (best !== null && shared.last <= best.last)) continue;
      const isNamed = session.forkedFrom?.sessionId === known.source?.sessionId;
      if (isNamed || wentOnLater(session, shared)) best = shared;
    }
    return best;
  }

  /** The same for a sub-agent, which can only come from the sub-agent of its name in its main session's source. */
  async findAgent(session: TranscriptSession, ids: ImportIds): Promise<SharedPart | null> {
    const known = await this.tasks.load(ids.taskId);
    if (!known.opening || this.#isOutside(known)) return null;
    return sharedPart(session, await this.#sourceOf(known, ids.key));
  }

  /** The source of a fork that was made before. */
  async of(taskId: string, key: SessionKey | null): Promise<ForkSource> {
    const known = await this.tasks.load(taskId);
    return this.#sourceOf(known, key ?? keyOfTask(known));
  }

  async #candidates(session: TranscriptSession): Promise<ReadonlySet<string>> {
    const candidates = new Set<string>();
    const { agent, forkedFrom } = session;
    if (forkedFrom?.sessionId !== undefined) {
      candidates.add(new ImportIds(this.ownerId, { agent, names: [forkedFrom.sessionId] }).taskId);
    }
    const first = firstIdOf(session);
    if (first === undefined) return candidates;
    for (const taskId of await this.beginningWith(first)) candidates.add(taskId);
    for (const taskId of this.#imported.get(first) ?? []) candidates.add(taskId);
    return candidates;
  }

  #isOutside({ opening }: KnownTask): boolean {
    return this.contractId !== undefined && opening?.contractId !== this.contractId;
  }

  async #sourceOf(known: KnownTask, key: SessionKey | null): Promise<ForkSource> {
    const above = known.forkedFromTaskId === null ? null : await this.of(known.forkedFromTaskId, null);
    const ids = key && new ImportIds(this.ownerId, key);
    return {
      taskId: known.taskId,
      version: known.version,
      checkpointNumber: known.checkpointNumber,
      entries: new Map([...(above ? leadingTo(known.inherited, above) : []), ...known.entries]),
      keeps: (sourceId) =>
        (ids !== null && known.ids.has(ids.event(sourceId))) || (above?.keeps(sourceId) ?? false),
    };
  }
}

/** The entries of a source that lead to one of its messages. */
function leadingTo(end: Placed | null, { entries }: ForkSource): readonly (readonly [string, KnownEntry])[] {
  const byPlace = new Map([...entries].map((entry) => [keyOfPlace(entry[1].place), entry] as const));
  const way: (readonly [string, KnownEntry])[] = [];
  for (let at = end?.place; at;) {
    const entry = byPlace.get(keyOfPlace(at));
    if (!entry) break;
    way.push(entry);
    at = entry[1].before?.place;
  }
  return way;
}

const keyOfPlace = ({ taskId, seq }: MessagePlace): string => `${taskId}/${seq}`;

/** How a main session's ids are made; a sub-agent's follow from its main session's. */
const keyOfTask = ({ source, opening }: KnownTask): SessionKey | null =>
  source && opening?.parentTaskId === null ? { agent: source.agent, names: [source.sessionId] } : null;

function firstIdOf({ entries }: TranscriptSession): string | undefined {
  const first = entries.find(({ kind }) => kind === 'message' || kind === 'tool_result');
  return first && sourceIdIn(first);
}
