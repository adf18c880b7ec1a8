import type { EndHappening, Happening } from '#libs/agents/runners/happening.js';
import type { ActivityItem, RunEnd } from './protocol.js';

/**
 * What is recorded of what an agent does. What a sub-agent says and does is kept line by line: in the conversation of the
 * task nobody said it.
 */
export function itemOf(happening: Happening): ActivityItem {
  if (happening.kind === 'end') return endItem(happening);
  if (!('parentCallId' in happening) || happening.parentCallId === undefined) return happening;
  const { id, occurredAt, kind, ...rest } = happening;
  return { id, occurredAt, kind: 'line', lineType: `sub-agent ${kind}`, content: JSON.stringify(rest) };
}

/** The account of a run: what it cost and where every line went. Its status is told when the lease is given back. */
function endItem({ id, occurredAt, kind: _, status, reason, ...account }: EndHappening): ActivityItem {
  const content = JSON.stringify({ status, ...(reason === undefined ? {} : { reason }), ...account });
  return { id, occurredAt, kind: 'line', lineType: 'run end', content };
}

export const endOf = ({ status, reason }: EndHappening): RunEnd => ({
  status,
  ...(reason === undefined ? {} : { reason }),
});

/** Tells when an agent's turn is over: it has spoken, and waits for no call. */
export class TurnEnds {
  readonly #open = new Set<string>();

  /** Whether a turn ends with this. */
  hear(happening: Happening): boolean {
    if ('parentCallId' in happening && happening.parentCallId !== undefined) return false;
    if (happening.kind === 'tool_result') this.#open.delete(happening.toolCallId);
    if (happening.kind !== 'message' || happening.role !== 'assistant') return false;
    for (const { id } of happening.toolCalls ?? []) this.#open.add(id);
    return this.#open.size === 0;
  }
}
