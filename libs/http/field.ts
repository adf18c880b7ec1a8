import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { ValidateBy, ValidateIf, ValidateNested } from 'class-validator';

/** A class whose instances hold a request's fields. It is made without arguments; initialisers are its defaults. */
export type DtoClass = new () => object;

/** What every field says about itself. */
export interface FieldOptions {
  /** For people, with unit and format; it goes into the OpenAPI document. */
  readonly description: string;
  readonly example?: unknown;
  /** The field may be left out. */
  readonly optional?: boolean;
  /** The field may be null. */
  readonly nullable?: boolean;
  /** For the document only; the class sets it by an initialiser. */
  readonly default?: unknown;
}

/**
 * The schema of a value that may be any JSON, until the document is written: Swagger would add a type of its own to an
 * empty schema.
 */
export const ANY_JSON = { 'x-any-json': true } as ApiPropertyOptions;

/** How a field's value is read. */
export interface FieldReading {
  /** In a query or path: makes the value out of its text. */
  readonly fromText?: (text: string) => unknown;
  /** In a query: repeating the parameter adds items. */
  readonly listed?: boolean;
  /** Everywhere: what cannot be converted stays as it is, and the check refuses it. */
  readonly convert?: (value: unknown) => unknown;
  /** The value is an object (or a list of objects) with fields of its own. Late, so that classes may stand in any order. */
  readonly nested?: () => DtoClass;
}

/** What tells one kind of field from another. */
interface FieldKind extends FieldReading {
  /** What is wrong with a converted value ("must be …"); undefined if nothing is. */
  readonly check: (value: unknown) => string | undefined;
  /** In the OpenAPI document. */
  readonly schema: ApiPropertyOptions;
}

const readings = new WeakMap<object, Map<string, FieldReading>>();

/** How a property of a class or of the classes that it extends is read; undefined if no field decorator declared it. */
export function readingOf(type: DtoClass, property: string): FieldReading | undefined {
  let prototype = type.prototype as object | null;
  while (prototype) {
    const reading = readings.get(prototype)?.get(property);
    if (reading) return reading;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return undefined;
}

function remember(prototype: object, property: string, reading: FieldReading): void {
  const own = readings.get(prototype) ?? new Map<string, FieldReading>();
  readings.set(prototype, own.set(property, reading));
}

const document = (kind: FieldKind, options: FieldOptions): ApiPropertyOptions =>
  ({
    ...kind.schema,
    description: options.description,
    required: options.optional !== true,
    ...(options.nullable ? { nullable: true } : {}),
    ...(options.example === undefined ? {} : { example: options.example }),
    ...(options.default === undefined ? {} : { default: options.default }),
  }) as ApiPropertyOptions;

/** Makes a property decorator that reads, validates and documents a field at once. */
export function field(kind: FieldKind, options: FieldOptions): PropertyDecorator {
  const { optional = false, nullable = false } = options;
  const detailOf = (value: unknown): string | undefined =>
    value === undefined ? 'is required' : value === null ? 'must not be null' : kind.check(value);
  const absent = (value: unknown): boolean =>
    (optional && value === undefined) || (nullable && value === null);
  const validator = {
    validate: (value: unknown) => detailOf(value) === undefined,
    defaultMessage: (args?: { value: unknown }) => detailOf(args?.value) ?? 'is not valid',
  };
  return (target, property) => {
    if (typeof property === 'symbol') throw new TypeError('a field has a name');
    remember(target, property, kind);
    ApiProperty(document(kind, options))(target, property);
    ValidateBy({ name: 'field', validator })(target, property);
    if (kind.nested) ValidateNested()(target, property);
    if (optional || nullable) ValidateIf((_, value) => !absent(value))(target, property);
  };
}

/** The detail if a condition does not hold. */
export const must = (holds: boolean, detail: string): string | undefined =>
  holds ? undefined : `must be ${detail}`;

export const isText = (value: unknown): value is string => typeof value === 'string';

/** True for a JSON object. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const lowerCase = (value: unknown): unknown => (isText(value) ? value.toLowerCase() : value);
