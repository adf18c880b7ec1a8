import { Inject, type Type } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { EventCodec, type EventToWrite } from '#libs/event-store/codec.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import { EventStore, VersionConflict } from '#libs/event-store/event-store.js';
import { RefusalException } from '#libs/kernel/problem.js';
import { isRefusal, refuse, type Decider } from '#libs/kernel/decider.js';
import type { DomainEvent } from '#libs/kernel/event.js';
import type { CommandContext } from './command-context.js';
import { StreamStates, type StreamState } from './stream-states.js';

/** What is known of the n-th event of a decision before it is decided. */
export interface EventOrigin {
  readonly id: string;
  readonly occurredAt: string;
  readonly inputHash: string;
}

export interface DispatchOptions {
  /** Decide, and append nothing. */
  readonly dryRun?: boolean;
  /** Only answer what the command did earlier; without that, decide nothing and answer no events. */
  readonly onlyIfRepeated?: boolean;
  /** For the first events of the decision, one each; further events get ids derived from the command's. */
  readonly origins?: readonly EventOrigin[];
}

/** What a command did, or in a dry run would do. */
export interface Outcome<State, Event> {
  readonly events: readonly Event[];
  readonly state: State;
  readonly version: number;
  /** Position of the last event; 0n when nothing was appended. */
  readonly position: bigint;
  /** True if the command had been carried out before. */
  readonly repeated: boolean;
}

/** A command for one stream, on its way to the decider of its kind. */
export abstract class Dispatch<Commands, State, Event> extends Command<Outcome<State, Event>> {
  constructor(
    readonly id: string,
    readonly command: Commands,
    readonly context: CommandContext,
    readonly options: DispatchOptions = {},
  ) {
    super();
  }
}

const MAX_ATTEMPTS = 10;
const PAGE = 1_000;

/** For a command that would open a stream, where another owner has one of that name. */
const NOT_THERE = refuse(
  'NOT_FOUND',
  'There is nothing of this id. Check it, and that your key belongs to its owner.',
);

export interface DeciderHandlerOptions<State, Commands, Event extends DomainEvent> {
  readonly stream: (id: string) => string;
  readonly decider: Decider<State, Commands, Event>;
  /** Token under which the composition root provides the StreamStates of this kind. */
  readonly states: string | symbol;
}

/** Makes the command handler of one kind of stream, for the CommandBus. */
export function deciderHandler<State, Commands, Event extends DomainEvent>(
  message: Type<Dispatch<Commands, State, Event>>,
  { stream, decider, states: token }: DeciderHandlerOptions<State, Commands, Event>,
): Type<ICommandHandler<Dispatch<Commands, State, Event>>> {
  class Handler implements ICommandHandler<Dispatch<Commands, State, Event>> {
    readonly #executor: DeciderExecutor<State, Commands, Event>;

    constructor(
      @Inject(EventStore) store: EventStore,
      @Inject(EventCodec) codec: EventCodec,
      @Inject(token) states: StreamStates<State, Event>,
    ) {
      this.#executor = new DeciderExecutor(stream, decider, store, codec, states);
    }

    execute(dispatch: Dispatch<Commands, State, Event>): Promise<Outcome<State, Event>> {
      return this.#executor.execute(dispatch);
    }
  }
  CommandHandler(message)(Handler);
  return Handler;
}

/** Load, decide, append, and again if another writer was faster. */
class DeciderExecutor<State, Commands, Event extends DomainEvent> {
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(
    private readonly streamOf: (id: string) => string,
    private readonly decider: Decider<State, Commands, Event>,
    private readonly store: EventStore,
    private readonly codec: EventCodec,
    private readonly states: StreamStates<State, Event>,
  ) {}

  /** Commands of one stream are decided one after the other, so that within a process they never conflict. */
  async execute(dispatch: Dispatch<Commands, State, Event>): Promise<Outcome<State, Event>> {
    const stream = this.streamOf(dispatch.id);
    const before = this.#queues.get(stream) ?? Promise.resolve();
    const mine = before.then(() => this.#attempt(stream, dispatch));
    const settled = mine.catch(() => undefined);
    this.#queues.set(stream, settled);
    try {
      return await mine;
    } finally {
      if (this.#queues.get(stream) === settled) this.#queues.delete(stream);
    }
  }

  /** A dry run appends nothing, so nobody would notice that another process was faster: it looks first. */
  #stateFor(
    stream: string,
    { dryRun }: Dispatch<Commands, State, Event>['options'],
  ): Promise<StreamState<State>> {
    return dryRun ? this.states.refresh(stream) : this.states.load(stream);
  }

  async #attempt(stream: string, dispatch: Dispatch<Commands, State, Event>): Promise<Outcome<State, Event>> {
    const { command, context, options } = dispatch;
    if (context.idempotent && !options.dryRun) {
      const earlier = await this.#carriedOut(stream, context);
      if (earlier) return earlier;
    }
    if (options.onlyIfRepeated) {
      return { events: [], state: this.decider.initial, version: 0, position: 0n, repeated: false };
    }
    let current = await this.#stateFor(stream, options);
    for (let attempt = 1; ; attempt += 1) {
      const foreign = current.ownerId !== null && current.ownerId !== context.ownerId;
      // A stream of another owner answers like one that does not exist, and nothing is ever written into it.
      const decision = this.decider.decide(command, foreign ? this.decider.initial : current.state);
      try {
        if (isRefusal(decision)) throw new RefusalException(decision);
        if (foreign) throw new RefusalException(NOT_THERE);
        return await this.#append(stream, current, decision, dispatch);
      } catch (error) {
        // A refusal may rest on a state that another process has changed since: it is asked once more before it holds.
        const again =
          error instanceof VersionConflict || (error instanceof RefusalException && attempt === 1);
        if (!again || attempt >= MAX_ATTEMPTS) throw error;
        current = await this.states.refresh(stream);
      }
    }
  }

  async #append(
    stream: string,
    current: StreamState<State>,
    events: readonly Event[],
    { context, options }: Dispatch<Commands, State, Event>,
  ): Promise<Outcome<State, Event>> {
    if (events.length === 0 || options.dryRun) {
      const state = events.reduce((folded, event) => this.decider.evolve(folded, event), current.state);
      return { events, state, version: current.version, position: 0n, repeated: false };
    }
    const encoded = await this.codec.encode(
      events.map((event, index) => envelope(event, index, context, options)),
    );
    const { version, position, repeated } = await this.store.append(stream, encoded, {
      expected: current.version,
    });
    // A repetition stands somewhere in the stream already: folded onto its end it would count twice.
    const { state } = repeated
      ? await this.states.refresh(stream)
      : this.states.advance(stream, current, events, context.ownerId);
    return { events, state, version, position, repeated };
  }

  /** The state as it was at a version, folded from the log. */
  async #stateAt(stream: string, version: number): Promise<State> {
    let state = this.decider.initial;
    for (let after = 0; after < version; after += PAGE) {
      const page = await this.store.readStream(stream, { after, upTo: version, limit: PAGE });
      for (const stored of page) state = this.decider.evolve(state, this.codec.decode(stored).event as Event);
    }
    return state;
  }

  /** What a command of this id did earlier, and what it answered then, read from the log. */
  async #carriedOut(stream: string, context: CommandContext): Promise<Outcome<State, Event> | null> {
    const [first] = await this.store.findEvents(stream, [eventId(context, 0)]);
    if (!first || first.metadata.ownerId !== context.ownerId) return null;
    if (first.metadata.inputHash !== context.requestHash) {
      throw new RefusalException(
        refuse('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for another request. Use a new one.'),
      );
    }
    const rest = await this.store.readStream(stream, { after: first.version - 1, limit: 1_000 });
    const mine = rest.filter((event) => event.metadata.commandId === context.commandId);
    const last = mine.at(-1)!;
    const state = await this.#stateAt(stream, last.version);
    const events = mine.map((event) => this.codec.decode(event).event as Event);
    return { events, state, version: last.version, position: last.position, repeated: true };
  }
}

const eventId = (context: CommandContext, index: number): string =>
  deriveId('event', context.commandId, String(index));

function envelope(
  event: DomainEvent,
  index: number,
  context: CommandContext,
  options: DispatchOptions,
): EventToWrite {
  const origin = options.origins?.[index];
  const inputHash = origin?.inputHash ?? context.requestHash;
  return {
    event,
    id: origin?.id ?? eventId(context, index),
    metadata: {
      actor: context.actor,
      ownerId: context.ownerId,
      occurredAt: origin?.occurredAt ?? context.now.toISOString(),
      commandId: context.commandId,
      ...(inputHash ? { inputHash } : {}),
      ...(context.traceId ? { traceId: context.traceId } : {}),
    },
  };
}
