import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';

/** What is wrong with one field of a request. */
export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly detail: string;
}

/** Anything that kept a request from being answered as wished. `exitCode` is what a command ends with. */
export abstract class ClientError extends Error {
  abstract readonly exitCode: ExitCode;
}

/** The server answered with a problem (RFC 9457). */
export class ApiError extends ClientError {
  override readonly name = 'ApiError';
  readonly exitCode: ExitCode;

  constructor(
    readonly status: number,
    /** Stable and public, such as `NOT_FOUND`. */
    readonly code: string,
    /** One or two sentences for a person. */
    readonly detail: string,
    readonly errors: readonly FieldError[] = [],
    readonly context: Readonly<Record<string, unknown>> = {},
    readonly traceId?: string,
  ) {
    super(detail);
    this.exitCode = exitCodeOf(status, code);
  }
}

/** Nobody answered: no server there, or the connection broke. */
export class UnreachableError extends ClientError {
  override readonly name = 'UnreachableError';
  readonly exitCode = EXIT.unreachable;

  constructor(
    readonly url: string,
    /** Such as `connection refused`. */
    readonly reason: string,
    cause?: unknown,
  ) {
    super(`no answer from ${url} (${reason})`, { cause });
  }
}

/** Something answered that is no makima server. */
export class UnexpectedAnswerError extends ClientError {
  override readonly name = 'UnexpectedAnswerError';
  readonly exitCode = EXIT.server;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOr = <Default>(value: unknown, otherwise: Default): string | Default =>
  typeof value === 'string' ? value : otherwise;

const isFieldError = (value: unknown): value is FieldError =>
  isRecord(value) && typeof value['field'] === 'string' && typeof value['detail'] === 'string';

/** Reads an error answer's body. One that is no problem+json becomes an error that says so. */
export function problemFrom(status: number, mediaType: string, text: string): ClientError {
  const body = /[/+]json$/.test(mediaType) ? parsed(text) : undefined;
  if (!isRecord(body) || typeof body['code'] !== 'string') {
    return new UnexpectedAnswerError(
      `the server answered ${status} with ${mediaType || 'nothing'} instead of a problem: is that a makima server?`,
    );
  }
  const { errors, context } = body;
  return new ApiError(
    status,
    body['code'],
    textOr(body['detail'], textOr(body['title'], 'The request failed.')),
    Array.isArray(errors) ? errors.filter(isFieldError) : [],
    isRecord(context) ? context : {},
    textOr(body['traceId'], undefined),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no such host',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  UND_ERR_CONNECT_TIMEOUT: 'timed out',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped half-way',
  UND_ERR_SOCKET: 'connection closed',
};

/** What stood behind a failed fetch, in a few words. */
export function reasonOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; isErrorLike(at) && depth < 5; depth += 1) {
    const known = typeof at.code === 'string' ? REASONS[at.code] : undefined;
    if (known) return known;
    const [first] = at instanceof AggregateError ? (at.errors as unknown[]) : [];
    at = at.cause ?? first;
  }
  return error instanceof Error ? error.message : String(error);
}

const isErrorLike = (value: unknown): value is { readonly code?: unknown; readonly cause?: unknown } =>
  typeof value === 'object' && value !== null;
