import type { Outline } from '#libs/agents/transcripts/transcript-outline.js';

/** Earlier sessions first, shorter files of a session first, and each fork after the session that it names as its source. */
export function inOrder<O extends Outline>(outlines: readonly O[]): readonly O[] {
  const sorted = outlines.toSorted(byTime);
  const named = new Map<string, O[]>();
  for (const outline of sorted) {
    const name = nameOf(outline.agent, outline.sessionId);
    named.set(name, [...(named.get(name) ?? []), outline]);
  }
  const ordered = new Set<O>();
  for (const outline of sorted) {
    const chain = [outline];
    const seen = new Set(chain);
    for (
      let next = sourcesOf(outline, named);
      next.length > 0;
      next = next.flatMap((o) => sourcesOf(o, named))
    ) {
      next = next.filter((source) => !seen.has(source));
      for (const source of next) seen.add(source);
      chain.push(...next.toReversed());
    }
    for (const each of chain.toReversed()) ordered.add(each);
  }
  return [...ordered];
}

const nameOf = (agent: string, sessionId: string): string => `${agent} ${sessionId}`;

function sourcesOf<O extends Outline>(
  { agent, forkedFrom }: O,
  named: ReadonlyMap<string, readonly O[]>,
): readonly O[] {
  return forkedFrom === undefined ? [] : (named.get(nameOf(agent, forkedFrom)) ?? []);
}

function byTime(one: Outline, other: Outline): number {
  return (
    compare(one.startedAt, other.startedAt) ||
    compare(one.endedAt, other.endedAt) ||
    one.entries - other.entries ||
    compare(one.files[0] ?? '', other.files[0] ?? '')
  );
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));

/** Those that another one goes on from, whether by its session, its source or its first message. */
export function related<O extends Outline>(outlines: readonly O[]): ReadonlySet<O> {
  const groups = new Map<string, O[]>();
  const join = (name: string, outline: O): void =>
    void groups.set(name, [...(groups.get(name) ?? []), outline]);
  for (const outline of outlines) {
    const { agent, sessionId, forkedFrom, firstId } = outline;
    join(`session ${nameOf(agent, sessionId)}`, outline);
    if (forkedFrom !== undefined && forkedFrom !== sessionId)
      join(`session ${nameOf(agent, forkedFrom)}`, outline);
    if (firstId !== undefined) join(`message ${nameOf(agent, firstId)}`, outline);
  }
  return new Set([...groups.values()].flatMap((group) => (group.length > 1 ? group : [])));
}
