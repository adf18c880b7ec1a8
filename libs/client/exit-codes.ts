/** What a command's exit code says (DESIGN §8). */
export const EXIT = {
  ok: 0,
  /** The server failed, or makima itself did. */
  server: 1,
  /** The command line is wrong, or not enough was said. */
  usage: 2,
  notFound: 3,
  /** Somebody else changed it in the meantime, or it is busy: try again. */
  conflict: 4,
  notAllowed: 5,
  unreachable: 6,
  /** The server did not take what it was given. */
  invalid: 7,
  /** A verification ran and found a difference. */
  verificationFailed: 8,
  /** A task that was followed failed. */
  taskFailed: 9,
  /** A task that was followed was cancelled, interrupted or paused. */
  taskStopped: 10,
  /** Ended by Ctrl-C (128 + SIGINT). */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BUSY = new Set(['TOO_MANY_REQUESTS', 'OVERLOADED', 'READ_MODEL_BEHIND']);

/** The exit code that an answer's HTTP status and problem code stand for. */
export function exitCodeOf(status: number, code?: string): ExitCode {
  if (code !== undefined && BUSY.has(code)) return EXIT.conflict;
  if (status === 401 || status === 403) return EXIT.notAllowed;
  if (status === 404 || status === 410) return EXIT.notFound;
  if (status === 409 || status === 412 || status === 423 || status === 429) return EXIT.conflict;
  if (status >= 400 && status < 500) return EXIT.invalid;
  return EXIT.server;
}
