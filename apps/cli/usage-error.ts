import { EXIT, type ExitCode } from '#libs/client/exit-codes.js';

/** The command line cannot be done as it is; the message says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode: ExitCode = EXIT.usage;

  constructor(
    message: string,
    /** What to choose from, or what to do next: one line each. */
    readonly hints: readonly string[] = [],
  ) {
    super(message);
  }
}

/** A command ran to its end and found something wrong; what it found has been printed already. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  constructor(readonly exitCode: ExitCode) {
    super('');
  }
}
