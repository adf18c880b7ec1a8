import type { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { shortened, type TruncatedField } from '#libs/http/shortened.js';
import type { Decider } from '#libs/kernel/decider.js';
import type { DomainEvent } from '#libs/kernel/event.js';
import { chatDecider } from '../chat/chat.decider.js';
import { contractDecider } from '../contract/contract.decider.js';
import { taskDecider } from '../task/task.decider.js';

type AnyFold = Pick<Decider<unknown, never, DomainEvent>, 'initial' | 'evolve'>;

/** The fold of each kind of stream, by the prefix of its name. */
const FOLDS: Readonly<Record<string, AnyFold>> = {
  'contract-': contractDecider,
  'task-': taskDecider,
  'chat-': chatDecider,
};

export interface ReplayedEvent {
  readonly version: number;
  readonly position: string;
  readonly id: string;
  readonly type: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
  /** Of what is too long for a list the beginning. */
  readonly data: unknown;
  readonly truncated?: readonly TruncatedField[];
  /** The parts of the state that the event changed, by their top-level name, as they were after it. */
  readonly changed: Readonly<Record<string, unknown>>;
}

export interface Replay {
  readonly stream: string;
  /** The version that `state` is of. */
  readonly version: number;
  readonly events: readonly ReplayedEvent[];
  /** What deciding knew after the last event; null for a kind of stream that nothing decides. */
  readonly state: unknown;
}

const PAGE = 1_000;

/** A stream replayed event by event. `after` and `limit` choose the events shown; the state is folded from the first. */
export async function replay(
  store: EventStore,
  codec: EventCodec,
  stream: string,
  { after, to, limit }: { readonly after: number; readonly to: number; readonly limit: number },
): Promise<Replay | null> {
  const fold = Object.entries(FOLDS).find(([prefix]) => stream.startsWith(prefix))?.[1];
  const upTo = Math.min(to, after + limit);
  const events: ReplayedEvent[] = [];
  let state: unknown = fold?.initial ?? null;
  let version = 0;
  while (version < upTo) {
    const page = await store.readStream(stream, { after: version, upTo, limit: PAGE });
    if (page.length === 0) break;
    for (const stored of page) {
      const recorded = codec.decode(stored);
      const before = state;
      state = fold ? fold.evolve(state, recorded.event) : state;
      version = stored.version;
      if (version <= after) continue;
      events.push({
        version,
        position: stored.position.toString(),
        id: stored.id,
        type: stored.type,
        occurredAt: stored.metadata.occurredAt,
        recordedAt: stored.recordedAt.toISOString(),
        ...shortened({ data: recorded.event.data }),
        changed: changes(before, state),
      });
    }
  }
  return version === 0 ? null : { stream, version, events, state };
}

function changes(before: unknown, after: unknown): Readonly<Record<string, unknown>> {
  if (typeof after !== 'object' || after === null) return {};
  const former = (before ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(after).filter(([key, value]) => former[key] !== value));
}
