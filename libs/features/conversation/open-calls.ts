import type { Queryable } from '#libs/database/database.js';
import { unescapeText } from '#libs/database/text-escape.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import { callsToName, openCall } from './calls.state.js';
import type { OpenCall, ToolCall } from './conversation.events.js';
import { answeredIn, callsAndResultsIn } from './conversation.queries.js';
import { countOf, shows, slice, type Segment } from './segments.js';

/** How far back calls are looked for, in messages: finding them must cost the same at any length. */
const LOOKED_BACK = 200;

/**
 * Calls without a result where what is shown ends: among its newest 200 messages, and of those before them the ones that
 * have none. A result that came later than 200 messages after its call, and is not shown, is not found.
 * @returns as many as an event names, the newest.
 * @param openToday calls that have no result yet, wherever they were made.
 */
export async function openCallsAt(
  db: Queryable,
  segments: readonly Segment[],
  openToday: readonly OpenCall[] = [],
): Promise<readonly OpenCall[]> {
  const count = countOf(segments);
  const shown = openToday.filter((call) => shows(segments, call));
  const open = new Map(shown.map((call) => [call.id, call]));
  const window = slice(segments, count - LOOKED_BACK, count);
  const before = shown.filter((call) => !shows(window, call)).map(({ id }) => id);
  // An undo or a restore may have brought their results back.
  for (const id of await answeredIn(db, segments, before)) open.delete(id);
  for (const row of await callsAndResultsIn(db, window)) {
    if (row.tool_call_id !== null) open.delete(unescapeText(row.tool_call_id));
    const calls = row.tool_calls === null ? [] : (fromColumnJson(row.tool_calls) as readonly ToolCall[]);
    for (const call of calls) open.set(call.id, openCall(call, { taskId: row.task_id, seq: row.seq }));
  }
  return callsToName(open.values());
}
