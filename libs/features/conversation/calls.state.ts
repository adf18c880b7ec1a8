import { leadsOver, tipOf, type Tree } from './branches.js';
import type { MessagePlace, OpenCall, ToolCall } from './conversation.events.js';

/** Tool calls without a result, by their ids. */
export type OpenCalls = Readonly<Record<string, OpenCall>>;

/** Calls that nobody answers must not grow the state without bound. */
const MAX_OPEN_CALLS = 500;
/** Nor an event: 200 calls with all characters escaped take half a megabyte. */
const [MAX_CALLS_NAMED, MAX_ID] = [200, 200];

/** A call as events and states keep it. Agents choose a tool's name, so it is cut. */
export const openCall = ({ id, name }: ToolCall, { taskId, seq }: MessagePlace): OpenCall => ({
  id,
  name: String(name).slice(0, 200),
  taskId,
  seq,
});

/** The newest of some calls, as many as an event names. */
export const callsToName = (calls: Iterable<OpenCall>): readonly OpenCall[] =>
  [...calls].filter(({ id }) => id.length <= MAX_ID).slice(-MAX_CALLS_NAMED);

export function withCalls(known: OpenCalls, added: readonly OpenCall[]): OpenCalls {
  if (added.length === 0) return known;
  const all = [...Object.values(known), ...added].slice(-MAX_OPEN_CALLS);
  return Object.fromEntries(all.map((call) => [call.id, call]));
}

/** The open calls that what is shown now holds: an agent that goes on with it needs a result for each. */
export function openCallsShown(
  tree: Tree & { readonly branch: number; readonly openCalls: OpenCalls },
): readonly OpenCall[] {
  const shown = tipOf(tree, tree.branch);
  const inherited = tree.branches[0]!.kept;
  return Object.values(tree.openCalls).filter(({ taskId, seq }) =>
    // Of what a fork took over only its length is known: it counts as shown while all of it is.
    leadsOver(tree, shown, { last: { taskId, seq }, count: inherited }),
  );
}
