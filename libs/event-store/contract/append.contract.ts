import { EventIdConflict, VersionConflict } from '../event-store.js';
import {
  event,
  events,
  idsOf,
  json,
  newStream,
  oneTo,
  rejection,
  versionsOf,
  type Log,
} from './fixtures.contract.js';

/** Versions, conflicts and atomicity. */
export function appendCases(log: Log): void {
  describe('append', () => {
    it('counts the events of the stream as its version', async () => {
      const { store } = log();
      const stream = newStream();
      expect(await store.append(stream, events(3), { expected: 0 })).toMatchObject({
        version: 3,
        repeated: false,
      });
      expect(await store.append(stream, events(2), { expected: 3 })).toMatchObject({
        version: 5,
        repeated: false,
      });
      expect(versionsOf(await store.readStream(stream))).toEqual([1, 2, 3, 4, 5]);
    });

    it('answers the position of its last event', async () => {
      const { store } = log();
      const stream = newStream();
      const { position } = await store.append(stream, events(3), { expected: 0 });
      expect((await store.readStream(stream)).at(-1)?.position).toBe(position);
      expect(await store.head()).toBe(position);
    });

    it('refuses expected 0 on an existing stream, with the actual version', async () => {
      const { store } = log();
      const stream = newStream();
      await store.append(stream, events(2), { expected: 0 });
      const error = await rejection(store.append(stream, events(1), { expected: 0 }));
      expect(error).toBeInstanceOf(VersionConflict);
      expect(error).toMatchObject({ stream, expected: 0, actual: 2 });
    });

    it('refuses a stale version', async () => {
      const { store } = log();
      const stream = newStream();
      await store.append(stream, events(4), { expected: 0 });
      const error = await rejection(store.append(stream, events(1), { expected: 3 }));
      expect(error).toBeInstanceOf(VersionConflict);
      expect(error).toMatchObject({ expected: 3, actual: 4 });
      expect(await store.readStream(stream)).toHaveLength(4);
    });

    it('refuses a version that the stream has not reached', async () => {
      const { store } = log();
      const stream = newStream();
      const absent = await rejection(store.append(stream, events(1), { expected: 1 }));
      expect(absent).toBeInstanceOf(VersionConflict);
      expect(absent).toMatchObject({ expected: 1, actual: 0 });
      await store.append(stream, events(1), { expected: 0 });
      expect(await rejection(store.append(stream, events(1), { expected: 5 }))).toMatchObject({ actual: 1 });
      expect(await store.readStream(stream)).toHaveLength(1);
    });

    it('goes on after a conflict with the version that it answered', async () => {
      const { store } = log();
      const stream = newStream();
      await store.append(stream, events(2), { expected: 0 });
      const conflict = await rejection(store.append(stream, events(1), { expected: 1 }));
      if (!(conflict instanceof VersionConflict)) throw conflict;
      expect(await store.append(stream, events(1), { expected: conflict.actual })).toMatchObject({
        version: 3,
      });
    });

    it('notices an append made through another handle', async () => {
      const { store, reopen } = log();
      const stream = newStream();
      const other = await reopen();
      await store.append(stream, events(1), { expected: 0 });
      await other.append(stream, events(2), { expected: 1 });
      expect(await rejection(store.append(stream, events(1), { expected: 1 }))).toMatchObject({ actual: 3 });
      expect(await store.append(stream, events(1), { expected: 3 })).toMatchObject({ version: 4 });
      expect(await other.append(stream, events(1), { expected: 4 })).toMatchObject({ version: 5 });
    });

    it("takes 'any' on a new stream and on an existing one", async () => {
      const { store } = log();
      const stream = newStream();
      expect(await store.append(stream, events(2), { expected: 'any' })).toMatchObject({ version: 2 });
      expect(await store.append(stream, events(1), { expected: 'any' })).toMatchObject({ version: 3 });
    });

    it('writes 100 events at once, in order and next to each other', async () => {
      const { store } = log();
      const stream = newStream();
      const written = events(100);
      await store.append(stream, written, { expected: 0 });
      const stored = await store.readStream(stream);
      expect(idsOf(stored)).toEqual(idsOf(written));
      expect(versionsOf(stored)).toEqual(oneTo(100));
    });

    it('writes none of 100 events when one of them is refused', async () => {
      const { store } = log();
      const stream = newStream();
      const first = event();
      await store.append(stream, [first], { expected: 0 });
      const hundred = events(100);
      hundred[60] = event({ id: first.id, body: json('another') });
      await expect(store.append(stream, hundred, { expected: 1 })).rejects.toThrow(EventIdConflict);
      expect(idsOf(await store.readStream(stream))).toEqual([first.id]);
      await expect(store.append(stream, events(100), { expected: 0 })).rejects.toThrow(VersionConflict);
      expect(await store.readStream(stream)).toHaveLength(1);
    });

    it('keeps type, schema version and metadata', async () => {
      const { store } = log();
      const stream = newStream();
      const given = event({ type: 'CheckpointRecorded', schemaVersion: 12 });
      await store.append(stream, [given], { expected: 0 });
      const [stored] = await store.readStream(stream);
      expect(stored).toMatchObject({ id: given.id, stream, type: given.type, schemaVersion: 12, version: 1 });
      expect(stored?.metadata).toEqual(given.metadata);
      expect(JSON.parse(Buffer.from(stored!.metadataBytes).toString())).toEqual(given.metadata);
    });

    it('refuses what no caller may append', async () => {
      const { store } = log();
      const stream = newStream();
      const twice = event();
      const anywhere = { expected: 'any' } as const;
      await expect(store.append(stream, [], anywhere)).rejects.toThrow(RangeError);
      await expect(store.append(stream, [twice, twice], anywhere)).rejects.toThrow(RangeError);
      await expect(store.append(stream, [event({ id: 'x' })], anywhere)).rejects.toThrow(RangeError);
      await expect(store.append(stream, [event({ type: '$deleted' })], anywhere)).rejects.toThrow(RangeError);
      await expect(store.append('$settings', events(1), anywhere)).rejects.toThrow(RangeError);
      expect(await store.readStream(stream)).toEqual([]);
    });
  });
}
