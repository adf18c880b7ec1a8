import { TranscriptView, type Placed } from './transcript-view.js';

const own = (seq: number) => ({ taskId: 'own', seq });

/** Numbers of the messages that lead to one, first to last. */
function wayTo(placed: Placed | null): readonly number[] {
  return placed === null ? [] : [...wayTo(placed.before), placed.place.seq];
}

describe('what a transcript shows', () => {
  it('is one way while messages follow each other', () => {
    const view = new TranscriptView();
    [1, 2, 3].forEach((seq) => view.add(own(seq)));
    expect(wayTo(view.end)).toEqual([1, 2, 3]);
    expect(view.end?.count).toBe(3);
  });

  it('goes on after what a fork began with, and shows what was taken over', () => {
    const inherited = { place: { taskId: 'source', seq: 4 }, count: 4, before: null };
    const view = new TranscriptView(inherited);
    expect(view.add(own(1)).count).toBe(5);
    expect(view.shows({ place: { taskId: 'source', seq: 2 }, count: 2, before: null })).toBe(true);
    expect(view.shows(inherited)).toBe(true);
    expect(view.shows({ place: { taskId: 'source', seq: 9 }, count: 4, before: null })).toBe(false);
  });

  it('remembers what was shown at each message, also on a line that was left', () => {
    const view = new TranscriptView();
    const [first, second] = [view.add(own(1)), view.add(own(2))];
    view.goTo(first);
    const third = view.add(own(3));
    expect(wayTo(second)).toEqual([1, 2]);
    expect(wayTo(third)).toEqual([1, 3]);
    expect(view.shows(first)).toBe(true);
    expect(view.shows(second)).toBe(false);
    view.goTo(second);
    expect(wayTo(view.end)).toEqual([1, 2]);
  });

  it('knows its end', () => {
    const view = new TranscriptView();
    expect(view.endsWith(null)).toBe(true);
    const [first, second] = [view.add(own(1)), view.add(own(2))];
    expect(view.endsWith(second)).toBe(true);
    expect(view.endsWith(first)).toBe(false);
    expect(view.endsWith(null)).toBe(false);
    view.goTo(null);
    expect(view.end).toBeNull();
    expect(view.shows(null)).toBe(true);
  });
});
