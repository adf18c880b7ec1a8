import type { Command } from 'commander';
import type { BlamedFile } from '#libs/client/types-blame.js';
import type { Cli } from '../cli.js';
import { leaf } from '../command.js';
import { resolveTask } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { blameLines } from '../views/blame.js';
import { idShortener } from '../views/format.js';

interface BlameOptions {
  readonly line?: number;
}

/** `task blame`. */
export const blameFile = (task: Command, cli: Cli): Command =>
  leaf(task, {
    name: 'blame <task> <checkpoint> <path>',
    summary: 'Which checkpoint brought each line of a file, and which message made it',
    notes:
      'Messages that a rewind has hidden are found too; read them with: makima task history <task> --branch <n>.',
    examples: [
      ['makima task blame 0190c3d4 5 src/login.ts', 'every line, as of checkpoint 5'],
      ['makima task blame 0190c3d4 5 src/login.ts --line 42', 'why is this line there?'],
    ],
    options: (command) => command.option('--line <n>', 'only this line', positive),
    act: async (id: string, checkpoint: string, path: string, { line }: BlameOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const blamed = await cli.api.checkpoints.blame(taskId, checkpoint, { path, line });
      const shorten = idShortener(idsIn(blamed), !cli.out.isTerminal);
      if (blamed.isCut) cli.afterwards('there are more lines; --line <n> shows one of them');
      await cli.show({
        json: blamed,
        lines: () => blameLines(blamed, taskId, cli.width, shorten),
        empty: blamed.lines.length === 0 && 'the file is empty',
      });
    },
  });

const idsIn = ({ origins }: BlamedFile): readonly string[] =>
  origins.flatMap(({ checkpoint, madeBy }) => [
    ...(checkpoint ? [checkpoint.taskId] : []),
    ...(madeBy ? [madeBy.messageId] : []),
  ]);
