import { createHash, randomUUID } from 'node:crypto';
import { isBlobReference, lengthOf, type BlobReference, type LongList } from '#libs/kernel/blob-reference.js';
import { MemoryBlobStore } from './blob-store.js';
import { EventCodec, MAX_FIELD_BYTES } from './codec.js';
import { MAX_EVENT_BYTES } from './event-store.js';
import { hydrate } from './long-values.js';
import { MemoryEventStore } from './memory/memory-event-store.js';

const ownerId = randomUUID();
const other = randomUUID();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const looksLike = (hash: string) => ({ $blob: { sha256: hash, bytes: 5, preview: '"tex' } });

function world() {
  const blobs = new MemoryBlobStore();
  const store = new MemoryEventStore();
  const codec = new EventCodec(blobs, {}, { Noted: ['calls.*.input', 'files'] });
  const metadata = {
    actor: { kind: 'user', id: 'a' },
    ownerId,
    occurredAt: new Date(0).toISOString(),
  } as const;
  const append = async (body: Uint8Array) => {
    const stream = `note-${randomUUID()}`;
    const event = { id: randomUUID(), type: 'Noted', schemaVersion: 1, metadata, body };
    await store.append(stream, [event], { expected: 0 });
    const [stored] = await store.readStream(stream);
    return { stored: stored!, data: codec.decode(stored!).event.data };
  };
  return {
    blobs,
    /** What comes back of data, decoded and whole. */
    async kept(data: unknown) {
      const [event] = await codec.encode([{ event: { type: 'Noted', data }, id: randomUUID(), metadata }]);
      const { stored, data: decoded } = await append(event!.body);
      return { stored, decoded, whole: await hydrate(blobs, ownerId, decoded) };
    },
    /** The same of an event whose bytes were stored before data in a reference's form was told apart. */
    async formerly(data: unknown) {
      return hydrate(blobs, ownerId, (await append(Buffer.from(JSON.stringify(data)))).data);
    },
  };
}

describe('a value that is too long for its event', () => {
  const text = 'ü\0\ud800"'.repeat(MAX_FIELD_BYTES);
  const files = Array.from({ length: 20_000 }, (_, n) => ({ path: `src/${'x'.repeat(50)}/${n}.ts` }));

  it('is a text anywhere, and comes back whole', async () => {
    const data = { text, inside: [{ of: text }], short: 'a' };
    const { stored, decoded, whole } = await world().kept(data);
    expect(whole).toEqual(data);
    expect(stored.body.length).toBeLessThan(20_000);
    const reference = (decoded as { text: BlobReference }).text;
    expect(reference).toMatchObject({ bytes: Buffer.byteLength(text), preview: text.slice(0, 1_000) });
  });

  it('is a list or an object where its event says that it may be one, in one piece', async () => {
    const input = { numbers: Array.from({ length: 200_000 }, (_, n) => n), text };
    const data = { files, calls: [{ id: 'c', input }], note: 'n' };
    const { stored, decoded, whole } = await world().kept(data);
    expect(whole).toEqual(data);
    expect(stored.body.length).toBeLessThan(20_000);
    const { files: list } = decoded as { files: LongList<unknown> };
    expect(lengthOf(list)).toBe(files.length);
    expect((list as BlobReference).preview).toEqual(files.slice(0, 20));
  });

  it('stays in its event as long as it fits', async () => {
    const data = { files: files.slice(0, 1_000), text: 'x'.repeat(MAX_FIELD_BYTES) };
    const { stored } = await world().kept(data);
    expect(JSON.parse(Buffer.from(stored.body).toString())).toEqual(data);
  });

  it('is a shorter one, when too many stand in one event', async () => {
    const data = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`t${n}`, 'x'.repeat(5_000)]));
    const { stored, whole } = await world().kept(data);
    expect(whole).toEqual(data);
    expect(stored.body.length).toBeLessThan(MAX_EVENT_BYTES);
  });

  it('begins with whole characters in its preview', async () => {
    const { decoded } = await world().kept({ text: `x${'😀'.repeat(MAX_FIELD_BYTES)}` });
    expect((decoded as { text: BlobReference }).text.preview).toBe(`x${'😀'.repeat(499)}`);
  });
});

describe('data in the form of a reference', () => {
  const secret = JSON.stringify('a text of mine');
  const forms = [
    looksLike(sha256(secret)),
    { $blob: null },
    { $$blob: { $blob: looksLike(sha256(secret)) } },
    { $blob: 1, $$blob: 2, $$$blob: [looksLike('x')], blob: 3 },
    JSON.parse(`{"__proto__":${JSON.stringify(looksLike(sha256(secret)))}}`) as unknown,
  ];

  it.each(forms)('comes back as it was written: %j', async (form) => {
    const { blobs, kept } = world();
    await blobs.put(ownerId, [Buffer.from(secret)]);
    const { decoded, whole } = await kept({ input: form, form });
    expect(whole).toEqual({ input: form, form });
    expect(Object.values(decoded as object).some(isBlobReference)).toBe(false);
    expect(JSON.stringify(whole)).toBe(JSON.stringify({ input: form, form }));
  });

  it('does so beside real references, and inside of what they stand for', async () => {
    const input = { form: forms[2], numbers: Array.from({ length: 200_000 }, (_, n) => n) };
    const data = { calls: [{ input }, { input: forms[0] }], text: 'x'.repeat(2 * MAX_FIELD_BYTES) };
    expect((await world().kept(data)).whole).toEqual(data);
  });

  it('is not taken for a reference in older events either, which did not tell it apart', async () => {
    const { blobs, formerly } = world();
    await blobs.put(ownerId, [Buffer.from(secret), Buffer.from([0xff, 0xd8])]);
    await blobs.put(other, [Buffer.from('"theirs"')]);
    for (const hash of [sha256(secret), sha256('"theirs"'), 'f'.repeat(64)])
      expect(await formerly({ input: looksLike(hash) })).toEqual({ input: looksLike(hash) });
  });
});

describe('an older event', () => {
  it('gives the text that it refers to', async () => {
    const { blobs, formerly } = world();
    const text = 'é'.repeat(200_000);
    const [hash] = await blobs.put(ownerId, [Buffer.from(JSON.stringify(text))]);
    const reference = { $blob: { sha256: hash, bytes: 400_000, preview: text.slice(0, 1_000) } };
    expect(await formerly({ text: reference })).toEqual({ text });
  });
});
