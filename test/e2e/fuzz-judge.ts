import { AnswerCheck } from './answer-check.js';
import { operationsOf, type ApiDocument, type Operation } from './api-document.js';
import type { FuzzAnswer } from './fuzz-client.js';
import type { FuzzRequest } from './fuzz-requests.js';

/** For these a client may be asked to come back later. */
const LATER = ['OVERLOADED', 'UNAVAILABLE', 'READ_MODEL_BEHIND'];

interface Problem {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly traceId?: unknown;
  readonly errors?: readonly { readonly field?: unknown; readonly detail?: unknown }[];
}

/** Says what is wrong with answers, whatever was asked. */
export class FuzzJudge {
  readonly #check: AnswerCheck;
  readonly #routes: readonly (readonly [RegExp, Operation])[];

  constructor(document: ApiDocument) {
    this.#check = new AnswerCheck(document);
    const literal = ({ path }: Operation): number => path.replaceAll(/\{\w+\}/g, '').length;
    this.#routes = operationsOf(document)
      .toSorted((a, b) => literal(b) - literal(a))
      .map((operation) => [
        new RegExp(`^${operation.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`, 'i'),
        operation,
      ]);
  }

  /** What is wrong with the answer to a request; undefined if nothing is. */
  mistakeIn(request: Pick<FuzzRequest, 'method' | 'url'>, answer: FuzzAnswer): string | undefined {
    const { status } = answer;
    if (status >= 500) return this.#ofServer(answer);
    if (request.method === 'HEAD') return undefined;
    const operation = this.#routeOf(request);
    if (status >= 400)
      return problemMistake(answer) ?? (operation && this.#check.mistakeIn(operation, answer));
    if (request.method === 'OPTIONS') return undefined;
    return operation
      ? this.#check.mistakeIn(operation, answer)
      : `${status} for a route that is not documented`;
  }

  #ofServer(answer: FuzzAnswer): string | undefined {
    const { status, headers, body } = answer;
    const text = body.toString('utf8').slice(0, 500);
    if (status !== 503) return `${status} ${text}`;
    const declared = LATER.some((code) => text.includes(`"code":"${code}"`));
    return declared && headers['retry-after'] !== undefined
      ? undefined
      : `503 without a reason or Retry-After: ${text}`;
  }

  #routeOf({ method, url }: Pick<FuzzRequest, 'method' | 'url'>): Operation | undefined {
    const path = url.split('?', 1)[0]!;
    return this.#routes.find(
      ([pattern, operation]) => operation.method === method && pattern.test(path),
    )?.[1];
  }
}

/** A problem says what it is, what to do, and which field is wrong. */
function problemMistake({ status, mediaType, body }: FuzzAnswer): string | undefined {
  const text = body.toString('utf8');
  if (mediaType !== 'application/problem+json')
    return `${status} as ${mediaType || 'nothing'}: ${text.slice(0, 300)}`;
  const { code, detail, traceId, errors } = JSON.parse(text) as Problem;
  if (![code, detail, traceId].every((part) => typeof part === 'string' && part !== ''))
    return `${status} ${text}`;
  const named = (errors ?? []).every(
    ({ field, detail: why }) => field !== '' && typeof field === 'string' && Boolean(why),
  );
  if (!named) return `${status} with a field without a name: ${text}`;
  if (code === 'VALIDATION_FAILED' && (errors ?? []).length === 0) return `${status} names no field: ${text}`;
  return undefined;
}
