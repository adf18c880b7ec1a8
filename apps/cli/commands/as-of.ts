import { Option, type Command } from 'commander';
import type { Query } from '#libs/client/http-client.js';
import type { Cli } from '../cli.js';
import { parseAsOf } from '../input/time.js';

export interface AsOf {
  readonly asOf?: string;
}

/** Adds --as-of, for commands that can look back. */
export const asOfOption = (command: Command): Command =>
  command.option('--as-of <time|position>', 'as things stood then');

export const asOfQuery = (cli: Cli, { asOf }: AsOf): Query => ({
  asOf: asOf === undefined ? undefined : parseAsOf(asOf, cli.now),
});

/** Adds --follow, for commands that can wait for more; not together with options that look elsewhere. */
export const followOption = (command: Command, ...conflicts: readonly string[]): Command =>
  command.addOption(
    new Option('-f, --follow', 'then wait for more, until Ctrl-C (JSON: one document a line)').conflicts([
      'asOf',
      ...conflicts,
    ]),
  );
