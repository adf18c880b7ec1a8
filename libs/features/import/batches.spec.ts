import { MAX_APPEND_BYTES } from '#libs/event-store/event-store.js';
import { batches } from './batches.js';
import type { PlannedHappening } from './session-plan.js';

const line = (id: number, bytes: number): PlannedHappening => ({
  id: String(id),
  occurredAt: '2026-01-05T10:00:00.000Z',
  activity: { type: 'KeepLine', data: { lineType: 'x', raw: 'x'.repeat(bytes) } },
  goesOn: false,
});
const sizes = (happenings: readonly PlannedHappening[]) =>
  [...batches(happenings)].map((batch) => batch.length);

describe('batches', () => {
  it('hold what the log takes at once, in order', () => {
    const happenings = Array.from({ length: 1_200 }, (_, id) => line(id, 2_000));
    const cut = [...batches(happenings)];
    expect(cut.flat()).toEqual(happenings);
    for (const batch of cut) {
      expect(batch.length).toBeLessThanOrEqual(500);
      expect(
        batch.reduce((sum, { activity }) => sum + JSON.stringify(activity).length + 800, 0),
      ).toBeLessThan(MAX_APPEND_BYTES);
    }
  });

  it('are bounded by number', () => {
    expect(sizes(Array.from({ length: 1_000 }, (_, id) => line(id, 1)))).toEqual([490, 490, 20]);
  });

  it('leave a big one alone', () => {
    expect(sizes([line(1, 10), line(2, 3_000_000), line(3, 10)])).toEqual([1, 1, 1]);
  });

  it('are none of nothing', () => {
    expect(sizes([])).toEqual([]);
  });
});
