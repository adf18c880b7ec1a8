import { GENESIS, sha256, verifies } from '#libs/event-store/event-hash.js';
import {
  EventUnreadable,
  type EventStore,
  type StoredEvent,
  type StreamTail,
} from '#libs/event-store/event-store.js';
import type { LogSearch } from '#libs/event-store/log-search.js';
import { positionToken } from '#libs/kernel/position.js';
import type { BrokenEventAnswer, VerificationResponse, VerifiedAnswer } from './audit.answers.dto.js';

/**
 * - `body_changed`: the body is not what its hash says.
 * - `content_changed`: id, type, schema version, metadata, stream or version are not what the event's hash says, or the
 *   hash of the event before it has changed.
 * - `metadata_unreadable`: the metadata is no JSON any more, or names no actor and owner.
 * - `event_missing`: the stream has no event of this version.
 * - `order_changed`: the event stands at another place of the log than its version says.
 * - `record_differs`: the engine's own record of the stream says something else than its events.
 */
export type BrokenReason =
  | 'body_changed'
  | 'content_changed'
  | 'metadata_unreadable'
  | 'event_missing'
  | 'order_changed'
  | 'record_differs';

/** The last event of a stream that was found in order. */
type Link = Pick<StoredEvent, 'version' | 'position' | 'hash'>;
type Place = Pick<StoredEvent, 'id' | 'stream' | 'version' | 'position'>;

const START: Link = { version: 0, position: 0n, hash: GENESIS };
const PAGE = 500;

/** Thrown inside of the verifier when the first broken event is found. */
class Broken extends Error {
  constructor(readonly event: BrokenEventAnswer) {
    super(event.detail);
  }
}

const broken = (place: Place, reason: BrokenReason, detail: string): Broken =>
  new Broken({ ...place, position: positionToken(place.position), reason, detail });

const missing = (stream: string, version: number, detail: string): Broken =>
  new Broken({ stream, version, position: null, id: null, reason: 'event_missing', detail });

/** Recomputes the hash chains of one owner's streams, for one verification. */
export class ChainVerifier {
  readonly #links = new Map<string, Link>();
  #events = 0;
  #position = 0n;

  constructor(
    private readonly store: EventStore,
    private readonly search: LogSearch,
    private readonly ownerId: string,
  ) {}

  /**
   * Goes along the log (or along one stream), tells how far it is after every page, and ends with the result. Events
   * recorded after it began are left out.
   */
  async *run(stream?: string): AsyncGenerator<VerifiedAnswer, VerificationResponse> {
    const head = await this.store.head();
    try {
      const pages = stream === undefined ? this.#log(head) : this.#stream(stream, head);
      for await (const page of pages) {
        for (const event of page) await this.#take(event);
        yield this.#progress();
      }
      await this.#compareWithRecord(head, stream);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      return { ...this.#progress(), ok: false, firstBroken: error.event };
    }
    return { ...this.#progress(), ok: true };
  }

  #progress(): VerifiedAnswer {
    return { streams: this.#links.size, events: this.#events, position: positionToken(this.#position) };
  }

  async *#log(head: bigint): AsyncGenerator<readonly StoredEvent[]> {
    let rest: { readonly after: bigint; readonly upTo: bigint } | null = { after: 0n, upTo: head };
    while (rest) {
      const bounds: { readonly after: bigint; readonly upTo: bigint } = rest;
      const options = { ownerId: this.ownerId, order: 'oldest', limit: PAGE } as const;
      const page = await this.search.search({ ...options, ...bounds }).catch(unreadable);
      if (page instanceof EventUnreadable) {
        // What stands before it may be broken too, and comes first.
        rest = { after: bounds.after, upTo: page.event.position - 1n };
        if (rest.after >= rest.upTo) throw metadataUnreadable(page);
        yield (await this.search.search({ ...options, ...rest })).events;
        throw metadataUnreadable(page);
      }
      yield page.events;
      rest = page.rest;
    }
  }

  async *#stream(stream: string, head: bigint): AsyncGenerator<readonly StoredEvent[]> {
    for (let after = 0; ;) {
      const page = await this.store.readStream(stream, { after, limit: PAGE }).catch(unreadable);
      if (page instanceof EventUnreadable) {
        yield await this.store.readStream(stream, { after, upTo: page.event.version - 1 });
        throw metadataUnreadable(page);
      }
      yield page.filter(({ position }) => position <= head);
      if (page.length < PAGE || page.at(-1)!.position > head) return;
      after = page.at(-1)!.version;
    }
  }

  async #take(event: StoredEvent): Promise<void> {
    const link = this.#links.get(event.stream) ?? START;
    if (event.version > link.version + 1) throw await this.#gap(event, link);
    if (event.version <= link.version || event.position <= link.position) throw outOfOrder(event);
    const reason = brokenLink(event, link);
    if (reason) throw broken(event, reason, DETAILS[reason]);
    this.#links.set(event.stream, { version: event.version, position: event.position, hash: event.hash });
    this.#events += 1;
    this.#position = event.position > this.#position ? event.position : this.#position;
  }

  /** A version was passed over: it is missing, or it is there and something about it was changed. */
  async #gap({ stream, version, position }: StoredEvent, link: Link): Promise<Broken> {
    const due = link.version + 1;
    const found = await this.store.readStream(stream, { after: link.version, upTo: due }).catch(unreadable);
    if (found instanceof EventUnreadable) return metadataUnreadable(found);
    const [event] = found;
    if (!event)
      return missing(
        stream,
        due,
        `Version ${due} is missing: version ${version} stands at position ${position} in its stead.`,
      );
    const reason = brokenLink(event, link);
    return reason ? broken(event, reason, DETAILS[reason]) : outOfOrder(event);
  }

  /** Events that are gone from the end of a stream show only against what the engine has on record. */
  async #compareWithRecord(head: bigint, stream?: string): Promise<void> {
    const tails = await this.store.tails?.(this.ownerId, stream);
    if (!tails) return;
    const recorded = new Map(tails.map((tail) => [tail.stream, tail]));
    for (const tail of tails) await this.#compare(tail, this.#links.get(tail.stream) ?? START, head);
    for (const [name, link] of this.#links) {
      if (!recorded.has(name))
        throw differs(name, link, 'the engine has no record of the stream for this owner');
    }
  }

  async #compare({ stream, version, hash }: StreamTail, link: Link, head: bigint): Promise<void> {
    if (link.version === version) {
      if (!Buffer.from(hash).equals(link.hash))
        throw differs(stream, link, 'it has another hash for the last event');
      return;
    }
    if (link.version > version)
      throw differs(stream, link, `it says that the stream ends at version ${version}`);
    const [next] = await this.store.readStream(stream, { after: link.version, limit: 1 });
    if (next && next.position > head) return;
    if (next) throw broken(next, 'record_differs', "The event does not stand among its owner's events.");
    throw missing(
      stream,
      link.version + 1,
      `Version ${link.version + 1} is missing: the stream had ${version} events.`,
    );
  }
}

const DETAILS = {
  body_changed: 'The body is not what its hash says.',
  content_changed: "The event, or the hash of the one before it, is not what the event's own hash says.",
} as const;

function brokenLink(event: StoredEvent, link: Link): keyof typeof DETAILS | null {
  if (verifies(event, link.hash)) return null;
  return sha256(event.body).equals(event.bodyHash) ? 'content_changed' : 'body_changed';
}

const outOfOrder = (event: Place): Broken =>
  broken(event, 'order_changed', `Version ${event.version} does not stand between its neighbours.`);

const differs = (stream: string, { version, position }: Link, what: string): Broken =>
  new Broken({
    stream,
    version,
    position: positionToken(position),
    id: null,
    reason: 'record_differs',
    detail: `The engine's record of the stream differs from its events: ${what}.`,
  });

const metadataUnreadable = ({ event }: EventUnreadable): Broken =>
  broken(event, 'metadata_unreadable', 'The metadata cannot be read any more.');

function unreadable(error: unknown): EventUnreadable {
  if (error instanceof EventUnreadable) return error;
  throw error;
}
