import type { StoredEvent } from '../event-store.js';
import {
  event,
  events,
  idsOf,
  newStream,
  oneTo,
  readToEnd,
  versionsOf,
  type Log,
  type LogFactory,
} from './fixtures.contract.js';

const LONG = 5_000;
const IN_ONE_APPEND = 500;

/** Reading one stream, and the log as a whole. */
export function readingCases(log: Log, { gaplessPositions }: LogFactory): void {
  describe('reading a stream', () => {
    it('that is unknown answers nothing', async () => {
      const { store } = log();
      const stream = newStream();
      expect(await store.readStream(stream)).toEqual([]);
      expect(await store.readStream(stream, { after: 3, limit: 5 })).toEqual([]);
      expect(await store.findEvents(stream, idsOf(events(2)))).toEqual([]);
    });

    it.each([
      [{ after: 0 }, oneTo(10)],
      [{ after: 7 }, [8, 9, 10]],
      [{ after: 10 }, []],
      [{ after: 99 }, []],
      [{ limit: 3 }, [1, 2, 3]],
      [{ limit: 30 }, oneTo(10)],
      [{ upTo: 4 }, [1, 2, 3, 4]],
      [{ after: 2, upTo: 4 }, [3, 4]],
      [{ after: 4, upTo: 4 }, []],
      [{ after: 2, upTo: 8, limit: 3 }, [3, 4, 5]],
      [{ after: 2, upTo: 4, limit: 30 }, [3, 4]],
      [{ upTo: 99 }, oneTo(10)],
    ])('with %j answers %j', async (options, versions) => {
      const { store } = log();
      const stream = newStream();
      await store.append(stream, events(10), { expected: 0 });
      expect(versionsOf(await store.readStream(stream, options))).toEqual(versions);
    });

    it('sees an append as soon as it is acknowledged, also through another handle', async () => {
      const { store, reopen } = log();
      const other = await reopen();
      const stream = newStream();
      for (const version of oneTo(10)) {
        const { position } = await store.append(stream, events(1), { expected: version - 1 });
        expect(await other.readStream(stream)).toHaveLength(version);
        expect(await other.head()).toBe(position);
      }
    });

    it('finds events by id, in order, and only its own', async () => {
      const { store } = log();
      const [stream, elsewhere] = [newStream(), newStream()];
      const [written, foreign] = [events(20), events(1)];
      await store.append(stream, written, { expected: 0 });
      await store.append(elsewhere, foreign, { expected: 0 });
      const wanted = [written[17]!, event(), written[3]!, foreign[0]!, written[4]!];
      const found = await store.findEvents(stream, idsOf(wanted));
      expect(versionsOf(found)).toEqual([4, 5, 18]);
      expect(idsOf(found)).toEqual([written[3]!.id, written[4]!.id, written[17]!.id]);
      expect(await store.findEvents(stream, [])).toEqual([]);
    });

    it(`of ${LONG} events goes in pages, from the middle and as a whole`, async () => {
      const { store } = log();
      const stream = newStream();
      const written = events(LONG);
      for (let at = 0; at < LONG; at += IN_ONE_APPEND) {
        await store.append(stream, written.slice(at, at + IN_ONE_APPEND), { expected: at });
      }
      expect(idsOf(await store.readStream(stream))).toEqual(idsOf(written));
      const pages: StoredEvent[] = [];
      for (;;) {
        const page = await store.readStream(stream, { after: pages.length, limit: 700 });
        if (page.length === 0) break;
        pages.push(...page);
      }
      expect(idsOf(pages)).toEqual(idsOf(written));
      expect(versionsOf(pages)).toEqual(oneTo(LONG));
      const part = await store.readStream(stream, { after: 2_500, upTo: 2_510 });
      expect(idsOf(part)).toEqual(idsOf(written.slice(2_500, 2_510)));
      expect(await store.append(stream, events(1), { expected: LONG })).toMatchObject({ version: LONG + 1 });
    }, 60_000);
  });

  describe('reading the log', () => {
    it('goes in order of position over all streams, without gap or repetition, in pages of any size', async () => {
      const { store } = log();
      const start = await store.head();
      const written: string[] = [];
      for (const size of [3, 1, 5, 2, 7]) {
        const some = events(size);
        await store.append(newStream(), some, { expected: 0 });
        written.push(...idsOf(some));
      }
      for (const limit of [1, 2, 7, 18, 1_000]) {
        const all = await readToEnd(store, start, limit);
        expect(idsOf(all)).toEqual(written);
        all.slice(1).forEach((stored, index) => expect(stored.position > all[index]!.position).toBe(true));
      }
    });

    it('stops at a point, inclusive', async () => {
      const { store } = log();
      const start = await store.head();
      const written = events(6);
      for (const one of written) await store.append(newStream(), [one], { expected: 0 });
      const all = await store.readAll({ after: start, limit: 100 });
      const point = all[3]!.position;
      expect(idsOf(await store.readAll({ after: start, upTo: point, limit: 100 }))).toEqual(
        idsOf(written.slice(0, 4)),
      );
      expect(idsOf(await store.readAll({ after: all[1]!.position, upTo: point, limit: 100 }))).toEqual(
        idsOf(written.slice(2, 4)),
      );
      expect(await store.readAll({ after: point, upTo: point, limit: 100 })).toEqual([]);
      const [first] = await store.readAll({ after: start, upTo: point, limit: 1 });
      expect(first?.id).toBe(written[0]!.id);
    });

    it('answers nothing after the head', async () => {
      const { store } = log();
      await store.append(newStream(), events(2), { expected: 0 });
      expect(await store.readAll({ after: await store.head(), limit: 10 })).toEqual([]);
      expect(await store.readAll({ after: await store.head(), limit: 10 })).toEqual([]);
    });

    it('answers the same event as its stream does', async () => {
      const { store } = log();
      const stream = newStream();
      const start = await store.head();
      await store.append(stream, events(3), { expected: 0 });
      expect(await store.readAll({ after: start, limit: 10 })).toEqual(await store.readStream(stream));
    });

    it(gaplessPositions ? 'has positions without gaps' : 'has positions that grow', async () => {
      const { store } = log();
      const start = await store.head();
      const refused = newStream();
      for (const size of [1, 4, 2]) {
        await store.append(newStream(), events(size), { expected: 0 });
        await store.append(refused, events(1), { expected: 9 }).catch(() => undefined);
      }
      const positions = (await readToEnd(store, start)).map(({ position }) => position);
      const steps = positions.map((position, index) => position - (positions[index - 1] ?? start));
      expect(steps).toHaveLength(7);
      for (const step of steps) {
        if (gaplessPositions) expect(step).toBe(1n);
        else expect(step > 0n).toBe(true);
      }
    });

    it('shows times that never go back', async () => {
      const { store } = log();
      const start = await store.head();
      const earliest = Date.now() - 5_000;
      for (let round = 0; round < 20; round += 1) await store.append(newStream(), events(2), { expected: 0 });
      const times = (await readToEnd(store, start)).map(({ recordedAt }) => recordedAt.getTime());
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      expect(times[0]).toBeGreaterThan(earliest);
    });
  });
}

/** Finding a position by time. */
export function timeCases(log: Log): void {
  describe('positionAt', () => {
    it('answers the last event recorded at or before a time', async () => {
      const { store } = log();
      const stream = newStream();
      for (let version = 0; version < 4; version += 1) {
        await store.append(stream, events(1), { expected: version });
        await tick();
      }
      const stored = await store.readStream(stream);
      for (const { recordedAt, position } of stored)
        expect(await store.positionAt(recordedAt)).toBe(position);
      const between = new Date(stored[2]!.recordedAt.getTime() - 1);
      expect(await store.positionAt(between)).toBe(stored[1]!.position);
      expect(await store.positionAt(new Date(Date.now() + 60_000))).toBe(await store.head());
    });

    it('answers 0 before the first event', async () => {
      const { store } = log();
      await store.append(newStream(), events(1), { expected: 0 });
      expect(await store.positionAt(new Date(0))).toBe(0n);
    });
  });
}

/** Until the clock shows another time, by more than the resolution of any engine's times. */
async function tick(): Promise<void> {
  const start = Date.now();
  while (Date.now() < start + 5) await new Promise((resolve) => setTimeout(resolve, 1));
}
