import { EventIdConflict } from '../event-store.js';
import { event, events, idsOf, json, newStream, rejection, type Log } from './fixtures.contract.js';

/** Retrying an append: an event id is unique in its stream. */
export function repetitionCases(log: Log): void {
  describe('repetition', () => {
    it('answers the original position and version and writes nothing', async () => {
      const { store } = log();
      const stream = newStream();
      const written = events(3);
      const first = await store.append(stream, written, { expected: 0 });
      expect(await store.append(stream, written, { expected: 0 })).toEqual({ ...first, repeated: true });
      expect(await store.readStream(stream)).toHaveLength(3);
    });

    it('is recognised after other appends to the stream', async () => {
      const { store } = log();
      const stream = newStream();
      await store.append(stream, events(2), { expected: 0 });
      const written = events(2);
      const first = await store.append(stream, written, { expected: 2 });
      await store.append(stream, events(30), { expected: 4 });
      expect(await store.append(stream, written, { expected: 2 })).toEqual({ ...first, repeated: true });
    });

    it('is recognised through another handle', async () => {
      const { store, reopen } = log();
      const stream = newStream();
      const written = events(2);
      const first = await store.append(stream, written, { expected: 0 });
      const other = await reopen();
      expect(await other.append(stream, written, { expected: 0 })).toEqual({ ...first, repeated: true });
    });

    it.each([
      ['the present version', 12],
      ['a version of long ago', 1],
      ['no version', 'any'],
    ] as const)('is recognised with %s', async (_, expected) => {
      const { store } = log();
      const stream = newStream();
      await store.append(stream, events(5), { expected: 0 });
      const written = events(2);
      const first = await store.append(stream, written, { expected: 5 });
      await store.append(stream, events(5), { expected: 7 });
      expect(await store.append(stream, written, { expected })).toEqual({ ...first, repeated: true });
      expect(await store.readStream(stream)).toHaveLength(12);
    });

    it('is recognised through another handle at the present version', async () => {
      const { store, reopen } = log();
      const stream = newStream();
      const written = events(2);
      const first = await store.append(stream, written, { expected: 0 });
      await store.append(stream, events(3), { expected: 2 });
      const other = await reopen();
      expect(await other.append(stream, written, { expected: 5 })).toEqual({ ...first, repeated: true });
      expect(await store.readStream(stream)).toHaveLength(5);
    });

    it('is recognised whatever its metadata says, and leaves the stored event as it was', async () => {
      const { store } = log();
      const stream = newStream();
      const written = event();
      await store.append(stream, [written], { expected: 0 });
      const later = event({ ...written, metadata: { ...written.metadata, traceId: 'another' } });
      expect(await store.append(stream, [later], { expected: 0 })).toMatchObject({
        version: 1,
        repeated: true,
      });
      expect((await store.readStream(stream))[0]?.metadata).toEqual(written.metadata);
    });

    it('with another body is refused, naming the id', async () => {
      const { store } = log();
      const stream = newStream();
      const written = event();
      await store.append(stream, [written], { expected: 0 });
      for (const expected of [0, 1, 'any'] as const) {
        const other = event({ id: written.id, body: json({ text: 'something else' }) });
        const error = await rejection(store.append(stream, [other], { expected }));
        expect(error).toBeInstanceOf(EventIdConflict);
        expect(error).toMatchObject({ stream, ids: [written.id] });
      }
      expect(await store.readStream(stream)).toHaveLength(1);
    });

    it('of a part is refused, naming the ids that the stream holds', async () => {
      const { store } = log();
      const stream = newStream();
      const [one, two, three] = [event(), event(), event()];
      await store.append(stream, [one, two], { expected: 0 });
      for (const expected of [0, 1, 2, 'any'] as const) {
        const error = await rejection(store.append(stream, [two, three], { expected }));
        expect(error).toBeInstanceOf(EventIdConflict);
        expect(error).toMatchObject({ ids: [two.id] });
      }
      expect(idsOf(await store.readStream(stream))).toEqual([one.id, two.id]);
    });

    it('is a matter of one stream: the same id in another stream is another event', async () => {
      const { store } = log();
      const written = event();
      const [one, other] = [newStream(), newStream()];
      await store.append(one, [written], { expected: 0 });
      const second = await store.append(other, [written], { expected: 0 });
      expect(second).toMatchObject({ version: 1, repeated: false });
      expect(idsOf(await store.readStream(other))).toEqual([written.id]);
    });
  });
}
