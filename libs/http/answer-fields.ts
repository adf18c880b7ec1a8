import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiProperty,
  ApiResponse,
  getSchemaPath,
  type ApiPropertyOptions,
} from '@nestjs/swagger';
import { ANY_JSON, type DtoClass } from './field.js';

// The fields of answers: what the OpenAPI document says about them. They check nothing at run time; a test holds every
// route's real answers against the document.

/** What else can be said of an answer's field. */
interface AnswerFieldOptions {
  /** The field may be left out; the description says when. */
  readonly optional?: boolean;
  /** The field may be null; the description says what that means. */
  readonly nullable?: boolean;
  readonly example?: unknown;
}

type AnswerField = (description: string, options?: AnswerFieldOptions) => PropertyDecorator;

const gives =
  (schema: ApiPropertyOptions): AnswerField =>
  (description, { optional = false, nullable = false, example } = {}) =>
    ApiProperty({
      ...schema,
      description,
      required: !optional,
      ...(nullable ? { nullable } : {}),
      ...(example === undefined ? {} : { example }),
    } as ApiPropertyOptions);

/** A text as it was given, any character. */
export const GivesText: AnswerField = gives({ type: 'string' });

/** A UUID in lower case. */
export const GivesId: AnswerField = gives({ type: 'string', format: 'uuid' });

/** ISO 8601, UTC, to the millisecond. */
export const GivesInstant: AnswerField = gives({ type: 'string', format: 'date-time' });

/** A position of the log: text that only `minPosition`, `asOf` and the like understand. */
export const GivesPosition: AnswerField = gives({ type: 'string', pattern: '^[0-9]{1,19}$', example: '42' });

/** What was answered for the next page's `cursor`. */
export const GivesCursor = (): PropertyDecorator =>
  gives({ type: 'string' })('For the next page; absent after the last one.', { optional: true });

/** Hex digits of a hash or object id. */
export const GivesHash: AnswerField = gives({ type: 'string', pattern: '^[0-9a-f]+$' });

/** A whole number, never negative. */
export const GivesWhole: AnswerField = gives({ type: 'integer', minimum: 0 });

export const GivesQuantity: AnswerField = gives({ type: 'number', minimum: 0 });

export const GivesFlag: AnswerField = gives({ type: 'boolean' });

/** Any JSON. */
export const GivesJson: AnswerField = gives(ANY_JSON);

/** A JSON object whose keys are data. */
export const GivesJsonObject: AnswerField = gives({ type: 'object', additionalProperties: true });

/** Whole numbers by name. */
export const GivesCounts: AnswerField = gives({
  type: 'object',
  additionalProperties: { type: 'integer', minimum: 0 },
});

export const GivesTexts: AnswerField = gives({ type: 'array', items: { type: 'string' } });

/** UUIDs in lower case. */
export const GivesIds: AnswerField = gives({ type: 'array', items: { type: 'string', format: 'uuid' } });

/** One of a few words. */
export const GivesOneOf = (
  values: readonly string[],
  description: string,
  options?: AnswerFieldOptions,
): PropertyDecorator => gives({ type: 'string', enum: [...values] })(description, options);

/** Some of a few words. */
export const GivesSomeOf = (
  values: readonly string[],
  description: string,
  options?: AnswerFieldOptions,
): PropertyDecorator =>
  gives({ type: 'array', items: { type: 'string', enum: [...values] } })(description, options);

/** The body of an error answer, where an answer that has begun can no longer become one. */
export const GivesProblem: AnswerField = gives({
  allOf: [{ $ref: '#/components/schemas/Problem' }],
});

/** An object with fields of its own. */
export const GivesObject = (
  type: () => DtoClass,
  description: string,
  options?: AnswerFieldOptions,
): PropertyDecorator =>
  // Swagger recognises a late type by the function's name, which comes from the property.
  gives({ type: () => type() })(description, options);

/** A list of objects with fields of their own. */
export const GivesList = (
  type: () => DtoClass,
  description: string,
  options?: AnswerFieldOptions,
): PropertyDecorator => gives({ type: () => type(), isArray: true })(description, options);

const schemaOf = (parts: readonly DtoClass[]) => {
  const refs = parts.map((part) => ({ $ref: getSchemaPath(part) }));
  return { schema: refs.length === 1 ? refs[0]! : { oneOf: refs } };
};

/** The route answers server-sent events; the schema is that of one message, its `data` read as JSON. */
export const ApiEventStream = (description: string, ...messages: readonly DtoClass[]): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(...messages),
    ApiHeader({
      name: 'Last-Event-ID',
      required: false,
      description: 'The `id` of the last message that was received: go on after it.',
      schema: { type: 'string' },
    }),
    ApiOkResponse({ description, content: { 'text/event-stream': schemaOf(messages) } }),
  );

/** The route answers JSON, or lines of JSON for `Accept: application/x-ndjson`; their schema is that of one line. */
export const ApiJsonOrLines = (
  description: string,
  json: DtoClass,
  ...lines: readonly DtoClass[]
): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(json, ...lines),
    ApiOkResponse({
      description,
      content: { 'application/json': schemaOf([json]), 'application/x-ndjson': schemaOf(lines) },
    }),
  );

/** The route answers bytes. */
export const ApiBytes = (description: string, mediaType = 'application/octet-stream'): MethodDecorator =>
  ApiOkResponse({
    description,
    content: { [mediaType]: { schema: { type: 'string', format: 'binary' } } },
  });

/** The route answers bytes, or a part of them. */
export const ApiByteRange = (description: string): MethodDecorator =>
  applyDecorators(
    ApiBytes(description),
    ApiHeader({
      name: 'Range',
      required: false,
      description: 'One part, such as `bytes=0-1023`.',
      schema: { type: 'string' },
    }),
    ApiResponse({
      status: 206,
      description: 'The part that Range asks for.',
      content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
    }),
  );
