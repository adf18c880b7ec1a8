import { MaxAppendSizeExceededError, NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client';
import {
  AppendTooLarge,
  EventIdConflict,
  LogCorrupt,
  LogOverloaded,
  VersionConflict,
  type AppendResult,
  type ExpectedVersion,
} from '../event-store.js';
import { isDefinite, pause, type Connection } from './connection.js';
import { link, type LinkedEvent, type PreparedEvent } from './stored-form.js';
import { advance, type StreamTails, type Tail } from './stream-tails.js';

const MAX_TRIES = 100;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

type Outcome =
  | { readonly kind: 'written'; readonly position: bigint | undefined }
  | { readonly kind: 'moved' }
  | { readonly kind: 'unclear'; readonly error: unknown };

/** Appends with an exact expected revision always; the caller sees to it that one stream has one append at a time. */
export class StreamAppender {
  /** @param giveUpMs how long an append is tried again while its outcome is unclear. */
  constructor(
    private readonly connection: Connection,
    private readonly tails: StreamTails,
    private readonly giveUpMs: number,
  ) {}

  async append(
    stream: string,
    prepared: readonly PreparedEvent[],
    expected: ExpectedVersion,
  ): Promise<AppendResult> {
    const deadline = Date.now() + this.giveUpMs;
    const sent = new Set<string>();
    let tail = this.tails.kept(stream);
    if (!tail || (expected !== 'any' && tail.version !== expected)) tail = await this.tails.current(stream);
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const { version, ids } = tail;
      const known = prepared.map(({ event }) => event.id).filter((id) => ids.has(id));
      if (known.length > 0) return this.#repetition(stream, tail, prepared, known, sent);
      if (expected !== 'any' && version !== expected) throw new VersionConflict(stream, expected, version);
      const linked = link(prepared, tail);
      const outcome = await this.#send(stream, tail, linked);
      if (outcome.kind === 'written') {
        const { position = await this.#positionOf(stream, tail.version) } = outcome;
        return { version: tail.version, position, repeated: false };
      }
      if (outcome.kind === 'unclear') {
        sent.add(linked.at(-1)!.hash.toString('hex'));
        if (Date.now() > deadline) throw this.#unknown(stream, outcome.error);
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(tries, 10), LONGEST_PAUSE_MS));
      }
      tail = await this.#now(stream, deadline);
      if (outcome.kind === 'moved' && tail.version === version) {
        // It moved and holds nothing newer: the server went back to a backup. What was kept is worth nothing.
        this.tails.forget(stream);
        tail = await this.#now(stream, deadline);
      }
    }
    throw new LogOverloaded(MAX_TRIES);
  }

  /** Sends an append, and moves the tail on when it was written. */
  async #send(stream: string, tail: Tail, linked: readonly LinkedEvent[]): Promise<Outcome> {
    const data = linked.map((event) => event.data);
    const expectedRevision = tail.version === 0 ? NO_STREAM : BigInt(tail.version - 1);
    const result = await this.connection.client.appendToStream(stream, data, { expectedRevision }).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    if ('error' in result) {
      const { error } = result;
      if (error instanceof WrongExpectedVersionError) return { kind: 'moved' };
      if (error instanceof MaxAppendSizeExceededError) throw new AppendTooLarge(stream, sizeOf(linked));
      if (isDefinite(error)) throw error;
      return { kind: 'unclear', error };
    }
    const { success, nextExpectedRevision, position } = result.answer;
    // The connection string may say that a wrong version is an answer rather than an error.
    if (!success) return { kind: 'moved' };
    if (nextExpectedRevision !== BigInt(tail.version + linked.length - 1)) {
      this.tails.forget(stream);
      throw new LogCorrupt(
        `stream ${stream} was deleted or truncated: its versions no longer count its events`,
      );
    }
    for (const { id, hash } of linked) advance(tail, { id, hash, version: tail.version + 1 });
    this.tails.keep(stream, tail);
    return { kind: 'written', position: position?.commit };
  }

  /** The tail as it is now, also after trouble with the connection, until the deadline. */
  async #now(stream: string, deadline: number): Promise<Tail> {
    for (;;) {
      try {
        return await this.tails.current(stream);
      } catch (error) {
        if (error instanceof LogCorrupt || isDefinite(error)) throw error;
        if (Date.now() > deadline) throw this.#unknown(stream, error);
        await pause(FIRST_PAUSE_MS);
      }
    }
  }

  #unknown(stream: string, cause: unknown): Error {
    this.tails.forget(stream);
    return new Error(
      `EventStoreDB gave no clear answer: whether the append to ${stream} was written is not known; ` +
        'it may be repeated with the same event ids',
      { cause },
    );
  }

  /** Some of the ids stand in the stream: the append was made before, or it is refused. */
  async #repetition(
    stream: string,
    tail: Tail,
    prepared: readonly PreparedEvent[],
    known: readonly string[],
    sent: ReadonlySet<string>,
  ): Promise<AppendResult> {
    const held = await this.tails.find(stream, tail, known);
    const byId = new Map(held.map((stored) => [stored.id, stored]));
    const isSame = prepared.every(({ event, bodyHash }) => {
      const stored = byId.get(event.id);
      return stored?.type === event.type && bodyHash.equals(stored.bodyHash);
    });
    if (!isSame) throw new EventIdConflict(stream, known);
    const last = held.at(-1)!;
    // When the answer to this very call was lost, it was this call that wrote.
    const repeated = !sent.has(Buffer.from(last.hash).toString('hex'));
    return { version: last.version, position: last.position, repeated };
  }

  /** Some server versions answer an append without a position. */
  async #positionOf(stream: string, version: number): Promise<bigint> {
    const [event] = await this.tails.read(stream, version - 1, 1);
    if (!event)
      throw new LogCorrupt(`stream ${stream} does not show version ${version}, which was just written`);
    return event.position;
  }
}

const sizeOf = (linked: readonly LinkedEvent[]): number =>
  linked.reduce((sum, { data }) => sum + data.data.length + JSON.stringify(data.metadata).length, 0);
