import { ApiError, UnexpectedAnswerError, UnreachableError } from '#libs/client/api-error.js';
import { pause } from '#libs/client/http-client.js';

/** Milliseconds of waiting: doubled from the first to the most, and shortened at random so that many do not come at once. */
export interface Backoff {
  readonly firstMs?: number;
  readonly mostMs?: number;
}

export const backoffMs = (attempt: number, { firstMs = 250, mostMs = 30_000 }: Backoff = {}): number =>
  Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 20)) * (0.5 + Math.random() / 2);

/** Whether asking again may be answered otherwise: nobody was there, or whoever was is in trouble. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ApiError) return error.status >= 500 || error.status === 429 || error.status === 401;
  return error instanceof UnreachableError || error instanceof UnexpectedAnswerError;
}

export interface RetryOptions extends Backoff {
  readonly signal: AbortSignal;
  /** What is asked again after (default: isPassing). */
  readonly passing?: (error: unknown) => boolean;
  /** Told of the first failure of each series. */
  readonly onTrouble?: (error: unknown) => void;
}

/** Asks until somebody answers. @throws what is no passing trouble, or the signal's reason. */
export async function untilAnswered<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    options.signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (options.signal.aborted || !(options.passing ?? isPassing)(error)) throw error;
      if (attempt === 0) options.onTrouble?.(error);
      await pause(backoffMs(attempt, options), options.signal);
    }
  }
}

/** In a few words, for a log. */
export const reasonIn = (error: unknown): string => (error instanceof Error ? error.message : String(error));
