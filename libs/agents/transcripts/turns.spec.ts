import { TooManyWaiting, Turns } from './turns.js';

const { signal } = new AbortController();

describe('Turns', () => {
  it('lets so many work at a time, and the others in the order in which they came', async () => {
    const turns = new Turns(2, 10);
    const [first] = [await turns.take(signal), await turns.take(signal)];
    const came: string[] = [];
    const third = turns.take(signal).then((done) => (came.push('third'), done));
    const fourth = turns.take(signal).then((done) => (came.push('fourth'), done));
    await Promise.resolve();
    expect(came).toEqual([]);
    first();
    // A second time is of no effect.
    first();
    const done = await third;
    expect(came).toEqual(['third']);
    done();
    await fourth;
    expect(came).toEqual(['third', 'fourth']);
  });

  it('sends away whoever comes when too many wait', async () => {
    const turns = new Turns(1, 1);
    const done = await turns.take(signal);
    const second = turns.take(signal);
    await expect(turns.take(signal)).rejects.toThrow(TooManyWaiting);
    done();
    (await second)();
    await expect(turns.take(signal)).resolves.toBeDefined();
  });

  it('passes over who has left', async () => {
    const turns = new Turns(1, 10);
    const done = await turns.take(signal);
    const gone = new AbortController();
    const second = turns.take(gone.signal);
    const third = turns.take(signal);
    gone.abort();
    await expect(second).rejects.toThrow('aborted');
    await expect(turns.take(gone.signal)).rejects.toThrow('aborted');
    done();
    await expect(third).resolves.toBeDefined();
  });
});
