import { Option, type Command } from 'commander';
import type { Cli } from '../cli.js';
import { leaf, noun } from '../command.js';
import { positive } from '../input/numbers.js';
import { resolveTask } from '../input/ids.js';
import { TIME_FORMS } from '../input/time.js';
import { UsageError } from '../usage-error.js';
import { done, oneLine } from '../views/format.js';
import { contractFacts, contractTable } from '../views/nouns.js';
import { asOfOption, asOfQuery, type AsOf } from './as-of.js';
import { contractOption, namedContract, type ContractOption } from './contract-option.js';
import { startContract } from './contract-start.js';
import { historyOptions, PHASES, showHistory, type HistoryOptions } from './history-reading.js';
import { listed } from './listing.js';

/** `makima contract …` */
export function contractCommands(program: Command, cli: Cli): void {
  const contract = noun(program, 'contract', 'Pieces of work, and their history across all tasks');
  history(contract, cli);
  list(contract, cli);
  show(contract, cli);
  create(contract, cli);
  startContract(contract, cli);
  phase(contract, cli);
  supervisor(contract, cli);
}

const history = (contract: Command, cli: Cli): Command =>
  leaf(contract, {
    name: 'history [contract]',
    summary: 'What happened in a contract, across all its phases and tasks',
    notes: TIME_FORMS,
    examples: [
      ['makima contract history', 'the newest 100 entries of MAKIMA_CONTRACT_ID'],
      ['makima contract history 0190a1b2 --phase execute --from yesterday', 'one phase, since yesterday'],
      ['makima contract history --event-types checkpoint,task_completed --all', 'some kinds, all of them'],
      ['makima contract history --text "login" --failed', 'what failed and mentions login'],
      ['makima contract history --overview', 'how much happened when'],
      ['makima contract history --follow --format json', 'each entry as it comes, one JSON document a line'],
    ],
    options: (command) => historyOptions(contractOption(command)),
    act: async (argument: string | undefined, options: HistoryOptions & ContractOption) => {
      const id = await namedContract(cli, argument, options);
      const { contracts } = cli.api;
      const source = {
        load: (query: Parameters<typeof contracts.history>[1]) => contracts.history(id, query),
        overview: (query: Parameters<typeof contracts.overview>[1]) => contracts.overview(id, query),
        streamPath: contracts.streamPath(id),
      };
      await showHistory(cli, source, options);
    },
  });

const list = (contract: Command, cli: Cli): Command =>
  leaf(contract, {
    name: 'list',
    summary: 'Contracts, newest first',
    examples: [
      ['makima contract list', 'the newest 100'],
      ['makima contract list --status active --format json', 'those that are going on, for a program'],
    ],
    options: (command) =>
      command
        .addOption(new Option('--status <status>', 'only these').choices(['active', 'completed', 'archived']))
        .option('-n, --limit <n>', 'the newest n', positive, 100)
        .option('--all', 'all, however many'),
    act: async (options: { readonly status?: string; readonly limit: number; readonly all?: boolean }) => {
      const page = await listed(
        options,
        (query) => cli.api.contracts.list({ ...query, status: options.status }),
        'contracts',
      );
      if (page.cursor) cli.afterwards(`the newest ${options.limit}; --limit <n> or --all shows more`);
      const empty = page.contracts.length === 0 && 'no contracts yet: makima contract create --name <name>';
      await cli.show({ json: page, lines: () => contractTable(page.contracts, cli.width), empty });
    },
  });

const show = (contract: Command, cli: Cli): Command =>
  leaf(contract, {
    name: 'show [contract]',
    summary: 'One contract',
    examples: [
      ['makima contract show 0190a1b2', 'as it stands'],
      ['makima contract show 0190a1b2 --as-of yesterday', 'as it stood at the end of yesterday'],
    ],
    options: (command) => asOfOption(contractOption(command)),
    act: async (argument: string | undefined, options: ContractOption & AsOf) => {
      const id = await namedContract(cli, argument, options);
      const answer = await cli.api.contracts.show(id, asOfQuery(cli, options));
      await cli.show({ json: answer, lines: () => contractFacts(answer, cli.width) });
    },
  });

interface CreateOptions {
  readonly name: string;
  readonly description?: string;
  readonly phase?: string;
  readonly repository?: string;
}

const create = (contract: Command, cli: Cli): Command =>
  leaf(contract, {
    name: 'create',
    summary: 'Create a contract',
    examples: [['makima contract create --name "Fix the login" --repository .', 'prints its id']],
    options: (command) =>
      command
        .requiredOption('--name <name>', 'what people call it')
        .option('--description <text>', 'what the work is about')
        .addOption(new Option('--phase <phase>', 'the phase that it starts in').choices(PHASES))
        .option('--repository <path|url>', 'the repository that the work is about'),
    act: async ({ name, description, phase: startsIn, repository }: CreateOptions) => {
      const answer = await cli.api.contracts.create({
        name,
        ...(description === undefined ? {} : { description }),
        ...(startsIn === undefined ? {} : { phase: startsIn }),
        ...(repository === undefined ? {} : { repository }),
      });
      cli.afterwards(`use it with: export MAKIMA_CONTRACT_ID=${answer.id}`);
      await cli.show({ json: answer, lines: () => contractFacts(answer, cli.width) });
    },
  });

const phase = (contract: Command, cli: Cli): Command =>
  leaf(contract, {
    name: 'phase <phase>',
    summary: 'Move a contract to another phase',
    notes: `Phases: ${PHASES.join(', ')}.`,
    examples: [['makima contract phase execute --contract 0190a1b2', 'from whatever phase it is in']],
    options: contractOption,
    act: async (newPhase: string, options: ContractOption) => {
      if (!PHASES.some((one) => one === newPhase)) {
        throw new UsageError(`${JSON.stringify(newPhase)} is no phase`, [`phases: ${PHASES.join(', ')}`]);
      }
      const id = await namedContract(cli, undefined, options);
      const before = await cli.api.contracts.show(id);
      const answer = await cli.api.contracts.setPhase(id, newPhase);
      if (before.phase !== answer.phase)
        cli.afterwards(`undo with: makima contract phase ${before.phase} --contract ${id}`);
      await cli.show({
        json: answer,
        lines: () => [done(`${oneLine(answer.name)}: ${before.phase} → ${answer.phase}`)],
      });
    },
  });

const supervisor = (contract: Command, cli: Cli): Command =>
  leaf(contract, {
    name: 'supervisor <task>',
    summary: "Make a task its contract's supervisor",
    examples: [['makima contract supervisor 0190c3d4 --contract 0190a1b2', 'a task of that contract']],
    options: contractOption,
    act: async (task: string, options: ContractOption) => {
      const id = await namedContract(cli, undefined, options);
      const taskId = await resolveTask(cli.api, task);
      const answer = await cli.api.contracts.setSupervisor(id, taskId);
      await cli.show({ json: answer, lines: () => [done(`${taskId} supervises ${oneLine(answer.name)}`)] });
    },
  });
