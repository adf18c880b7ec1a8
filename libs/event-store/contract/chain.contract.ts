import { GENESIS, sha256, verifies } from '../event-hash.js';
import type { StoredEvent } from '../event-store.js';
import { expectChain } from './concurrency.contract.js';
import { event, events, json, newStream, sameBytes, type Log } from './fixtures.contract.js';

const flipped = (bytes: Uint8Array, at = 0): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at] = copy[at]! ^ 1;
  return copy;
};

/** One change to a stored event each; `verifies` must notice all of them. */
const TAMPERINGS: readonly (readonly [string, (stored: StoredEvent) => StoredEvent])[] = [
  ['body', (stored) => ({ ...stored, body: flipped(stored.body, 3) })],
  ['body and its hash', (stored) => ({ ...stored, body: json('x'), bodyHash: sha256(json('x')) })],
  ['metadata', (stored) => ({ ...stored, metadataBytes: flipped(stored.metadataBytes, 30) })],
  ['type', (stored) => ({ ...stored, type: `${stored.type}2` })],
  ['schema version', (stored) => ({ ...stored, schemaVersion: stored.schemaVersion + 1 })],
  ['id', (stored) => ({ ...stored, id: event().id })],
  ['stream', (stored) => ({ ...stored, stream: `${stored.stream}x` })],
  ['version', (stored) => ({ ...stored, version: stored.version + 1 })],
  ['hash', (stored) => ({ ...stored, hash: flipped(stored.hash, 31) })],
];

/** The hash chain of a stream. */
export function chainCases(log: Log): void {
  describe('hash chain', () => {
    it('begins with the first event and covers single and grouped appends', async () => {
      const { store } = log();
      const stream = newStream();
      let expected = 0;
      for (const size of [1, 3, 1, 10])
        ({ version: expected } = await store.append(stream, events(size), { expected }));
      const stored = await store.readStream(stream);
      expect(stored).toHaveLength(15);
      expectChain(stored);
      for (const one of stored) expect(sameBytes(one.bodyHash, sha256(one.body))).toBe(true);
    });

    it('goes on through another handle and after a refused append', async () => {
      const { store, reopen } = log();
      const stream = newStream();
      await store.append(stream, events(2), { expected: 0 });
      const other = await reopen();
      await other.append(stream, events(2), { expected: 2 });
      await expect(store.append(stream, events(1), { expected: 2 })).rejects.toThrow();
      await store.append(stream, events(1), { expected: 'any' });
      const repeated = events(1);
      await other.append(stream, repeated, { expected: 5 });
      await store.append(stream, repeated, { expected: 5 });
      await store.append(stream, events(1), { expected: 6 });
      expectChain(await other.readStream(stream));
    });

    it('is the same when it is read from the log', async () => {
      const { store } = log();
      const start = await store.head();
      const [one, other] = [newStream(), newStream()];
      for (let version = 0; version < 3; version += 1) {
        for (const stream of [one, other]) await store.append(stream, events(1), { expected: version });
      }
      const all = await store.readAll({ after: start, limit: 10 });
      for (const stream of [one, other]) expectChain(all.filter((stored) => stored.stream === stream));
    });

    it.each(TAMPERINGS)('does not verify after a change of the %s', async (_, tamper) => {
      const { store } = log();
      const stream = newStream();
      await store.append(stream, events(2), { expected: 0 });
      const [first, second] = await store.readStream(stream);
      expect(verifies(second!, first!.hash)).toBe(true);
      expect(verifies(tamper(second!), first!.hash)).toBe(false);
    });

    it('does not verify when an event is left out or two change places', async () => {
      const { store } = log();
      const stream = newStream();
      await store.append(stream, events(3), { expected: 0 });
      const [first, second, third] = await store.readStream(stream);
      expect(verifies(third!, first!.hash)).toBe(false);
      expect(verifies(second!, GENESIS)).toBe(false);
      expect(verifies({ ...third!, version: 2 }, first!.hash)).toBe(false);
    });
  });
}
