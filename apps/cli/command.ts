import { Option, type Command } from 'commander';
import type { Format } from './cli.js';

/** A command line that works, and what it does. */
export type Example = readonly [command: string, does: string];

export interface Leaf<Arguments extends readonly unknown[]> {
  /** Name and arguments, such as `show <task>`. */
  readonly name: string;
  /** One line without a full stop. */
  readonly summary: string;
  readonly examples: readonly Example[];
  /** More to say, after the options. */
  readonly notes?: string;
  /** The first is the default; `table` and `json` unless said otherwise. */
  readonly formats?: readonly Format[];
  /** Set if `--format json` prints one document a line. */
  readonly ndjson?: boolean;
  readonly options?: (command: Command) => Command;
  /** Gets the arguments, then the options. */
  readonly act: (...args: Arguments) => Promise<void>;
}

/** A noun such as `task`, under which its verbs stand. */
export const noun = (program: Command, name: string, summary: string): Command =>
  program
    .command(name)
    .summary(summary)
    .description(`${summary}.`)
    .helpCommand(false)
    .helpOption('-h, --help', 'show this help');

/** A command that does something; it takes --format and the options that all commands have. */
export function leaf<Arguments extends readonly unknown[]>(parent: Command, spec: Leaf<Arguments>): Command {
  const { formats = ['table', 'json'], ndjson = false, examples, notes = '' } = spec;
  const command = parent.command(spec.name).summary(spec.summary).description(`${spec.summary}.`);
  command.optionsGroup('Options:');
  spec.options?.(command);
  return command
    .optionsGroup('Output:')
    .addOption(
      new Option(
        '--format <format>',
        `${ndjson ? 'json prints one document a line' : 'json prints one document'}`,
      )
        .choices(formats)
        .default(formats[0]),
    )
    .option('--no-pager', 'print at once, also what is longer than the screen')
    .option('--no-color', 'print without colours')
    .addOption(new Option('--owner <id>', "another owner's data; for keys with all-owners").hideHelp())
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', () => `${notes === '' ? '' : `\n${notes}\n`}${examplesText(examples)}`)
    .action(spec.act);
}

function examplesText(examples: readonly Example[]): string {
  if (examples.length === 0) return '';
  const widest = Math.max(...examples.map(([command]) => command.length));
  const beside = examples.every(([, does]) => widest + does.length <= 90);
  const text = examples.map(([command, does]) =>
    beside ? `  $ ${command.padEnd(widest)}  # ${does}` : `  # ${does}\n  $ ${command}`,
  );
  return `\nExamples:\n${text.join('\n')}\n`;
}

/** Adds --yes and --no-input, for a command that may ask. */
export const mayAsk = (command: Command): Command =>
  command
    .option('-y, --yes', 'do not ask')
    .option('--no-input', 'never ask; without --yes, fail where an answer is needed');

/** Adds --dry-run. */
export const previews = (command: Command): Command =>
  command.option('--dry-run', 'say what would happen, and change nothing');

/** Adds --dry-run, --yes and --no-input, for a command that changes what people see. */
export const changes = (command: Command): Command => mayAsk(previews(command));
