import { followAndCompare, type OrderingReport, type Seen } from './follow-and-compare.contract.js';

/** A log in memory that numbers an event at once and shows it when it commits, `delay` turns of the loop later. */
function logWith(
  delay: (writer: number) => number,
  show: (seen: readonly Seen[]) => readonly Seen[] = (s) => s,
) {
  const committed: Seen[] = [];
  let positions = 0n;
  return async (): Promise<OrderingReport> =>
    followAndCompare({
      writers: 4,
      rounds: 25,
      start: 0n,
      append: async (writer, round) => {
        const id = `${writer}/${round}`;
        positions += 1n;
        const position = positions;
        for (let turns = delay(writer); turns > 0; turns -= 1)
          await new Promise((resolve) => setImmediate(resolve));
        committed.push({ id, position });
        return [id];
      },
      read: async (after) => {
        await new Promise((resolve) => setImmediate(resolve));
        return show(committed.filter(({ position }) => position > after)).toSorted((one, other) =>
          Number(one.position - other.position),
        );
      },
    });
}

describe('followAndCompare', () => {
  it('passes a log that shows events in the order of their positions', async () => {
    const report = await logWith(() => 1)();
    expect(report).toEqual({ acknowledged: 100, lost: [], repeated: [], outOfOrder: [] });
  });

  it('catches a log that shows an event after one with a higher position', async () => {
    const report = await logWith((writer) => (writer === 0 ? 6 : 1))();
    expect(report.lost.length).toBeGreaterThan(0);
  });

  it('catches a log that repeats events', async () => {
    const report = await logWith(
      () => 1,
      (seen) => [...seen, ...seen],
    )();
    expect(report.repeated.length).toBeGreaterThan(0);
    expect(report.outOfOrder.length).toBeGreaterThan(0);
  });
});
