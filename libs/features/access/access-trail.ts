import { Inject, Injectable } from '@nestjs/common';
import { EventCodec } from '#libs/event-store/codec.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import { EventStore, type AppendResult } from '#libs/event-store/event-store.js';
import type { Actor } from '#libs/kernel/event.js';
import { Problem } from '#libs/kernel/problem.js';
import { ownerStream, type AccessEvent } from './access.events.js';

/** Who did it, when, and in which request. A RequestContext is one. */
export interface TrailContext {
  readonly actor: Actor;
  readonly now: Date;
  readonly commandId: string;
  readonly requestHash?: string;
  readonly traceId?: string;
}

/** The owners' streams: what is recorded of access. */
@Injectable()
export class AccessTrail {
  constructor(
    @Inject(EventStore) private readonly store: EventStore,
    @Inject(EventCodec) private readonly codec: EventCodec,
  ) {}

  /** Records an event in an owner's stream. `key` makes its id: the same key records the same event once. */
  async record(
    ownerId: string,
    event: AccessEvent,
    key: string,
    context: TrailContext,
  ): Promise<AppendResult> {
    const metadata = {
      actor: context.actor,
      ownerId,
      occurredAt: context.now.toISOString(),
      commandId: context.commandId,
      ...(context.requestHash ? { inputHash: context.requestHash } : {}),
      ...(context.traceId ? { traceId: context.traceId } : {}),
    };
    const encoded = await this.codec.encode([{ event, id: eventId(ownerId, key), metadata }]);
    return this.store.append(ownerStream(ownerId), encoded, { expected: 'any' });
  }

  /**
   * Whether an event of this key was recorded already, by the same request.
   * @throws Problem IDEMPOTENCY_KEY_REUSED if another request recorded it.
   */
  async recorded(ownerId: string, key: string, requestHash: string): Promise<boolean> {
    const [found] = await this.store.findEvents(ownerStream(ownerId), [eventId(ownerId, key)]);
    if (!found) return false;
    if (found.metadata.inputHash === requestHash) return true;
    throw new Problem(
      'IDEMPOTENCY_KEY_REUSED',
      'This Idempotency-Key was used for another request. Use a new one.',
    );
  }

  /** The owner of a stream; null if there is no such stream. */
  async ownerOfStream(stream: string): Promise<string | null> {
    const [first] = await this.store.readStream(stream, { limit: 1 });
    return first?.metadata.ownerId ?? null;
  }
}

const eventId = (ownerId: string, key: string): string => deriveId('access', ownerId, key);
