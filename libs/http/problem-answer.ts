import { Problem, saysAbsent, type FieldError, type ProblemOptions } from '#libs/kernel/problem.js';

/**
 * The one table from codes to HTTP statuses, for the protocol's own codes and for refusals of features. A code that is
 * not here: `…_UNKNOWN` and `…_NOT_FOUND` answer 404, `…_INVALID` 422, everything else 409.
 */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  MALFORMED_JSON: 400,
  MALFORMED_REQUEST: 400,
  MALFORMED_ETAG: 400,
  INVALID_UTF8: 400,
  INVALID_CURSOR: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  VERSION_CONFLICT: 409,
  EVENT_ID_CONFLICT: 409,
  NO_DAEMON: 409,
  PRECONDITION_FAILED: 412,
  BODY_TOO_LARGE: 413,
  EVENT_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RANGE_NOT_SATISFIABLE: 416,
  UPGRADE_REQUIRED: 426,
  VALIDATION_FAILED: 422,
  TOO_DEEP: 422,
  IDEMPOTENCY_KEY_REUSED: 422,
  TOO_MANY_REQUESTS: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL: 500,
  OVERLOADED: 503,
  UNAVAILABLE: 503,
  READ_MODEL_BEHIND: 503,
  PROJECTION_STOPPED: 503,
  PROJECTION_BUILDING: 503,
  // Where a feature's refusal does not follow from its name:
  SCOPE_NOT_HELD: 403,
  KEY_KIND_NOT_ALLOWED: 403,
  CONTRACT_MISSING: 422,
  CONTRACT_NOT_EXPECTED: 422,
  IMPORT_UNREADABLE: 422,
};

/** The HTTP status that a code answers with. */
export function statusOf(code: string): number {
  const known = Object.hasOwn(STATUS_OF_CODE, code) ? STATUS_OF_CODE[code] : undefined;
  if (known !== undefined) return known;
  if (saysAbsent(code)) return 404;
  return code.endsWith('_INVALID') ? 422 : 409;
}

/** A problem that only HTTP has, with headers of its own. */
export class HttpProblem extends Problem {
  constructor(
    code: string,
    detail: string,
    readonly headers: Readonly<Record<string, string>>,
    options?: ProblemOptions,
  ) {
    super(code, detail, options);
  }
}

/** The headers that a problem is answered with beside those of every error. */
export const problemHeaders = (problem: Problem): Readonly<Record<string, string>> => ({
  ...(problem.options.retryAfter === undefined ? {} : { 'Retry-After': `${problem.options.retryAfter}` }),
  ...(problem instanceof HttpProblem ? problem.headers : {}),
});

/** VERSION_CONFLICT → "Version conflict". */
const titleOf = (code: string): string => {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** The body of an error answer (RFC 9457, application/problem+json). */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly context?: Readonly<Record<string, unknown>>;
  readonly traceId: string;
  readonly instance: string;
}

/** What a problem answers to the request `traceId` for the path `instance`. */
export function problemBody(
  { code, detail, options }: Problem,
  traceId: string,
  instance: string,
): ProblemBody {
  const { errors, context } = options;
  return {
    type: `urn:makima:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: titleOf(code),
    status: statusOf(code),
    code,
    detail,
    ...(errors ? { errors } : {}),
    ...(context && Object.keys(context).length > 0 ? { context } : {}),
    traceId,
    instance,
  };
}
