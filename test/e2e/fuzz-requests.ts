import fc from 'fast-check';
import { parametersIn, type ApiDocument, type Operation } from './api-document.js';
import { bodyOf } from './fuzz-bodies.js';
import { nastyText, valueOf, type Pool } from './fuzz-values.js';

// Requests for the fuzz test: a route, and each of its parts near to what the document asks for or far from it.

/** Ready to be sent. */
export interface FuzzRequest {
  readonly operation: Operation;
  /** Of a caller of the target. */
  readonly caller: string;
  readonly method: string;
  /** As it stands in the request line. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

/** What requests are made of. */
export interface FuzzSource {
  readonly document: ApiDocument;
  readonly operations: readonly Operation[];
  /** Who asks, by the route; those named more often ask more often. */
  readonly callers: (operation: Operation) => readonly string[];
  readonly pool: Pool;
  /** Id of the owner whose ids are in the pool. */
  readonly owner: string;
  /** Cursors that lists have answered. */
  readonly cursors: readonly string[];
  /** Values of path parameters that are there. */
  readonly path: (operation: Operation, name: string) => string;
  /** Bodies that succeed. */
  readonly bodies: (operation: Operation) => readonly unknown[];
  /** How often a route is chosen (default 10). */
  readonly weight: (operation: Operation) => number;
}

const ASCII = /[^\x21-\x7e]/g;
const oneLine = (text: string): string => text.replaceAll(ASCII, '') || '-';

const RAW_SEGMENTS = [
  '..',
  '%2e%2e%2f%2e%2e',
  '..%5c..',
  '%00',
  '%ff',
  '%',
  '%zz',
  '__proto__',
  'a'.repeat(3_000),
  ';a=b',
  '*',
  '%F0%9F%98%80',
];

function segment(source: FuzzSource, operation: Operation, name: string): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 20, arbitrary: fc.constant(encodeURIComponent(source.path(operation, name))) },
    { weight: 2, arbitrary: fc.constantFrom(...source.pool.ids) },
    { weight: 2, arbitrary: nastyText.map((text) => encodeURIComponent(text.toWellFormed()) || '-') },
    { weight: 1, arbitrary: fc.constantFrom(...RAW_SEGMENTS) },
  );
}

function pathOf(source: FuzzSource, operation: Operation): fc.Arbitrary<string> {
  const names = parametersIn(operation, 'path').map(({ name }) => name);
  const values = fc.record(Object.fromEntries(names.map((name) => [name, segment(source, operation, name)])));
  const tail = fc.oneof(
    { weight: 60, arbitrary: fc.constant('') },
    fc.constantFrom('/', '//', '/../..', '/more', '%20', ';x'),
  );
  return fc
    .tuple(values, tail)
    .map(
      ([filled, end]) =>
        operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(filled[name])) + end,
    );
}

/** Cursors of other lists, of the same list, with a character changed, and made up. */
const cursorOf = ({ cursors }: FuzzSource): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom('', ...cursors), fc.nat({ max: 60 }), fc.boolean())
    .map(([cursor, at, kept]) => (kept ? cursor : `${cursor.slice(0, at)}A${cursor.slice(at + 1)}`));

const POSITIONS = ['0', '1', '7', '20', '60', '100'];
const MOMENTS = [
  '2026-01-05T10:06:00Z',
  '2100-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '2026-01-05T10:08:00+00:00',
];

/** Values that say something, for parameters whose schema does not say which do. */
function likely(source: FuzzSource, name: string): fc.Arbitrary<unknown> | undefined {
  switch (name) {
    case 'cursor':
      return cursorOf(source);
    case 'minPosition':
    case 'after':
      return fc.constantFrom(...POSITIONS);
    case 'asOf':
      return fc.constantFrom(...POSITIONS, ...MOMENTS);
    case 'event_types':
      return fc.subarray(['chat', 'checkpoint', 'task_created', 'output', 'file_change', 'status_change'], {
        minLength: 1,
      });
    case 'text':
      return fc.constantFrom('said', 'marked', '%', '_', '\\', 'long long', '.ts');
    default:
      return undefined;
  }
}

function queryOf(source: FuzzSource, operation: Operation): fc.Arbitrary<string> {
  const parameters = parametersIn(operation, 'query');
  const pairs = parameters.map(({ name, schema }) =>
    fc
      .oneof(
        { weight: 14, arbitrary: likely(source, name) ?? valueOf(source.document, schema, source.pool) },
        { weight: 1, arbitrary: valueOf(source.document, schema, source.pool) },
        { weight: 1, arbitrary: nastyText },
      )
      .map((value) => [name, Array.isArray(value) ? value.join() : String(value)] as const),
  );
  const unknown = fc.constantFrom(
    ['unknown', '1'],
    ['__proto__', '1'],
    ['minPosition', '0'],
    ['minPosition', '99999999'],
    ['asOf', 'now'],
    ['', ''],
    ['limit[]', '1'],
    ['cursor', 'x'.repeat(9_000)],
    ['text', 'y'.repeat(20_000)],
  ) as fc.Arbitrary<readonly [string, string]>;
  const some = pairs.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...pairs), { maxLength: 3 });
  const extra = fc.oneof(
    { weight: 25, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: unknown.map((pair) => [pair]) },
  );
  return fc.tuple(some, extra).map(([known, more]) => {
    const search = [...known, ...more].map(
      ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`,
    );
    return search.length === 0 ? '' : `?${search.join('&')}`;
  });
}

/** Headers that mean something here, with values that are right, stale, forged and broken. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  'if-match': [
    '*',
    '"cv-1"',
    '"cv-3"',
    '"cv-99999999999999999999"',
    'W/"cv-1"',
    'cv-1',
    '"',
    '"cv--1"',
    '"a","b"',
  ],
  'if-none-match': ['*', '"cv-1"', '"x"', 'W/'],
  'idempotency-key': ['k-1', 'k-2', 'k-3', 'k'.repeat(255), 'k'.repeat(256), 'with space', '"'],
  traceparent: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '00-0-0-00', 'ff-x', '\t', '00'],
  'x-makima-owner': ['00000000-0000-7000-8000-000000000000', '__proto__', "' OR 1=1", 'x'.repeat(500)],
  'x-makima-lease': ['1', '0', '-1', '1e3', '9'.repeat(30), ''],
  'x-makima-daemon': ['00000000-0000-7000-8000-000000000000', '__proto__', 'x'],
  'last-event-id': ['0', '1', '-1', 'abc', '9'.repeat(30), '9223372036854775807'],
  accept: ['application/x-ndjson', 'text/html', '*/*;q=0', 'a'.repeat(2_000)],
  'accept-encoding': ['gzip', 'identity;q=0'],
  range: ['bytes=0-1', 'bytes=5-1'],
  origin: ['https://evil.example'],
  'x-http-method-override': ['DELETE'],
  'x-forwarded-for': ['127.0.0.1'],
};

function headersOf({ owner }: FuzzSource): fc.Arbitrary<Readonly<Record<string, string>>> {
  const values = { ...HEADERS, 'x-makima-owner': [...HEADERS['x-makima-owner']!, owner, owner, owner] };
  return fc
    .oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      {
        weight: 3,
        arbitrary: fc.array(
          fc
            .constantFrom(...Object.keys(values))
            .chain((name) =>
              fc.constantFrom(...values[name as keyof typeof values]).map((value) => [name, value] as const),
            ),
          { minLength: 1, maxLength: 3 },
        ),
      },
    )
    .map((pairs) => Object.fromEntries(pairs.map(([name, value]) => [name, oneLine(value)])));
}

/** Requests of a route that nothing has checked. */
function requestOf(source: FuzzSource, operation: Operation): fc.Arbitrary<FuzzRequest> {
  const method = fc.oneof(
    { weight: 60, arbitrary: fc.constant(operation.method) },
    fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'),
  );
  return fc
    .tuple(
      fc.constantFrom(...source.callers(operation)),
      method,
      pathOf(source, operation),
      queryOf(source, operation),
      headersOf(source),
      bodyOf(source, operation),
    )
    .map(([caller, verb, path, query, extra, { body, headers: own }]) => ({
      operation,
      caller,
      method: verb,
      url: path + query,
      headers: { ...own, ...extra },
      body,
    }));
}

/** Requests of all routes. */
export const requestsOf = (source: FuzzSource): fc.Arbitrary<FuzzRequest> =>
  fc.oneof(
    ...source.operations.map((operation) => ({
      weight: source.weight(operation),
      arbitrary: requestOf(source, operation),
    })),
  );
