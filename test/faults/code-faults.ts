import { FAILPOINTS, type Failpoint } from '#apps/daemon/failpoint.js';
import type { Chance } from './chance.js';

/** What goes wrong in a round of the code's fault tests. */
export type CodeFault =
  | { readonly kind: 'daemon'; readonly at: Failpoint }
  /** Killed, or the way to it cut, at a message between daemons and server. */
  | { readonly kind: 'server' | 'Postgres' | 'connection'; readonly message: number };

const OTHERS = { server: 4, Postgres: 2, connection: 4 } as const;
/** A step takes about so many messages. */
const MESSAGES = 45;

/**
 * So many rounds, in an order by chance: every failpoint once, and the others in their share, before any comes again.
 * @param only faults whose name begins so.
 */
export function codePlan(rounds: number, chance: Chance, only = ''): readonly CodeFault[] {
  const all: CodeFault[] = [];
  while (all.length < rounds) {
    const daemons = FAILPOINTS.map((at): CodeFault => ({ kind: 'daemon', at }));
    const others = Object.entries(OTHERS).flatMap(([kind, share]) =>
      Array.from({ length: share }, () => ({ kind, message: chance.whole(1, MESSAGES) }) as CodeFault),
    );
    const deck = [...daemons, ...others].filter((fault) => faultName(fault).startsWith(only));
    if (deck.length === 0) throw new RangeError(`no fault begins with ${only}`);
    all.push(...chance.shuffled(deck));
  }
  return all.slice(0, rounds);
}

export const STEPS = ['run', 'checkpoint', 'rewind', 'rewind at work', 'undo', 'fork', 'move'] as const;
export type Step = (typeof STEPS)[number];

/** A step that the fault can hit. */
export function stepFor(fault: CodeFault, chance: Chance): Step {
  if (fault.kind !== 'daemon') return chance.pick(STEPS);
  if (fault.at === 'rewind-half-restored') return chance.pick(['rewind', 'rewind', 'move']);
  if (fault.at.startsWith('rewind')) return chance.pick(['rewind', 'rewind', 'rewind at work', 'undo']);
  if (fault.at.startsWith('checkpoint')) return chance.pick(['run', 'checkpoint', 'fork', 'move']);
  return chance.pick(['run', 'fork', 'move']);
}

export const faultName = (fault: CodeFault): string =>
  fault.kind === 'daemon' ? fault.at : `${fault.kind} at message ${fault.message}`;
