import { AppendTooLarge, EventTooLarge, MAX_APPEND_BYTES, MAX_EVENT_BYTES } from '../event-store.js';
import { event, json, newStream, sameBytes, type Log } from './fixtures.contract.js';

/** JSON as agents write it: spacing, order, repeated keys and number forms are part of the bytes. */
const BODIES: readonly (readonly [string, Uint8Array])[] = [
  ['unicode', json({ text: 'žluťoučký 漢字 👩‍👩‍👧 \u202E עברית' })],
  ['an escaped NUL', Buffer.from('{"text":"a\\u0000b"}')],
  ['a raw NUL', Buffer.from('{"text":"a\0b"}')],
  ['escaped lone surrogates', Buffer.from('{"text":"\\ud800 \\udfff","\\ud83d":1}')],
  ['lone surrogates as bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0xed, 0xbf, 0xbf, 0x22])],
  ['every byte, which is no UTF-8', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
  ['no JSON', Buffer.from('\\x00 {not json \r\n\u2028')],
  ['unusual JSON', Buffer.from(' {"b": 1.0,\n"a":1e400, "b":12345678901234567890,"__proto__":{}}\n')],
  ['nothing', new Uint8Array()],
  ['a byte order mark', Buffer.from('\uFEFF{}')],
];

const NAMES = [
  'task-žluť',
  'task-漢字-👩‍👩‍👧',
  "task-o'brien; DROP TABLE events;--",
  'task-a b/c?d#e%20',
  `task-${'x'.repeat(200)}`,
];

/** Bodies stay byte for byte what they were, up to the limits. */
export function bodyCases(log: Log): void {
  describe('bodies and names', () => {
    it.each(BODIES)('keeps %s byte for byte', async (_, body) => {
      const { store } = log();
      const stream = newStream();
      const start = await store.head();
      await store.append(stream, [event({ body })], { expected: 0 });
      const [stored] = await store.readStream(stream);
      expect(sameBytes(stored!.body, body)).toBe(true);
      const [fromAll] = await store.readAll({ after: start, limit: 1 });
      expect(sameBytes(fromAll!.body, body)).toBe(true);
    });

    it('keeps the bytes that it was given, not the buffer', async () => {
      const { store } = log();
      const stream = newStream();
      const body = json({ text: 'as given' });
      const written = event({ body: Buffer.from(body) });
      await store.append(stream, [written], { expected: 0 });
      written.body.fill(0);
      const [stored] = await store.readStream(stream);
      expect(sameBytes(stored!.body, body)).toBe(true);
      stored!.body.fill(0);
      expect(sameBytes((await store.readStream(stream))[0]!.body, body)).toBe(true);
    });

    it.each(NAMES)('keeps the name %s apart from others', async (name) => {
      const { store } = log();
      const stream = newStream(name);
      const written = event({ type: 'Zpráva漢字Recorded' });
      await store.append(stream, [written], { expected: 0 });
      const [stored] = await store.readStream(stream);
      expect(stored).toMatchObject({ id: written.id, stream, type: written.type });
      expect(await store.readStream(`${stream} `)).toEqual([]);
      expect(await store.readStream(stream.toUpperCase())).toEqual([]);
    });

    it('keeps unicode in metadata', async () => {
      const { store } = log();
      const stream = newStream();
      const written = event();
      const actor = { kind: 'user', id: 'Žofie "Q" \\ 漢字 \u0000 \ud800' } as const;
      await store.append(stream, [{ ...written, metadata: { ...written.metadata, actor } }], { expected: 0 });
      expect((await store.readStream(stream))[0]?.metadata.actor).toEqual(actor);
    });

    it('holds a body of MAX_EVENT_BYTES', async () => {
      const { store } = log();
      const stream = newStream();
      const body = Buffer.alloc(MAX_EVENT_BYTES, 'makima ');
      await store.append(stream, [event({ body })], { expected: 0 });
      expect(sameBytes((await store.readStream(stream))[0]!.body, body)).toBe(true);
    });

    it('refuses a longer body and writes nothing of its append', async () => {
      const { store } = log();
      const stream = newStream();
      const large = event({ body: Buffer.alloc(MAX_EVENT_BYTES + 1, 'a') });
      const refused = store.append(stream, [event(), large], { expected: 0 });
      await expect(refused).rejects.toThrow(EventTooLarge);
      await expect(refused).rejects.toMatchObject({ eventId: large.id, bytes: MAX_EVENT_BYTES + 1 });
      expect(await store.readStream(stream)).toEqual([]);
      expect(await store.append(stream, [event()], { expected: 0 })).toMatchObject({ version: 1 });
    });

    it('refuses an append that is too long in total and writes nothing of it', async () => {
      const { store } = log();
      const stream = newStream();
      const half = (): ReturnType<typeof event> => event({ body: Buffer.alloc(MAX_APPEND_BYTES / 2, 'a') });
      const refused = store.append(stream, [half(), half()], { expected: 0 });
      await expect(refused).rejects.toThrow(AppendTooLarge);
      await expect(refused).rejects.toMatchObject({ stream });
      expect(await store.readStream(stream)).toEqual([]);
    });

    it('counts small events too, so that every engine takes what one takes', async () => {
      const { store } = log();
      const stream = newStream();
      const small = (count: number) => Array.from({ length: count }, () => event({ body: json(1) }));
      await expect(store.append(stream, small(2_000), { expected: 0 })).rejects.toThrow(AppendTooLarge);
      expect(await store.append(stream, small(1_000), { expected: 0 })).toMatchObject({ version: 1_000 });
    });
  });
}
