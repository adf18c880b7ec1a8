import type { ToolCallEntry } from '../transcripts/transcript.js';

/** Calls whose result nobody has seen yet. More than that many an agent has not at once: the oldest are forgotten. */
const MAX_OPEN = 1_000;

/** Remembers calls until their results come, which name the call alone. */
export class OpenCalls {
  readonly #calls = new Map<string, ToolCallEntry>();

  /** The call as it is told: with a name, for a tool without one. */
  opened(call: ToolCallEntry): ToolCallEntry {
    const named = { ...call, name: call.name.slice(0, 1_000) || 'unknown' };
    this.#calls.set(named.id, named);
    if (this.#calls.size > MAX_OPEN) this.#calls.delete(this.#calls.keys().next().value!);
    return named;
  }

  has(id: string): boolean {
    return this.#calls.has(id);
  }

  /** The call that a result answers; it is forgotten then. */
  answered(id: string): ToolCallEntry | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }
}
