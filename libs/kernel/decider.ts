/**
 * A decider is a pure description of how one stream changes: no clock, no random, no I/O.
 * Source: Jérémie Chassaing, "Functional Event Sourcing Decider".
 */
export interface Decider<State, Command, Event, Code extends string = string> {
  readonly initial: State;
  /** Says which events a command causes in a state, or refuses it. */
  decide(command: Command, state: State): Decision<Event, Code>;
  /** Folds one event into the state. Never throws and never refuses. */
  evolve(state: State, event: Event): State;
}

export type Decision<Event, Code extends string = string> = readonly Event[] | Refusal<Code>;

/** A domain rule said no. `code` is stable and public; `detail` is one sentence for a person. */
export class Refusal<Code extends string = string> {
  constructor(
    readonly code: Code,
    readonly detail: string,
    /** What the caller needs to correct the call, for example the known values. */
    readonly context: Readonly<Record<string, unknown>> = {},
  ) {}
}

export const refuse = <Code extends string>(
  code: Code,
  detail: string,
  context?: Readonly<Record<string, unknown>>,
): Refusal<Code> => new Refusal(code, detail, context);

export const isRefusal = (decision: unknown): decision is Refusal => decision instanceof Refusal;

export const fold = <State, Event>(
  decider: Pick<Decider<State, never, Event>, 'evolve'>,
  state: State,
  events: Iterable<Event>,
): State => {
  let folded = state;
  for (const event of events) folded = decider.evolve(folded, event);
  return folded;
};
