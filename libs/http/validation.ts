import { Injectable, Param, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { ApiParam, type OpenAPIObject } from '@nestjs/swagger';
import { validateSync, type ValidationError } from 'class-validator';
import { isUuid } from '#libs/kernel/ids.js';
import { invalid, invalidField, type FieldError } from '#libs/kernel/problem.js';
import { isObject, readingOf, type DtoClass, type FieldReading } from './field.js';

/** Query parameters that the RequestContext reads; DTOs don't declare them. */
export const SHARED_PARAMETERS: readonly string[] = ['minPosition', 'asOf'];
const MOST_ERRORS = 50;
const BUILT_IN: readonly unknown[] = [String, Number, Boolean, Array, Object, Buffer];

const unknownField = (field: string): FieldError => ({
  field,
  code: 'UNKNOWN_FIELD',
  detail: 'is not known here',
});
/** A name as errors say it: an empty one too can be seen. */
export const nameOf = (key: string): string => (key === '' ? '""' : key);
const child = (path: string, key: string): string =>
  /^\d+$/.test(key) ? `${path}[${key}]` : path === '' ? nameOf(key) : `${path}.${nameOf(key)}`;

/**
 * Turns plain objects into DTOs. Only declared fields are read; an undeclared one stays on the instance for the
 * validation to name. Names that every object has (`__proto__`, `constructor`, …) are never assigned.
 */
class Reader {
  readonly errors: FieldError[] = [];

  constructor(private readonly fromText: boolean) {}

  read(type: DtoClass, plain: Readonly<Record<string, unknown>>, path = ''): object {
    const fields: Record<string, unknown> = {};
    for (const [key, raw] of Object.entries(plain)) {
      const at = child(path, key);
      if (key in Object.prototype) this.errors.push(unknownField(at));
      else fields[key] = this.#value(readingOf(type, key), raw, at);
    }
    return Object.assign(new type(), fields);
  }

  #value(reading: FieldReading | undefined, raw: unknown, path: string): unknown {
    if (!reading) return raw;
    if (reading.nested) return this.#nested(reading.nested(), raw, path);
    const value = this.fromText ? textValue(reading, raw) : raw;
    return reading.convert ? reading.convert(value) : value;
  }

  #nested(type: DtoClass, raw: unknown, path: string): unknown {
    if (isObject(raw)) return this.read(type, raw, path);
    if (!Array.isArray(raw)) return raw;
    return raw.map((item: unknown, index) =>
      isObject(item) ? this.read(type, item, `${path}[${index}]`) : item,
    );
  }
}

/** A parameter's value out of its text, or out of its texts if it was repeated. */
function textValue({ fromText, listed }: FieldReading, raw: unknown): unknown {
  if (!fromText) return raw;
  const texts = (Array.isArray(raw) ? raw : [raw]).filter((text) => typeof text === 'string');
  if (listed) return texts.flatMap((text) => fromText(text));
  return texts.length === 1 ? fromText(texts[0]!) : raw;
}

function flatten(errors: readonly ValidationError[], path = ''): readonly FieldError[] {
  return errors.flatMap((error) => {
    const field = child(path, error.property);
    const own = Object.entries(error.constraints ?? {}).map(([constraint, detail]): FieldError => {
      if (constraint === 'whitelistValidation') return unknownField(field);
      return { field, code: error.value === undefined ? 'REQUIRED' : 'INVALID', detail };
    });
    return [...own, ...flatten(error.children ?? [], field)];
  });
}

/**
 * Makes a DTO of a plain object and validates it.
 * @param fromText the values are texts of a query or a path.
 * @throws Problem VALIDATION_FAILED that names every wrong, missing and unknown field.
 */
export function readDto<T extends object>(type: new () => T, plain: unknown, fromText = false): T {
  if (!isObject(plain)) throw invalidField('body', 'must be a JSON object');
  const reader = new Reader(fromText);
  const dto = reader.read(type, plain) as T;
  const found = validateSync(dto, { whitelist: true, forbidNonWhitelisted: true, stopAtFirstError: true });
  const errors = [...reader.errors, ...flatten(found)];
  if (errors.length > 0) throw invalid(...errors.slice(0, MOST_ERRORS));
  return dto;
}

/** Reads every parameter of a controller's method that is typed by a DTO class. */
@Injectable()
export class DtoPipe implements PipeTransform {
  transform(value: unknown, { metatype, type, data }: ArgumentMetadata): unknown {
    if (type === 'custom' || data !== undefined || metatype === undefined || BUILT_IN.includes(metatype))
      return value;
    if (type === 'body') return readDto(metatype as DtoClass, value === undefined ? {} : value);
    const entries = Object.entries(value as object).filter(
      ([name]) => type !== 'query' || !SHARED_PARAMETERS.includes(name),
    );
    return readDto(metatype as DtoClass, Object.fromEntries(entries), true);
  }
}

type Schema = Exclude<
  NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string],
  { $ref: string }
>;

/** A path parameter with a description of its own in the OpenAPI document. */
const pathParameter =
  (name: string, schema: Schema, read: (value: string) => string): ParameterDecorator =>
  (target, method, index) => {
    if (method === undefined) throw new TypeError('a path parameter belongs to a method');
    Param(name, { transform: read })(target, method, index);
    ApiParam({ name, schema })(target, method, Object.getOwnPropertyDescriptor(target, method)!);
  };

/** How the document describes an id. */
export const UUID = { type: 'string', format: 'uuid' } as const;

/** Reads the id that the path parameter `name` holds, in lower case. @throws Problem VALIDATION_FAILED */
export function idOf(name: string, value: string): string {
  const id = value.toLowerCase();
  if (!isUuid(id)) throw invalidField(name, 'must be a UUID');
  return id;
}

/** A path parameter that is a UUID; it arrives in lower case. */
export const IdParam = (name: string): ParameterDecorator =>
  pathParameter(name, UUID, (value) => idOf(name, value));

/** A path parameter that is a text, such as a stream's name. */
export const TextParam = (
  name: string,
  options: { readonly max: number; readonly pattern: RegExp },
): ParameterDecorator =>
  pathParameter(
    name,
    { type: 'string', maxLength: options.max, pattern: options.pattern.source },
    (value) => {
      if (value.length <= options.max && options.pattern.test(value)) return value;
      throw invalidField(
        name,
        `must be at most ${options.max} characters that match ${options.pattern.source}`,
      );
    },
  );
