import type { Refusal } from './decider.js';

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
  /** Seconds after which the same call may succeed. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

/** An error with a stable public code. `detail` is one or two sentences that say what to do. */
export class Problem extends Error {
  override readonly name: string = 'Problem';

  constructor(
    readonly code: string,
    readonly detail: string,
    readonly options: ProblemOptions = {},
  ) {
    super(detail, { cause: options.cause });
  }
}

/** Whether a code says that something is not there. */
export const saysAbsent = (code: string): boolean => /^NOT_FOUND$|_(UNKNOWN|NOT_FOUND)$/.test(code);

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
