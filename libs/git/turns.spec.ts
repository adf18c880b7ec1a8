import { Turns } from './turns.js';

it('lets so many at once, in their order, and forgets who has left', async () => {
  const turns = new Turns(2);
  const [first, second] = [await turns.take(), await turns.take()];
  const began: number[] = [];
  const wait = async (number: number, signal?: AbortSignal): Promise<() => void> => {
    const end = await turns.take(signal);
    began.push(number);
    return end;
  };
  const leaving = new AbortController();
  const [third, fourth, fifth] = [wait(3), wait(4, leaving.signal), wait(5)];
  leaving.abort(new Error('left'));
  await expect(fourth).rejects.toThrow('left');
  expect(began).toEqual([]);
  first();
  first();
  const end = await third;
  expect(began).toEqual([3]);
  second();
  (await fifth)();
  end();
  expect(began).toEqual([3, 5]);
  await turns.take();
  await turns.take();
  await expect(turns.take(AbortSignal.abort(new Error('no')))).rejects.toThrow('no');
});
