import { newId } from '#libs/kernel/ids.js';
import type { EventMetadata } from '#libs/kernel/event.js';
import type { EventStore, NewEvent, StoredEvent } from '../event-store.js';

/** A log and its first handle. */
export interface OpenLog {
  readonly store: EventStore;
  /** A further handle on the same log, as another process would have; the log's `close` closes it too. */
  reopen(): Promise<EventStore>;
  close(): Promise<void>;
}

/** What the contract suite needs to know of an adapter. */
export interface LogFactory {
  /** The log may hold other streams already, and must get no other writer. */
  open(): Promise<OpenLog>;
  /** Whether positions grow by exactly one (a promise of Postgres and of the memory adapter only). */
  readonly gaplessPositions: boolean;
}

/** The log under test, opened before the first case of a group. */
export type Log = () => OpenLog;

export const metadata: EventMetadata = {
  actor: { kind: 'daemon', id: 'daemon-7' },
  ownerId: '7b6f0a52-5f0e-4c39-9a4d-3f2a1f6b7c11',
  occurredAt: '2026-01-02T03:04:05.678Z',
  commandId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  correlationId: 'corr „1“',
};

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** An event with a new id; name only what matters to the case. */
export const event = (given: Partial<NewEvent> = {}): NewEvent => ({
  id: newId(),
  type: 'MessageRecorded',
  schemaVersion: 1,
  metadata,
  body: json({ text: 'hello' }),
  ...given,
});

export const events = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, number) => event({ body: json({ number }) }));

/** A stream name that no other case uses. */
export const newStream = (kind = 'task'): string => `${kind}-${newId()}`;

export const idsOf = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id);

export const versionsOf = (list: readonly StoredEvent[]): number[] => list.map(({ version }) => version);

/** 1, 2, … count. */
export const oneTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

export const sameBytes = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

/** What a promise was rejected with; fails when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => ({ rejected: false, error: undefined as unknown }),
    (error: unknown) => ({ rejected: true, error }),
  );
  expect(outcome.rejected).toBe(true);
  return outcome.error;
}

/** Everything after a position, in pages. */
export async function readToEnd(store: EventStore, after: bigint, limit = 500): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (;;) {
    const page = await store.readAll({ after: all.at(-1)?.position ?? after, limit });
    if (page.length === 0) return all;
    all.push(...page);
  }
}
