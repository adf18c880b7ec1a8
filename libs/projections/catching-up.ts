import type { Instance } from './instance.js';
import type { ProjectionRunner } from './runner.js';

/** What building is at: it waits for other work on the same projections, reads the log, and so on. */
export type Step = 'waiting' | 'reading' | 'indexing' | 'swapping' | 'comparing';

/**
 * Told what building is at, and how far in the log: the position reached, and the one to reach; and, while it waits to be
 * tried again, what was in the way.
 */
export type Progress = (step: Step, position: bigint, target: bigint, trouble?: string) => void;

const PROGRESS_MS = 200;
/** A rest that was caught up with in this time is short enough for the serving instance to wait for. */
const SHORT_MS = 30;
/** Rounds of catching up before the serving instance has to wait however long the rest is: else it might never end. */
const MOST_ROUNDS = 50;

/**
 * Moves instances that stand together to a position.
 * @throws Error when the server stops, or an event stops one of the group.
 */
export async function reach(
  runner: ProjectionRunner,
  group: readonly Instance[],
  target: bigint,
  signal: AbortSignal,
): Promise<void> {
  await runner.catchUp(group, target, signal);
  if (signal.aborted) throw new Error('the server stopped; a rebuild goes on at its next start');
  const stopped = group.find(({ failure }) => failure);
  if (!stopped?.failure) return;
  const { eventId, type, message } = stopped.failure;
  throw new Error(`${stopped.projection.name} stopped at event ${eventId} (${type}): ${message}`);
}

/** Does the same and says how far they are. */
export async function read(
  runner: ProjectionRunner,
  group: readonly Instance[],
  target: bigint,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const say = (): void => progress('reading', group[0]?.position ?? target, target);
  say();
  const timer = setInterval(say, PROGRESS_MS);
  try {
    await reach(runner, group, target, signal);
  } finally {
    clearInterval(timer);
  }
  say();
}

/** Catches up with something that goes on, until what is left takes but a moment. */
export async function approach(
  runner: ProjectionRunner,
  instance: Instance,
  target: () => Promise<bigint>,
  signal: AbortSignal,
): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const begin = performance.now();
    await reach(runner, [instance], await target(), signal);
    if (performance.now() - begin < SHORT_MS) return;
  }
}
