/** A fact: what happened, in the past tense, as JSON. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** Who did it. `id` is the key's id for keys, a name for the system's own parts. */
export interface Actor {
  readonly kind: 'user' | 'admin' | 'auditor' | 'daemon' | 'tool' | 'system';
  readonly id: string;
}

/** What is known about an event besides the fact itself. Stored and hashed with it. */
export interface EventMetadata {
  readonly actor: Actor;
  /** UUID of the owner whose data this is. */
  readonly ownerId: string;
  /** ISO 8601, UTC: when it happened at its source (for an import: the transcript's time). */
  readonly occurredAt: string;
  /** The command that caused the event; the same for all events of one command. */
  readonly commandId?: string;
  /** Short hash of what the client sent, so that a repetition can be told from a misuse of its id. */
  readonly inputHash?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceId?: string;
}

/** A domain event as it stands in the log. */
export interface Recorded<Event extends DomainEvent = DomainEvent> {
  readonly event: Event;
  readonly id: string;
  readonly stream: string;
  /** 1 for the first event of its stream. */
  readonly version: number;
  readonly position: bigint;
  readonly recordedAt: Date;
  readonly metadata: EventMetadata;
}
