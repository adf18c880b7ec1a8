import { fold, isRefusal, type Decider } from '#libs/kernel/decider.js';

/** Given what happened, when a command comes, then these events, or this refusal. */
export const given = <State, Command, Event, Code extends string>(
  decider: Decider<State, Command, Event, Code>,
  ...history: readonly Event[]
) => ({
  when: (command: Command) => {
    const decision = decider.decide(command, fold(decider, decider.initial, history));
    return {
      then: (...events: readonly Event[]): void => expect(decision).toEqual(events),
      /** For a decision of which only a part matters. */
      events: (): readonly Event[] => {
        if (isRefusal(decision)) throw new Error(`refused: ${decision.code} ${decision.detail}`);
        return decision;
      },
      refused: (code: Code): void => {
        expect(isRefusal(decision) ? decision.code : decision).toBe(code);
      },
    };
  },
});
