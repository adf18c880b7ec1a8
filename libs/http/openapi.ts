import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ACCESS_EXTENSION, OWNER_HEADER } from './auth.guard.js';
import { ANY_JSON } from './field.js';
import { UUID } from './validation.js';

type Components = NonNullable<OpenAPIObject['components']>;
type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Parameter = NonNullable<Components['parameters']>[string];
type Schema = NonNullable<Components['schemas']>[string];

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;
type Method = (typeof METHODS)[number];

const ref = (kind: keyof Components, name: string): { $ref: string } => ({
  $ref: `#/components/${kind}/${name}`,
});
const string = (more: object = {}): Schema => ({ type: 'string', ...more });

const PROBLEM: Schema = {
  type: 'object',
  description: 'An error (RFC 9457).',
  required: ['type', 'title', 'status', 'code', 'detail', 'traceId', 'instance'],
  properties: {
    type: string({
      description: 'Names the kind of problem.',
      example: 'urn:makima:problem:version-conflict',
    }),
    title: string({ description: 'The kind of problem in words.', example: 'Version conflict' }),
    status: { type: 'integer', description: 'The HTTP status.', example: 409 },
    code: string({ description: 'Stable name for programs.', example: 'VERSION_CONFLICT' }),
    detail: string({ description: 'What is wrong, and what to do.' }),
    errors: { type: 'array', description: 'Which fields are wrong.', items: ref('schemas', 'FieldError') },
    context: {
      type: 'object',
      description: 'What helps to correct the request.',
      additionalProperties: true,
    },
    traceId: string({
      description: 'Names the request in the server’s log.',
      example: '4bf92f3577b34da6a3ce929d0e0e4736',
    }),
    instance: string({ description: 'The path that was asked for.' }),
  },
};

const FIELD_ERROR: Schema = {
  type: 'object',
  required: ['field', 'code', 'detail'],
  properties: {
    field: string({
      description: 'Path of the field, or name of the parameter or header.',
      example: 'messages[3].role',
    }),
    code: string({
      description: '`REQUIRED`, `UNKNOWN_FIELD` or `INVALID`, among others.',
      example: 'INVALID',
    }),
    detail: string({ description: 'What the field must be.', example: 'must be a UUID' }),
  },
};

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  Owner: {
    name: OWNER_HEADER,
    in: 'header',
    description: 'For keys with `all-owners`: the owner whose data is meant. Such a use is put on record.',
    schema: string({ format: 'uuid' }),
  },
  Traceparent: {
    name: 'traceparent',
    in: 'header',
    description: 'W3C Trace Context: the trace that the request belongs to.',
    schema: string(),
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Your name for this request, 1 to 255 visible ASCII characters: repeated, it is carried out once.',
    schema: string({ minLength: 1, maxLength: 255, pattern: '^[!-~]+$' }),
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'On resources with an ETag: refuse with 412 if it is no longer this one.',
    schema: string({ example: '"cv-12"' }),
  },
  MinPosition: {
    name: 'minPosition',
    in: 'query',
    description: 'A position that a command answered: wait until the answer knows it.',
    schema: string({ pattern: '^[0-9]{1,19}$' }),
  },
};

const RESPONSES: Readonly<Record<string, string>> = {
  400: 'The request cannot be read.',
  401: 'The key is missing or not valid.',
  403: 'The key lacks a scope.',
  404: 'It does not exist, or belongs to somebody else.',
  409: 'It cannot be done as things stand; `code` says why.',
  412: 'It is no longer at the version of If-Match.',
  413: 'The body is too large.',
  415: 'The body is of a type that the route does not take.',
  422: 'Fields are missing, wrong or unknown; `errors` names them.',
  503: 'Not just now: repeat after `Retry-After` seconds.',
  default: 'Another problem.',
};

const responseName = (status: string): string => `Problem${status === 'default' ? '' : status}`;

/** Which problems a route may answer. */
function problemsOf(method: Method, path: string, operation: Operation, open: boolean): readonly string[] {
  const writes = method !== 'get';
  return [
    '400',
    ...(open ? [] : ['401', '403']),
    ...(path.includes('{') || !open ? ['404'] : []),
    ...(writes ? ['409', '412'] : []),
    ...(operation.requestBody ? ['413', '415'] : []),
    '422',
    '503',
    'default',
  ];
}

function parametersOf(method: Method, open: boolean): readonly string[] {
  if (open) return ['Traceparent'];
  const own = {
    get: ['MinPosition'],
    post: ['IdempotencyKey', 'IfMatch'],
    put: ['IfMatch'],
    patch: ['IfMatch'],
    delete: ['IfMatch'],
  };
  return [...own[method], 'Owner', 'Traceparent'];
}

/** Ids in a path that no parameter of its method says, because routes of several paths share the method. */
function unsaidIds(path: string, said: readonly object[]): readonly Parameter[] {
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name!);
  return names
    .filter((name) => !said.some((parameter) => 'name' in parameter && parameter.name === name))
    .map((name) => ({ name, required: true, in: 'path', schema: UUID }));
}

/** Adds what all routes share, and turns a route's declared access into its security. */
function complete(
  path: string,
  method: Method,
  operation: Operation & { [ACCESS_EXTENSION]?: unknown },
): void {
  const access = operation[ACCESS_EXTENSION];
  delete operation[ACCESS_EXTENSION];
  const open = access === 'public';
  operation.security = open ? [] : [{ bearer: Array.isArray(access) ? (access as string[]) : [] }];
  const shared = parametersOf(method, open).map((name) => ref('parameters', name));
  const own = operation.parameters ?? [];
  operation.parameters = [...unsaidIds(path, own), ...own, ...shared];
  for (const response of Object.values(operation.responses)) {
    if (response && 'description' in response) response.description ||= operation.summary ?? 'Done.';
  }
  if (method === 'get') operation.responses['304'] ??= { description: 'If-None-Match names what is there.' };
  for (const status of problemsOf(method, path, operation, open)) {
    operation.responses[status] ??= ref('responses', responseName(status));
  }
}

/**
 * OpenAPI 3.1 says with JSON Schema what 3.0 said with `nullable`. Keys come out sorted where their order means nothing,
 * so that the committed document changes only with the API.
 */
function modernise(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(modernise);
  if (typeof value !== 'object' || value === null) return value;
  if (Object.keys(ANY_JSON).every((mark) => mark in value)) return anyJson(value);
  const { nullable, ...rest } = value as { readonly nullable?: unknown } & Readonly<Record<string, unknown>>;
  const schema = Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, modernise(inner)]));
  if (nullable !== true)
    return typeof nullable === 'object' ? { ...schema, nullable: modernise(nullable) } : schema;
  return orNull(schema);
}

/** A schema without a type: any value goes. */
const anyJson = (schema: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(schema).filter(([key]) => ['description', 'example', 'default'].includes(key)),
  );

function orNull(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (typeof schema.type === 'string') {
    const values = Array.isArray(schema.enum) ? { enum: [...(schema.enum as unknown[]), null] } : {};
    return { ...schema, ...values, type: [schema.type, 'null'] };
  }
  const { description, example, default: fallback, ...rest } = schema;
  if (Object.keys(rest).length === 0) return schema;
  const notes = Object.entries({ description, example, default: fallback }).filter(
    ([, note]) => note !== undefined,
  );
  return { ...Object.fromEntries(notes), anyOf: [rest, { type: 'null' }] };
}

const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The API's document: what stands in docs/openapi.json. The same routes always give the same text. */
export function buildDocument(application: INestApplication, version: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('makima')
    .setDescription(
      'The history of AI coding agents as an append-only log that people can read and go back in.',
    )
    .setVersion(version)
    .addBearerAuth({ type: 'http', description: 'A key: `mk_<kind>_<id>_<secret>_<crc>`.' }, 'bearer')
    .build();
  const document = SwaggerModule.createDocument(application, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation) complete(path, method, operation);
    }
  }
  const responses = Object.entries(RESPONSES).map(([status, description]) => [
    responseName(status),
    { description, content: { 'application/problem+json': { schema: ref('schemas', 'Problem') } } },
  ]);
  document.components = {
    ...document.components,
    schemas: sorted({ ...document.components?.schemas, Problem: PROBLEM, FieldError: FIELD_ERROR }),
    parameters: PARAMETERS,
    responses: Object.fromEntries(responses) as Components['responses'],
  } as Components;
  document.paths = sorted(document.paths);
  return modernise(JSON.parse(JSON.stringify(document))) as OpenAPIObject;
}
