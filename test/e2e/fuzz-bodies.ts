import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { bodySchemaOf, type Operation } from './api-document.js';
import type { FuzzRequest, FuzzSource } from './fuzz-requests.js';
import { anyJson, mutated, mutation, nastyText, valueOf } from './fuzz-values.js';

// Bodies for the fuzz test: what a route asks for, what it does not, and bytes that are no body at all.

/** A body with the headers that describe it. */
export type Sent = Pick<FuzzRequest, 'body' | 'headers'>;
const JSON_TYPE = { 'content-type': 'application/json' };
const sent = (text: string | Buffer, more: Readonly<Record<string, string>> = JSON_TYPE): Sent => ({
  body: Buffer.from(text as string),
  headers: more,
});

/** A body as bytes that are no JSON, not all there, or not what the headers say. */
const broken: fc.Arbitrary<(json: string) => Sent> = fc.constantFrom<((json: string) => Sent)[]>(
  (json) => sent(json.slice(0, -1)),
  (json) => sent(`${json}${json}`),
  (json) => sent(`\ufeff${json}`),
  () => sent(''),
  () => sent('\0'),
  () => sent(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
  () => sent('{"__proto__":{"polluted":true},"name":"x"}'),
  () => sent('{"name":"a","name":"b"}'),
  () => sent(`${'['.repeat(5_000)}${']'.repeat(5_000)}`),
  () => sent('{"a":1e99999}'),
  () => sent('"\\ud800"'),
  (json) => sent(json, { 'content-type': 'text/plain' }),
  (json) => sent(json, { 'content-type': 'application/json; charset=utf-16' }),
  (json) => sent(json, { 'content-type': 'application/merge-patch+json' }),
  (json) => sent(json, { 'content-type': 'multipart/form-data; boundary=x' }),
  (json) => sent(json, {}),
  (json) => sent(json, { 'content-type': '/' }),
  (json) => sent(gzipSync(json), { ...JSON_TYPE, 'content-encoding': 'gzip' }),
  (json) => sent(gzipSync(json).subarray(0, -5), { ...JSON_TYPE, 'content-encoding': 'gzip' }),
  (json) => sent(json, { ...JSON_TYPE, 'content-encoding': 'gzip' }),
  (json) => sent(deflateSync(json), { ...JSON_TYPE, 'content-encoding': 'br' }),
  (json) => sent(json, { ...JSON_TYPE, 'content-encoding': 'zstd' }),
  (json) => sent(json, { ...JSON_TYPE, 'content-encoding': 'gzip, gzip' }),
);

/** Bodies for a route. */
export function bodyOf(source: FuzzSource, operation: Operation): fc.Arbitrary<Sent> {
  const none = fc.constant<Sent>({ body: null, headers: {} });
  if (!operation.body)
    return fc.oneof(
      { weight: 30, arbitrary: none },
      anyJson.map((value) => sent(JSON.stringify(value))),
    );
  const name = bodySchemaOf(operation);
  if (name === undefined) return uploadOf(source, operation);
  const schema = { $ref: `#/components/schemas/${name}` };
  const value = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...source.bodies(operation)) },
    { weight: 2, arbitrary: valueOf(source.document, schema, source.pool) },
  );
  const changed = fc
    .tuple(
      value,
      fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(mutation, { minLength: 1, maxLength: 2 })),
    )
    .map(([plain, changes]) => changes.reduce(mutated, plain));
  const fresh = fc
    .tuple(changed, fc.array(fc.uuid(), { minLength: 4, maxLength: 4 }))
    .map(([plain, ids]) => renamed(plain, ids));
  const json = fc
    .oneof({ weight: 20, arbitrary: fresh }, { weight: 1, arbitrary: anyJson })
    .map((plain) => JSON.stringify(plain) ?? 'null');
  return fc.oneof(
    { weight: 14, arbitrary: json.map((text) => sent(text)) },
    { weight: 2, arbitrary: fc.tuple(json, broken).map(([text, breaking]) => breaking(text)) },
    { weight: 1, arbitrary: none },
  );
}

/** The same items under ids of their own, most of the time: else they would all be repetitions. */
function renamed(plain: unknown, ids: readonly string[]): unknown {
  const { items } = (plain ?? {}) as { readonly items?: unknown };
  if (!Array.isArray(items) || ids[0]!.startsWith('0')) return plain;
  const own = items.map((item: unknown, index) =>
    typeof item === 'object' && item !== null && index < ids.length ? { ...item, id: ids[index] } : item,
  );
  return { ...(plain as object), items: own };
}

/** Transcripts, whole and in pieces; frames of several files that say something else than they hold. */
function uploadOf(source: FuzzSource, operation: Operation): fc.Arbitrary<Sent> {
  const [whole = ''] = source
    .bodies(operation)
    .map((body) => (body instanceof Uint8Array ? Buffer.from(body).toString('latin1') : String(body)));
  const bytes = { 'content-type': 'application/octet-stream' };
  const frames = { 'content-type': 'application/vnd.makima.files' };
  const piece = fc
    .tuple(fc.nat({ max: whole.length }), fc.nat({ max: whole.length }))
    .map(([a, b]) => whole.slice(Math.min(a, b), Math.max(a, b)));
  return fc.oneof(
    piece.map((text) => sent(text, bytes)),
    nastyText.map((text) => sent(text, bytes)),
    anyJson.map((value) => sent(`${JSON.stringify(value)}\n`.repeat(3), bytes)),
    fc
      .tuple(nastyText, fc.integer({ min: -1, max: 1_000 }), piece)
      .map(([name, size, text]) => sent(`${JSON.stringify({ name, bytes: size })}\n${text}`, frames)),
    anyJson.map((value) => sent(JSON.stringify(value), frames)),
    broken.map((breaking) => breaking(whole)),
    fc.constant(sent(gzipSync(whole).subarray(0, -9), { ...bytes, 'content-encoding': 'gzip' })),
  );
}
