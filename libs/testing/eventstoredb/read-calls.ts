import { randomUUID } from 'node:crypto';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { status, type ServerWritableStream } from '@grpc/grpc-js';
import { eventResponse, failure, streamDeleted, streamIdentifier, streamName } from './messages.js';
import type { RecordedEvent, RecordedLog } from './recorded-log.js';

type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

const FORWARDS = 0;
/** The server tells a filtered subscription where it is after so many events, times the client's multiplier. */
const CHECKPOINT_EVERY = 32;

/** The Read call: reading a stream or the log, in both directions, and subscribing to either. */
export class ReadCalls {
  readonly #subscriptions = new Set<ReadCall>();

  constructor(private readonly log: RecordedLog) {}

  readonly read = (call: ReadCall): void => {
    const options = call.request.getOptions();
    if (!options) return void call.emit('error', failure(status.INVALID_ARGUMENT, 'no options'));
    const name = options.hasAll() ? undefined : streamName(options.getStream()?.getStreamIdentifier());
    if (name !== undefined && this.log.isTombstoned(name))
      return void call.emit('error', streamDeleted(name));
    const answer = options.hasSubscription()
      ? this.#subscribe(call, options, name)
      : this.#page(call, options, name);
    answer.catch((error: unknown) => {
      call.emit('error', failure(status.INTERNAL, String(error)));
    });
  };

  /** Ends all live subscriptions as a lost connection would. */
  dropSubscriptions(): void {
    for (const call of this.#subscriptions)
      call.emit('error', failure(status.UNAVAILABLE, 'connection lost'));
    this.#subscriptions.clear();
  }

  async #page(call: ReadCall, options: ReadReq.Options, name: string | undefined): Promise<void> {
    const events = name === undefined ? this.#ofLog(options) : this.#ofStream(options, name);
    if (!events) {
      await send(call, notFound(name ?? ''));
      call.end();
      return;
    }
    const matches = filterOf(options);
    let left = BigInt(options.getCount());
    for (const event of events) {
      if (left === 0n || call.cancelled) break;
      if (!matches(event)) continue;
      left -= 1n;
      await send(call, eventResponse(event));
    }
    call.end();
  }

  /** A position is inclusive when the log is read forwards and exclusive when it is read backwards. */
  *#ofLog(options: ReadReq.Options): Generator<RecordedEvent> {
    const { all } = this.log;
    const from = options.getAll();
    const forwards = Number(options.getReadDirection()) === FORWARDS;
    const position = from?.hasPosition() ? BigInt(from.getPosition()!.getCommitPosition()) : undefined;
    let index = from?.hasStart() ? 0 : all.length;
    if (position !== undefined) index = this.log.indexOf(position);
    const end = all.length;
    if (forwards) for (; index < end; index += 1) yield all[index]!;
    else while (index > 0) yield all[--index]!;
  }

  #ofStream(options: ReadReq.Options, name: string): readonly RecordedEvent[] | undefined {
    const events = this.log.visible(name) ?? [];
    if (events.length === 0) return undefined;
    const from = options.getStream();
    const forwards = Number(options.getReadDirection()) === FORWARDS;
    let revision = from?.hasStart() ? 0 : Number.MAX_SAFE_INTEGER;
    if (from?.hasRevision()) revision = Number(from.getRevision());
    return forwards
      ? events.filter((event) => event.revision >= revision)
      : events.filter((event) => event.revision <= revision).toReversed();
  }

  /** Where a subscription starts is exclusive. */
  async #subscribe(call: ReadCall, options: ReadReq.Options, name: string | undefined): Promise<void> {
    const source = (): readonly RecordedEvent[] =>
      name === undefined ? this.log.all : (this.log.visible(name) ?? []);
    const matches = filterOf(options);
    let next = this.#startOfSubscription(options, source().length);
    let wake = (): void => undefined;
    const stopListening = this.log.onAppended(() => wake());
    this.#subscriptions.add(call);
    const stop = (): void => {
      stopListening();
      this.#subscriptions.delete(call);
      wake();
    };
    for (const ending of ['cancelled', 'close', 'error'] as const) call.on(ending, stop);
    await send(call, confirmation());
    let caughtUp = false;
    let sinceCheckpoint = 0;
    const every = CHECKPOINT_EVERY * (options.getFilter()?.getCheckpointintervalmultiplier() || 1);
    while (this.#subscriptions.has(call)) {
      const event = source()[next];
      if (event) {
        next += 1;
        sinceCheckpoint += 1;
        if (matches(event)) await send(call, eventResponse(event));
        if (options.hasFilter() && sinceCheckpoint % every === 0)
          await send(call, checkpoint(event.position));
      } else if (caughtUp) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else {
        caughtUp = true;
        await send(call, caughtUpMessage());
      }
    }
  }

  #startOfSubscription(options: ReadReq.Options, end: number): number {
    const all = options.getAll();
    const stream = options.getStream();
    if (all?.hasPosition()) return this.log.indexOf(BigInt(all.getPosition()!.getCommitPosition()), true);
    if (stream?.hasRevision()) return Number(stream.getRevision()) + 1;
    return (all ?? stream)?.hasStart() ? 0 : end;
  }
}

/** Writes a message and waits while the client is slower than the server. */
async function send(call: ReadCall, message: ReadResp): Promise<void> {
  if (call.cancelled || call.write(message)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const name of ['drain', 'cancelled', 'close', 'error']) call.off(name, done);
      resolve();
    };
    for (const name of ['drain', 'cancelled', 'close', 'error']) call.on(name, done);
  });
}

function filterOf(options: ReadReq.Options): (event: RecordedEvent) => boolean {
  const filter = options.getFilter();
  if (!filter) return () => true;
  const byStream = filter.hasStreamIdentifier();
  const expression = byStream ? filter.getStreamIdentifier() : filter.getEventType();
  const valueOf = (event: RecordedEvent): string => (byStream ? event.stream : event.type);
  const regex = expression?.getRegex();
  if (regex) {
    const pattern = new RegExp(regex);
    return (event) => pattern.test(valueOf(event));
  }
  const prefixes = expression?.getPrefixList() ?? [];
  return (event) => prefixes.some((prefix) => valueOf(event).startsWith(prefix));
}

function notFound(name: string): ReadResp {
  const message = new streams.ReadResp.StreamNotFound();
  message.setStreamIdentifier(streamIdentifier(name));
  const response = new streams.ReadResp();
  response.setStreamNotFound(message);
  return response;
}

function confirmation(): ReadResp {
  const message = new streams.ReadResp.SubscriptionConfirmation();
  message.setSubscriptionId(randomUUID());
  const response = new streams.ReadResp();
  response.setConfirmation(message);
  return response;
}

function checkpoint(position: bigint): ReadResp {
  const message = new streams.ReadResp.Checkpoint();
  message.setCommitPosition(String(position));
  message.setPreparePosition(String(position));
  const response = new streams.ReadResp();
  response.setCheckpoint(message);
  return response;
}

function caughtUpMessage(): ReadResp {
  const response = new streams.ReadResp();
  response.setCaughtUp(new streams.ReadResp.CaughtUp());
  return response;
}
