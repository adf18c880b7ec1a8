import fc from 'fast-check';
import { deref, type ApiDocument, type Schema } from './api-document.js';

// Values for the fuzz test: mostly of the kind that a schema asks for, sometimes what nobody asked for.

const LONG = 300_000;

/** Texts that have broken something somewhere. */
const NASTY = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\ue000',
  '\ue0000000',
  '\u202edlrow',
  '\ufeff',
  '\r\n\t',
  '%00',
  '%',
  "'; DROP TABLE events; --",
  '\\',
  '${7*7}',
  '../../../etc/passwd',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '0',
  '-1',
  '1e999',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '{0190a0b0-1c2d-7e3f-8a4b-5c6d7e8f9a0b}',
  '9223372036854775807',
  '9223372036854775808',
  '2025-02-30T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999+23:59',
  '😀'.repeat(50),
  'é'.normalize('NFD'),
  '\u001b]0;title\u0007\u001b[2J',
] as const;

export const nastyText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
);

/** An object with a key that assigning would swallow. */
const withKey = (key: string, value: unknown): unknown =>
  Object.defineProperty({}, key, { value, enumerable: true, configurable: true, writable: true });

const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};

/** JSON that fits nowhere. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 4, arbitrary: nastyText },
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      0,
      -1,
      1.5,
      1e308,
      Number.MAX_SAFE_INTEGER,
      2 ** 31,
      [],
      {},
      [[]],
      [null],
      withKey('__proto__', { admin: true }),
      withKey('constructor', { prototype: { polluted: 1 } }),
      withKey('$blob', { sha256: 'a'.repeat(64), bytes: 1, preview: 'x' }),
      withKey('$blob', null),
      withKey('\0', '\ud800'),
      deep(50),
      deep(198),
      deep(300),
    ),
  },
);

/** Longer than what stands in an event; as many bytes as characters, and three times as many. */
const giant = fc.constantFrom('x'.repeat(LONG), '€'.repeat(LONG / 3));

/** Ids that are there, by which a request gets further than the first check. */
export interface Pool {
  readonly ids: readonly string[];
  readonly commits: readonly string[];
}

function textOf(schema: Schema, pool: Pool): fc.Arbitrary<unknown> {
  const { format, pattern, minLength = 0, maxLength = 1_000, enum: words } = schema;
  if (words) return fc.constantFrom(...words);
  if (format === 'uuid') {
    const known = fc.constantFrom(...pool.ids);
    return fc.oneof(
      { weight: 6, arbitrary: known },
      known.map((id) => id.toUpperCase()),
      fc.uuid(),
    );
  }
  if (format === 'date-time') {
    return fc.oneof(
      fc
        .date({ min: new Date('2025-01-01'), max: new Date('2027-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString()),
      fc.constantFrom(
        '0001-01-01T00:00:00Z',
        '9999-12-31T23:59:59Z',
        '2024-02-29T12:00:00+01:00',
        '1969-12-31T23:59:59.9Z',
      ),
    );
  }
  if (pattern?.includes('{40}')) return fc.constantFrom(...pool.commits, 'b'.repeat(40), 'c'.repeat(64));
  // Names of branches: texts for a pattern that looks ahead cannot be made of it.
  if (pattern?.includes('(?'))
    return fc.constantFrom('main', 'a/b-c', `x${'y'.repeat(199)}`, 'a..b', '-x', 'a.lock');
  if (pattern) return fc.stringMatching(new RegExp(pattern)).filter((text) => text.length <= maxLength);
  const short = fc.string({ minLength: Math.min(minLength, 5), maxLength: Math.min(maxLength, 12) });
  const usual = fc.oneof({ weight: 3, arbitrary: short }, nastyText, fc.constantFrom(...pool.ids));
  const longest = Math.min(maxLength, LONG);
  const bounds = fc.constantFrom(
    'x'.repeat(longest),
    '€'.repeat(longest),
    'y'.repeat(Math.min(maxLength + 1, LONG)),
  );
  return fc.oneof({ weight: 60, arbitrary: usual }, { weight: 1, arbitrary: bounds });
}

function numberOf({ type, minimum = -1_000, maximum = 1_000_000 }: Schema): fc.Arbitrary<unknown> {
  const small = Math.min(maximum, minimum + 50);
  const bounds = fc.constantFrom(minimum, maximum, small);
  if (type !== 'integer') return fc.oneof(fc.double({ min: minimum, max: maximum, noNaN: true }), bounds);
  return fc.oneof(fc.integer({ min: minimum, max: small }), bounds);
}

/** Values that a schema describes. */
export function valueOf(document: ApiDocument, schema: Schema, pool: Pool, depth = 0): fc.Arbitrary<unknown> {
  const known = deref(document, schema);
  const parts = [...(known.allOf ?? []), ...(known.anyOf ?? []), ...(known.oneOf ?? [])];
  if (parts.length > 0) return fc.oneof(...parts.map((part) => valueOf(document, part, pool, depth)));
  const type = Array.isArray(known.type) ? (known.type as readonly string[])[0] : known.type;
  switch (type) {
    case 'string':
      return textOf(known, pool);
    case 'integer':
    case 'number':
      return numberOf({ ...known, type });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valueOf(document, known.items ?? {}, pool, depth + 1), {
        minLength: Math.min(known.minItems ?? 0, 1),
        maxLength: depth > 1 ? 2 : 4,
      });
    case 'object':
      return objectOf(document, known, pool, depth);
    default:
      return anyJson;
  }
}

function objectOf(
  document: ApiDocument,
  { properties = {}, required = [] }: Schema,
  pool: Pool,
  depth: number,
): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [name, valueOf(document, field, pool, depth + 1)]),
  );
  return fc.record(fields, { requiredKeys: [...required] });
}

/** One change to a body, somewhere in it. */
export interface Mutation {
  /** Chooses the place. */
  readonly at: number;
  readonly kind: 'replace' | 'remove' | 'add';
  readonly key: string;
  readonly value: unknown;
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat({ max: 1_000 }),
  kind: fc.constantFrom('replace', 'remove', 'add'),
  key: fc.constantFrom('__proto__', 'constructor', 'prototype', 'extra', 'dryRun', 'id', 'ownerId', '0', ''),
  value: fc.oneof({ weight: 9, arbitrary: anyJson }, { weight: 1, arbitrary: giant }),
});

/** A copy of a JSON value with one change. */
export function mutated(value: unknown, { at, kind, key, value: other }: Mutation): unknown {
  let left = at % Math.max(1, countOf(value));
  const visit = (node: unknown): unknown => {
    left -= 1;
    if (left === -1 && kind === 'replace') return other;
    if (typeof node !== 'object' || node === null) return node;
    const here = left === -1;
    if (Array.isArray(node)) {
      const items = node.map(visit);
      return here && kind === 'add' ? [...items, other] : here ? items.slice(1) : items;
    }
    const entries = Object.entries(node).map(([name, inner]) => [name, visit(inner)] as const);
    if (here && kind === 'add') entries.push([key, other]);
    return Object.fromEntries(here && kind === 'remove' ? entries.slice(1) : entries);
  };
  return visit(value);
}

const countOf = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? Object.values(value).reduce((sum: number, inner) => sum + countOf(inner), 1)
    : 1;
