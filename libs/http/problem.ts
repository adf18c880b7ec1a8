import type { Refusal } from '#libs/kernel/decider.js';

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
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  VERSION_CONFLICT: 409,
  EVENT_ID_CONFLICT: 409,
  NO_DAEMON: 409,
  PRECONDITION_FAILED: 412,
  BODY_TOO_LARGE: 413,
  EVENT_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
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

export function statusOf(code: string): number {
  const known = Object.hasOwn(STATUS_OF_CODE, code) ? STATUS_OF_CODE[code] : undefined;
  if (known !== undefined) return known;
  if (/_(UNKNOWN|NOT_FOUND)$/.test(code)) return 404;
  return code.endsWith('_INVALID') ? 422 : 409;
}

/** VERSION_CONFLICT → "Version conflict". */
const titleOf = (code: string): string => {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** What is wrong with one field. `field` is a path such as `messages[3].role`, a parameter's or a header's name. */
export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly detail: string;
}

export interface ProblemOptions {
  readonly errors?: readonly FieldError[];
  /** What the caller needs to correct the call, for example the known values. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

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

/** An error with a stable public code. `detail` is one or two sentences that say what to do. */
export class Problem extends Error {
  override readonly name: string = 'Problem';
  readonly status: number;

  constructor(
    readonly code: string,
    readonly detail: string,
    readonly options: ProblemOptions = {},
  ) {
    super(detail, { cause: options.cause });
    this.status = statusOf(code);
  }

  body(traceId: string, instance: string): ProblemBody {
    const { errors, context } = this.options;
    return {
      type: `urn:makima:problem:${this.code.toLowerCase().replaceAll('_', '-')}`,
      title: titleOf(this.code),
      status: this.status,
      code: this.code,
      detail: this.detail,
      ...(errors ? { errors } : {}),
      ...(context && Object.keys(context).length > 0 ? { context } : {}),
      traceId,
      instance,
    };
  }
}

/** A decider said no: the one seam at which a refusal becomes an exception. */
export class RefusalException extends Problem {
  override readonly name = 'RefusalException';
  constructor(readonly refusal: Refusal) {
    super(refusal.code, refusal.detail, { context: refusal.context });
  }
}

/** VALIDATION_FAILED that names its fields. */
export function invalid(...errors: readonly FieldError[]): Problem {
  const fields = errors.slice(0, 3).map((error) => error.field);
  const more = errors.length > fields.length ? ` and ${errors.length - fields.length} more` : '';
  return new Problem('VALIDATION_FAILED', `Correct ${fields.join(', ')}${more} and send the request again.`, {
    errors,
  });
}

/** VALIDATION_FAILED for one field; `detail` says what the field must be. */
export const invalidField = (field: string, detail: string, code = 'INVALID'): Problem =>
  invalid({ field, code, detail });
