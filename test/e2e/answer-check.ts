import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { ApiDocument, Operation } from './api-document.js';

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  /** Without parameters, lower case; '' without a Content-Type. */
  readonly mediaType: string;
  readonly body: Buffer;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The schema with every object closed: a field that it does not name is a mistake. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const open = 'properties' in inner && inner['type'] === 'object' && !('additionalProperties' in inner);
  return open ? { ...inner, additionalProperties: false } : inner;
}

/** Holds answers against the document. */
export class AnswerCheck {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(document: ApiDocument) {
    this.#ajv.addFormat('uuid', UUID);
    this.#ajv.addFormat('date-time', INSTANT);
    this.#ajv.addFormat('binary', true);
    this.#ajv.addSchema({ $id: 'api', components: closed(document.components) });
  }

  /** What is wrong with an answer of a route; undefined if nothing is. */
  mistakeIn(operation: Operation, { status, mediaType, body }: Answer): string | undefined {
    const declared = operation.answers[status] ?? (status >= 400 ? operation.answers['default'] : undefined);
    if (!declared) return `${status} is not documented`;
    if (Object.keys(declared).length === 0)
      return body.length > 0 ? `${status} is documented without a body, but has one` : undefined;
    const content = declared[mediaType];
    if (!content) return `${status} is not documented as ${mediaType || 'an answer without a media type'}`;
    if (!content.schema) return `${status} ${mediaType} has no schema`;
    if (content.schema.format === 'binary') return undefined;
    const parts = partsOf(mediaType, body);
    const validate = this.#validator(content.schema);
    for (const part of parts) if (!validate(part)) return this.#explain(validate, part);
    return undefined;
  }

  #validator(schema: object): ValidateFunction {
    const rebased = JSON.stringify(closed(schema)).replaceAll('"#/components/', '"api#/components/');
    const known = this.#compiled.get(rebased);
    if (known) return known;
    const compiled = this.#ajv.compile(JSON.parse(rebased) as object);
    this.#compiled.set(rebased, compiled);
    return compiled;
  }

  #explain(validate: ValidateFunction, part: unknown): string {
    const errors = (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath || 'the answer'} ${message} ${JSON.stringify(params)}`,
    );
    return `${errors.join('; ')} in ${JSON.stringify(part).slice(0, 500)}`;
  }
}

/** The values that a schema is about: the body, each line, or each message of a stream. */
function partsOf(mediaType: string, body: Buffer): readonly unknown[] {
  const text = body.toString('utf8');
  if (mediaType === 'text/event-stream') return messagesOf(text);
  if (mediaType !== 'application/x-ndjson') return [JSON.parse(text)];
  // The last line may have been cut off by the reader.
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

/** The whole messages of a stream of server-sent events, their data read as JSON. */
export function messagesOf(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const lines = block.split('\n').filter((line) => !line.startsWith(':'));
      const fields = lines.map((line): [string, string] => {
        const [name, ...value] = line.split(': ');
        return [name!, value.join(': ')];
      });
      return Object.fromEntries(fields);
    })
    .filter((fields) => 'data' in fields)
    .map((fields) => ({ ...fields, data: JSON.parse(fields['data'] as string) as unknown }));
}
