import { joined, pathTo, TranscriptView } from './transcript-view.js';

const own = (seq: number) => ({ taskId: 'own', seq });

describe('what a transcript shows', () => {
  it('is one run while messages follow each other', () => {
    const view = new TranscriptView();
    [1, 2, 3].forEach((seq) => view.add(own(seq)));
    expect(view.path()).toEqual([{ taskId: 'own', from: 1, to: 3 }]);
  });

  it('goes on after what a fork began with', () => {
    const view = new TranscriptView([{ taskId: 'source', from: 1, to: 4 }]);
    const placed = view.add(own(1));
    expect(pathTo(placed)).toEqual([
      { taskId: 'source', from: 1, to: 4 },
      { taskId: 'own', from: 1, to: 1 },
    ]);
  });

  it('remembers what was shown at each message, also on a line that was left', () => {
    const view = new TranscriptView();
    const [first, second] = [view.add(own(1)), view.add(own(2))];
    view.goTo(first);
    const third = view.add(own(3));
    expect(joined(pathTo(second))).toEqual([{ taskId: 'own', from: 1, to: 2 }]);
    expect(pathTo(third)).toEqual([
      { taskId: 'own', from: 1, to: 1 },
      { taskId: 'own', from: 3, to: 3 },
    ]);
    view.goTo(second);
    expect(view.path()).toEqual([{ taskId: 'own', from: 1, to: 2 }]);
  });

  it('leaves out messages that others wrote in between', () => {
    const view = new TranscriptView();
    view.add(own(1));
    view.add(own(5));
    expect(view.path()).toEqual([
      { taskId: 'own', from: 1, to: 1 },
      { taskId: 'own', from: 5, to: 5 },
    ]);
  });

  it('knows its end', () => {
    const view = new TranscriptView();
    expect(view.endsWith(null)).toBe(true);
    const [first, second] = [view.add(own(1)), view.add(own(2))];
    expect(view.endsWith(second)).toBe(true);
    expect(view.endsWith(first)).toBe(false);
    expect(view.endsWith(null)).toBe(false);
    view.goTo(null);
    expect(view.path()).toEqual([]);
  });
});

describe('runs', () => {
  it('are joined where one goes on with the other', () => {
    const runs = [
      { taskId: 'a', from: 1, to: 2 },
      { taskId: 'a', from: 3, to: 4 },
      { taskId: 'a', from: 6, to: 6 },
      { taskId: 'b', from: 7, to: 7 },
    ];
    expect(joined(runs)).toEqual([{ taskId: 'a', from: 1, to: 4 }, runs[2], runs[3]]);
  });
});
