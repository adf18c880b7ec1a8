import type { ApiPropertyOptions } from '@nestjs/swagger';
import { isUuid } from '#libs/kernel/ids.js';
import { field, isObject, isText, lowerCase, must, type DtoClass, type FieldOptions } from './field.js';

/** A list's items: how each is converted and checked. */
interface Items {
  readonly convert?: (value: unknown) => unknown;
  readonly holds: (value: unknown) => boolean;
  readonly detail: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

export interface ListOptions extends FieldOptions {
  readonly minItems?: number;
  readonly maxItems: number;
}

function list(items: Items, options: ListOptions): PropertyDecorator {
  const { minItems = 0, maxItems } = options;
  const convert = (value: unknown): unknown =>
    Array.isArray(value) && items.convert ? value.map((item: unknown) => items.convert?.(item)) : value;
  const check = (value: unknown): string | undefined =>
    must(
      Array.isArray(value) &&
        value.length >= minItems &&
        value.length <= maxItems &&
        value.every(items.holds),
      `a list of ${minItems} to ${maxItems} items, each ${items.detail}`,
    );
  const schema = { type: 'array', items: items.schema, minItems, maxItems } as ApiPropertyOptions;
  return field({ fromText: (text) => text.split(','), listed: true, convert, check, schema }, options);
}

/** Texts; in a query separated by commas, or the parameter repeated. */
export const IsTexts = ({
  pattern,
  ...options
}: ListOptions & { readonly max: number; readonly pattern?: RegExp }): PropertyDecorator =>
  list(
    {
      holds: (item) =>
        isText(item) && item.length >= 1 && item.length <= options.max && (pattern?.test(item) ?? true),
      detail: `a text of 1 to ${options.max} characters${pattern ? ` that matches ${pattern.source}` : ''}`,
      schema: {
        type: 'string',
        minLength: 1,
        maxLength: options.max,
        ...(pattern ? { pattern: pattern.source } : {}),
      },
    },
    options,
  );

/** UUIDs; in a query separated by commas, or the parameter repeated. They arrive in lower case. */
export const IsIds = (options: ListOptions): PropertyDecorator =>
  list(
    { convert: lowerCase, holds: isUuid, detail: 'a UUID', schema: { type: 'string', format: 'uuid' } },
    options,
  );

/** Some of a few words; in a query separated by commas, or the parameter repeated. */
export const IsSomeOf = (
  values: readonly string[],
  options: FieldOptions & Partial<ListOptions>,
): PropertyDecorator =>
  list(
    {
      holds: (item) => isText(item) && values.includes(item),
      detail: `one of ${values.join(', ')}`,
      schema: { type: 'string', enum: [...values] },
    },
    { ...options, maxItems: options.maxItems ?? values.length },
  );

/** An object with fields of its own. */
export const IsNested = (type: () => DtoClass, options: FieldOptions): PropertyDecorator =>
  field(
    {
      nested: type,
      check: (value) => must(isObject(value), 'an object'),
      // Swagger recognises a late type by the function's name, which comes from the property.
      schema: { type: () => type() },
    },
    options,
  );

/** A list of objects with fields of their own. */
export const IsNestedList = (type: () => DtoClass, options: ListOptions): PropertyDecorator => {
  const { minItems = 0, maxItems } = options;
  const check = (value: unknown): string | undefined =>
    must(
      Array.isArray(value) && value.length >= minItems && value.length <= maxItems && value.every(isObject),
      `a list of ${minItems} to ${maxItems} objects`,
    );
  return field(
    { nested: type, check, schema: { type: () => type(), isArray: true, minItems, maxItems } },
    options,
  );
};
