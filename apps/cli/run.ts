import { CommanderError } from 'commander';
import { ApiError, ClientError, UnreachableError } from '#libs/client/api-error.js';
import { ConnectionError } from '#libs/client/connection.js';
import { EXIT } from '#libs/client/exit-codes.js';
import { HomeError } from '#libs/client/makima-home.js';
import { Cli, type Host } from './cli.js';
import { buildProgram } from './program.js';
import { OutputClosed } from './terminal/output.js';
import { line, span, type Line } from './terminal/styled.js';
import { CommandFailed, UsageError } from './usage-error.js';

/**
 * Runs one command line.
 * @param words everything after `makima`.
 * @returns the exit code (DESIGN §8).
 */
export async function runCli(words: readonly string[], host: Host): Promise<number> {
  const cli = new Cli(host);
  const program = buildProgram(cli);
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync([...words], { from: 'user' });
    return host.signal.aborted && !cli.following ? EXIT.interrupted : EXIT.ok;
  } catch (error) {
    return await ended(cli, error);
  }
}

async function ended(cli: Cli, error: unknown): Promise<number> {
  if (error instanceof OutputClosed) return EXIT.ok;
  if (cli.signal.aborted) return cli.following ? EXIT.ok : EXIT.interrupted;
  if (error instanceof CommandFailed) return error.exitCode;
  // Commander has said already what is wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  await cli.err.lines(explanation(cli, error)).catch(() => undefined);
  if (error instanceof ClientError || error instanceof UsageError) return error.exitCode;
  return error instanceof ConnectionError ? EXIT.usage : EXIT.server;
}

const headline = (text: string): Line => line(span('makima: ', 'red', 'bold'), text);
const hint = (text: string): Line => line(span(`  ${text}`, 'dim'));

/** What went wrong, and what to do. */
function explanation(cli: Cli, error: unknown): readonly Line[] {
  if (error instanceof UsageError) return [headline(error.message), ...error.hints.map(hint)];
  if (error instanceof ApiError) return apiExplanation(cli, error);
  if (error instanceof UnreachableError) {
    return [
      headline(error.message),
      hint('is it running? start it with: npm start'),
      hint('another server: set MAKIMA_URL and MAKIMA_TOKEN'),
    ];
  }
  if (error instanceof ClientError || error instanceof ConnectionError || error instanceof HomeError) {
    return [headline(error.message)];
  }
  const shown = error instanceof Error ? error : new Error(String(error));
  const details = cli.env['MAKIMA_DEBUG']
    ? (shown.stack ?? '').split('\n').slice(1).map(hint)
    : [hint('set MAKIMA_DEBUG=1 to see where')];
  return [headline(`something unforeseen happened: ${shown.message}`), ...details];
}

const MOST_FIELDS = 12;

function apiExplanation(cli: Cli, { status, code, detail, errors, traceId }: ApiError): readonly Line[] {
  const fields = errors.slice(0, MOST_FIELDS).map((error) => hint(`${error.field}: ${error.detail}`));
  return [
    headline(detail),
    ...fields,
    ...hintsFor(cli, status),
    line(span(`  ${code}${traceId && status >= 500 ? ` · trace ${traceId}` : ''}`, 'dim')),
  ];
}

function hintsFor(cli: Cli, status: number): readonly Line[] {
  if (status !== 401) return [];
  return cli.env['MAKIMA_TOKEN']
    ? [hint('MAKIMA_TOKEN holds a key that does not work there')]
    : [
        hint(
          'set MAKIMA_TOKEN to a key of that server; its own machine has one in credentials.json of MAKIMA_HOME',
        ),
      ];
}
