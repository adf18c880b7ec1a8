import type { ApiPropertyOptions } from '@nestjs/swagger';
import { isUuid } from '#libs/kernel/ids.js';
import { parseInstant, parsePosition } from '#libs/kernel/position.js';
import { ANY_JSON, field, isText, lowerCase, must, type FieldOptions } from './field.js';

interface TextOptions extends FieldOptions {
  /** In UTF-16 code units, as JavaScript counts (default 1). */
  readonly min?: number;
  readonly max: number;
  readonly pattern?: RegExp;
}

/** A text in which every character is legal: NUL and lone surrogates too, because agents emit them. */
export function IsText(options: TextOptions): PropertyDecorator {
  const { min = 1, max, pattern } = options;
  const detail = `a text of ${min} to ${max} characters${pattern ? ` that matches ${pattern.source}` : ''}`;
  const check = (value: unknown): string | undefined =>
    must(
      isText(value) && value.length >= min && value.length <= max && (pattern?.test(value) ?? true),
      detail,
    );
  const schema = {
    type: 'string',
    minLength: min,
    maxLength: max,
    ...(pattern ? { pattern: pattern.source } : {}),
  };
  return field({ check, schema: schema as ApiPropertyOptions }, options);
}

// Control characters, lone surrogates, line and paragraph separators, and what reverses the direction of other text.
const NOT_IN_NAMES = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** One line for people: 1 to 200 characters (or `max`), not only spaces, no control characters. */
export function IsName(options: FieldOptions & { readonly max?: number }): PropertyDecorator {
  const max = options.max ?? 200;
  const check = (value: unknown): string | undefined =>
    must(
      isText(value) && value.trim() !== '' && value.length <= max && !NOT_IN_NAMES.test(value),
      `one line of 1 to ${max} characters without control characters`,
    );
  return field({ check, schema: { type: 'string', minLength: 1, maxLength: max } }, options);
}

/** A UUID; it arrives in lower case. */
export const IsId = (options: FieldOptions): PropertyDecorator =>
  field(
    {
      convert: lowerCase,
      check: (value) => must(isUuid(value), 'a UUID'),
      schema: { type: 'string', format: 'uuid' },
    },
    options,
  );

const orRaw =
  <T>(parse: (text: string) => T | undefined) =>
  (value: unknown): unknown =>
    isText(value) ? (parse(value) ?? value) : value;

/** An ISO 8601 date-time with a zone, years 0001 to 9999; it arrives as a Date. */
export const IsInstant = (options: FieldOptions): PropertyDecorator =>
  field(
    {
      convert: orRaw(parseInstant),
      check: (value) =>
        must(value instanceof Date, 'an ISO 8601 date-time with a zone, such as 2025-01-31T09:30:00Z'),
      schema: { type: 'string', format: 'date-time' },
    },
    options,
  );

/** A position of the log, as an answer gave it; it arrives as a bigint. */
export const IsPosition = (options: FieldOptions): PropertyDecorator =>
  field(
    {
      convert: orRaw(parsePosition),
      check: (value) => must(typeof value === 'bigint', 'a position that an answer gave'),
      schema: { type: 'string', pattern: '^[0-9]{1,19}$' },
    },
    options,
  );

/** true or false; in a query the words "true" and "false". */
export const IsFlag = (options: FieldOptions): PropertyDecorator =>
  field(
    {
      fromText: (text) => (text === 'true' ? true : text === 'false' ? false : text),
      check: (value) => must(typeof value === 'boolean', 'true or false'),
      schema: { type: 'boolean' },
    },
    options,
  );

interface RangeOptions extends FieldOptions {
  /** Inclusive. */
  readonly min: number;
  /** Inclusive. */
  readonly max: number;
}

/** A whole number in a range; in a query its decimal digits. */
export const IsWhole = (options: RangeOptions): PropertyDecorator =>
  field(
    {
      fromText: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text),
      check: (value) =>
        must(
          Number.isSafeInteger(value) && Number(value) >= options.min && Number(value) <= options.max,
          `a whole number from ${options.min} to ${options.max}`,
        ),
      schema: { type: 'integer', minimum: options.min, maximum: options.max },
    },
    options,
  );

/** A number in a range, for costs and durations; in a query in decimal notation. */
export const IsQuantity = (options: RangeOptions): PropertyDecorator =>
  field(
    {
      fromText: (text) => (/^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text),
      check: (value) =>
        must(
          typeof value === 'number' && value >= options.min && value <= options.max,
          `a number from ${options.min} to ${options.max}`,
        ),
      schema: { type: 'number', minimum: options.min, maximum: options.max },
    },
    options,
  );

/** One of a few words. */
export const IsOneOf = (values: readonly string[], options: FieldOptions): PropertyDecorator =>
  field(
    {
      check: (value) => must(isText(value) && values.includes(value), `one of ${values.join(', ')}`),
      schema: { type: 'string', enum: [...values] },
    },
    options,
  );

/**
 * Any JSON, untouched: what agents put into tool calls. It may have keys such as `__proto__` as data: copy it by spread
 * or Object.entries, never by Object.assign or `target[key] = …`.
 */
export const IsJson = (options: FieldOptions): PropertyDecorator =>
  field({ check: () => undefined, schema: ANY_JSON }, { nullable: true, ...options });
