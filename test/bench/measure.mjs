// Clocks, loops and averages.

export const now = () => performance.now();

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The smallest value that at least p percent of the values do not exceed. */
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}

/** Milliseconds that some work takes, and what it answers. */
export async function timed(work) {
  const start = now();
  const answer = await work();
  return { ms: now() - start, answer };
}

/** Runs some work a number of times, one after the other, after a warm-up; milliseconds. */
export async function latencies(count, work, warmUp = Math.max(3, count >> 3)) {
  for (let i = 0; i < warmUp; i++) await work();
  const taken = [];
  for (let i = 0; i < count; i++) taken.push((await timed(work)).ms);
  return { p50: percentile(taken, 50), p99: percentile(taken, 99) };
}

/**
 * Runs `work(caller)` in closed loops, one a caller, for `ms` milliseconds after a warm-up.
 * @returns operations a second, and the median time of one in milliseconds.
 */
export async function closedLoops({ callers, ms, warmUpMs = Math.min(400, ms / 3), work }) {
  const taken = [];
  const start = now();
  const from = start + warmUpMs;
  const until = from + ms;
  let last = from;
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let begun = now(); begun < until; begun = now()) {
        await work(caller);
        last = now();
        if (begun >= from) taken.push(last - begun);
      }
    }),
  );
  return { perSecond: (taken.length * 1000) / (last - from), p50: percentile(taken, 50) };
}

/**
 * Runs every case once a round, so that whatever else the machine does meets all of them alike.
 * @param cases by name: a function that answers an object of numbers.
 * @param before is awaited before each case.
 * @returns by name: the object of each round.
 */
export async function alternating(rounds, cases, { before, progress } = {}) {
  const results = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [name, measure] of Object.entries(cases)) {
      await before?.();
      const figures = await measure();
      results[name].push(figures);
      progress?.(`${round}/${rounds} ${name}: ${formatted(figures)}`);
    }
  }
  return results;
}

const formatted = (figures) =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`)
    .join(', ');

/** The median of one figure over the rounds. */
export const medianOf = (rounds, figure) => median(rounds.map((round) => round[figure]));

/** How often the one is the other: the median of the rounds' ratios. */
export const ratioOf = (rounds, others, figure) =>
  median(rounds.map((round, index) => round[figure] / others[index][figure]));
