import { Command, type Argument } from 'commander';
import type { Cli, CommonOptions } from './cli.js';
import { accessCommands } from './commands/access.js';
import { adminCommands } from './commands/admin.js';
import { auditCommands } from './commands/audit.js';
import { branchesCommand } from './commands/branches.js';
import { chatCommands } from './commands/chat.js';
import { completionCommands } from './commands/completion.js';
import { contractCommands } from './commands/contract.js';
import { daemonCommands } from './commands/daemon.js';
import { importCommand } from './commands/import.js';
import { snapshotCommands } from './commands/snapshot.js';
import { statusCommand, whoAmICommand } from './commands/status.js';
import { supervisorCommands } from './commands/supervisor.js';
import { taskCommands } from './commands/task.js';
import { timelineCommand } from './commands/timeline.js';
import { undoCommand } from './commands/undo.js';
import { neutralise } from './terminal/neutralise.js';

const ABOUT = `makima keeps the history of AI coding agents, and lets you go back in it.
Nothing is ever overwritten: what a rewind hides can be read, and every rewind can be undone.`;

const FIRST_STEPS = `
First steps:
  $ npm start                         # the server, in another terminal
  $ makima import ~/.claude/projects  # transcripts of agents
  $ makima task list                  # then read one: makima task history <task>

Ids may be shortened to a unique beginning of 6 characters or more.
makima <command> --help shows a command's options and examples.

Environment:
  MAKIMA_URL, MAKIMA_TOKEN   the server and your key (otherwise those of the server on this machine)
  MAKIMA_CONTRACT_ID         the contract that commands are about, unless --contract names one;
                             in a task's folder it is that task's, and . stands for the task
  MAKIMA_PAGER, PAGER        how long output is shown on a terminal (less -R)
  NO_COLOR, FORCE_COLOR      no colours, or colours also in pipes
  TZ                         the zone of times

Exit codes:
  0 ok   1 the server failed   2 usage   3 not found   4 conflict or busy   5 not allowed
  6 server not reachable   7 invalid   8 verification failed
  9 a followed task failed   10 it was cancelled, interrupted or paused
`;

/** The whole command line. */
export function buildProgram(cli: Cli): Command {
  const program = new Command('makima')
    .description(ABOUT)
    .version(cli.host.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .showHelpAfterError('(add --help to see how it is used)')
    .addHelpText('after', FIRST_STEPS)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void cli.host.stdout.write(text),
      writeErr: (text) => void cli.host.stderr.write(text),
      outputError: (text, write) => write(neutralise(text.replace(/^error: /, 'makima: '))),
      getOutHasColors: () => cli.out.colour,
      getErrHasColors: () => cli.err.colour,
      getOutHelpWidth: () => Math.min(cli.out.isTerminal ? cli.out.width : 100, 110),
      getErrHelpWidth: () => Math.min(cli.err.isTerminal ? cli.err.width : 100, 110),
    })
    .configureHelp({
      styleTitle: (title) => `\x1b[1m${title}\x1b[22m`,
      // What each noun takes is its own help's business.
      subcommandTerm: (command) =>
        [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    })
    .hook('preAction', (_, command) => cli.use(command.opts<CommonOptions>()));
  addCommands(program, cli);
  return program;
}

const argumentTerm = (argument: Argument): string =>
  argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;

function addCommands(program: Command, cli: Cli): void {
  program.commandsGroup('Read:');
  timelineCommand(program, cli);
  contractCommands(program, cli);
  taskCommands(program, cli);
  supervisorCommands(program, cli);
  chatCommands(program, cli);
  program.commandsGroup('Go back:');
  branchesCommand(program, cli);
  undoCommand(program, cli);
  snapshotCommands(program, cli);
  program.commandsGroup('Bring in:');
  importCommand(program, cli);
  program.commandsGroup('Look after:');
  daemonCommands(program, cli);
  statusCommand(program, cli);
  whoAmICommand(program, cli);
  accessCommands(program, cli);
  adminCommands(program, cli);
  auditCommands(program, cli);
  completionCommands(program, cli);
}
