import { GENESIS, verifies } from '../event-hash.js';
import { VersionConflict, type AppendResult, type StoredEvent } from '../event-store.js';
import { followAndCompare } from './follow-and-compare.contract.js';
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

const WRITERS = 16;

/** Many writers at once: every acknowledged event stands in the log exactly once. */
export function concurrencyCases(log: Log, { gaplessPositions }: LogFactory): void {
  describe('many writers', () => {
    it('on one stream, without expectation: each event once, versions without gaps', async () => {
      const { store, reopen } = log();
      const handles = [store, await reopen()];
      const stream = newStream();
      const acknowledged: string[] = [];
      await Promise.all(
        Array.from({ length: WRITERS }, async (_, writer) => {
          for (let round = 0; round < 10; round += 1) {
            const written = events(1 + (round % 3));
            await handles[writer % 2]!.append(stream, written, { expected: 'any' });
            acknowledged.push(...idsOf(written));
          }
        }),
      );
      const stored = await store.readStream(stream);
      expect(versionsOf(stored)).toEqual(oneTo(acknowledged.length));
      expect(idsOf(stored).toSorted()).toEqual(acknowledged.toSorted());
      expectChain(stored);
    }, 60_000);

    it('on one stream, with the same expectation: one wins, the others hear the new version', async () => {
      const { store, reopen } = log();
      const handles = [store, await reopen()];
      const stream = newStream();
      for (let version = 0; version < 5; version += 1) {
        const attempts = Array.from({ length: WRITERS }, (_, writer) =>
          handles[writer % 2]!.append(stream, events(1), { expected: version }),
        );
        const outcomes = await Promise.allSettled(attempts);
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const outcome of outcomes) {
          if (outcome.status === 'fulfilled') continue;
          expect(outcome.reason).toBeInstanceOf(VersionConflict);
          expect(outcome.reason).toMatchObject({ expected: version, actual: version + 1 });
        }
      }
      expect(await store.readStream(stream)).toHaveLength(5);
    });

    it('on one stream, retrying after conflicts: all get in', async () => {
      const { store } = log();
      const stream = newStream();
      await Promise.all(
        Array.from({ length: WRITERS }, async () => {
          const mine = event();
          let expected = 0;
          for (;;) {
            const outcome = await store.append(stream, [mine], { expected }).catch((error: unknown) => error);
            if (!(outcome instanceof VersionConflict))
              return expect(outcome).toMatchObject({ repeated: false });
            expected = outcome.actual;
          }
        }),
      );
      expect(versionsOf(await store.readStream(stream))).toEqual(oneTo(WRITERS));
    }, 60_000);

    it.each([
      ['one handle', false],
      ['two handles', true],
    ])('of the same append at once, through %s: it is written once', async (_, two) => {
      const { store, reopen } = log();
      const other = two ? await reopen() : store;
      for (const expected of [0, 'any'] as const) {
        const stream = newStream();
        const written = events(3);
        const attempts = Array.from({ length: 8 }, (__, number) =>
          (number % 2 ? other : store).append(
            stream,
            written.map((one) => ({ ...one, metadata: { ...one.metadata, traceId: `attempt ${number}` } })),
            { expected },
          ),
        );
        const results: AppendResult[] = await Promise.all(attempts);
        expect(new Set(results.map(({ version, position }) => `${version} ${position}`)).size).toBe(1);
        expect(results.filter(({ repeated }) => !repeated).length).toBeLessThanOrEqual(1);
        await other.append(stream, events(1), { expected: 3 });
        await store.append(stream, events(1), { expected: 4 });
        const stored = await store.readStream(stream);
        expect(idsOf(stored.slice(0, 3))).toEqual(idsOf(written));
        expect(stored).toHaveLength(5);
        expectChain(stored);
      }
    });

    it('on many streams, while a reader follows: it sees every event once and in order', async () => {
      const { store, reopen } = log();
      const handles = [store, await reopen()];
      const reader = await reopen();
      const start = await store.head();
      const streams = Array.from({ length: WRITERS }, () => newStream());
      const report = await followAndCompare({
        writers: WRITERS,
        rounds: 25,
        start,
        append: async (writer, round) => {
          const written = events(1 + ((writer + round) % 3));
          await handles[writer % 2]!.append(streams[writer]!, written, { expected: 'any' });
          return idsOf(written);
        },
        read: (after) => reader.readAll({ after, limit: 100 }),
      });
      expect(report).toEqual({ acknowledged: report.acknowledged, lost: [], repeated: [], outOfOrder: [] });
      expect(report.acknowledged).toBeGreaterThan(WRITERS * 25);
      const all = await readToEnd(store, start);
      expect(all).toHaveLength(report.acknowledged);
      if (gaplessPositions) expect(all.at(-1)?.position).toBe(start + BigInt(all.length));
      for (const stream of streams) expectChain(all.filter((stored) => stored.stream === stream));
    }, 60_000);
  });
}

/** A whole stream from its first event on: versions without gaps, and every link of the hash chain holds. */
export function expectChain(stored: readonly StoredEvent[]): void {
  expect(versionsOf(stored)).toEqual(oneTo(stored.length));
  stored.forEach((one, index) => expect(verifies(one, stored[index - 1]?.hash ?? GENESIS)).toBe(true));
}
