import { readFileSync } from 'node:fs';

// The API's document as the end-to-end tests read it: every route with its parameters, body and answers.

/** A JSON Schema, as far as the tests look into it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
type MaybeRef<T> = T | { readonly $ref: string };

interface RawOperation {
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly MaybeRef<Parameter>[];
  readonly requestBody?: { readonly content: Content; readonly required?: boolean };
  readonly responses: Readonly<Record<string, MaybeRef<{ readonly content?: Content }>>>;
}

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Operation {
  /** Such as `get /api/v1/contracts/{contractId}`. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** The scopes that a key needs; null: the route is public. */
  readonly scopes: readonly string[] | null;
  readonly parameters: readonly Parameter[];
  /** Media types of the body, with its schema. */
  readonly body: Content | null;
  /** By status (`default` too): media types of the answer, each with its schema. */
  readonly answers: Readonly<Record<string, Content>>;
}

/** The document that is committed. */
export const committedDocument = (): ApiDocument =>
  JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as ApiDocument;

/** What a reference into the document stands for. */
export function deref<T extends object>(document: ApiDocument, value: MaybeRef<T>): T {
  if (!('$ref' in value) || typeof value.$ref !== 'string') return value as T;
  const [, , kind, name] = value.$ref.split('/');
  return document.components[kind!]![name!] as T;
}

/** Every route of the document. */
export function operationsOf(document: ApiDocument): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): Operation => {
      const answers = Object.entries(operation.responses).map(
        ([status, answer]) => [status, deref(document, answer).content ?? {}] as const,
      );
      return {
        id: `${method} ${path}`,
        method: method.toUpperCase(),
        path,
        scopes: operation.security[0]?.['bearer'] ?? null,
        parameters: (operation.parameters ?? []).map((parameter) => deref(document, parameter)),
        body: operation.requestBody?.content ?? null,
        answers: Object.fromEntries(answers),
      };
    }),
  );
}

/** Name of the schema of a route's JSON body; undefined where it takes none. */
export const bodySchemaOf = ({ body }: Operation): string | undefined =>
  body?.['application/json']?.schema?.$ref?.split('/').at(-1);

export const parametersIn = (operation: Operation, place: Parameter['in']): readonly Parameter[] =>
  operation.parameters.filter((parameter) => parameter.in === place);

/** Every value that a JSON body can hold, by its path with list indexes left out, such as `items[].id`. */
export function fieldsOf(
  document: ApiDocument,
  schema: Schema,
  at = '',
): readonly (readonly [string, Schema])[] {
  const known = deref(document, schema);
  const parts = [...(known.allOf ?? []), ...(known.anyOf ?? []), ...(known.oneOf ?? [])];
  if (parts.length > 0) return parts.flatMap((part) => fieldsOf(document, part, at));
  if (known.properties) {
    return Object.entries(known.properties).flatMap(([name, inner]) =>
      fieldsOf(document, inner, at === '' ? name : `${at}.${name}`),
    );
  }
  if (known.items) return fieldsOf(document, known.items, `${at}[]`);
  return [[at, known]];
}
