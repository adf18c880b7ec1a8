import type { Command } from 'commander';
import type { SupervisorConversation } from '#libs/client/types-conversation.js';
import type { Cli } from '../cli.js';
import { changes, leaf, noun } from '../command.js';
import { resolveMessage } from '../input/ids.js';
import { TIME_FORMS } from '../input/time.js';
import { line, span, type Line } from '../terminal/styled.js';
import { tableLines } from '../terminal/table.js';
import { idShortener, localTime, oneLine, statusSpan } from '../views/format.js';
import { rewindCode } from './code-rewind.js';
import { contractOption, namedContract, type ContractOption } from './contract-option.js';
import { conversationOptions, showConversation, type ConversationOptions } from './conversation-reading.js';
import { REWIND_NOTES, rewindConversation, rewindOptions, type RewindOptions } from './rewinding.js';
import { taskCheckpoints, taskHistory } from './task.js';
import { resumeFrom, resumeSupervisor } from './resuming.js';
import { forkTask } from './task-change.js';

/** `makima supervisor …`, with the names that the first implementation gave to what is done with tasks. */
export function supervisorCommands(program: Command, cli: Cli): void {
  const supervisor = noun(
    program,
    'supervisor',
    "A contract's supervisor: the task that plans and spawns the others",
  );
  history(supervisor, cli);
  rewind(supervisor, cli);
  taskHistory(supervisor, cli, 'task-history');
  taskCheckpoints(supervisor, cli, 'task-checkpoints');
  rewindCode(supervisor, cli, 'task-rewind', 'create_branch');
  forkTask(supervisor, cli, 'task-fork');
  resumeSupervisor(supervisor, cli);
  resumeFrom(supervisor, cli, 'task-resume-from');
}

const history = (supervisor: Command, cli: Cli): Command =>
  leaf(supervisor, {
    name: 'history [contract]',
    summary: "A supervisor's conversation, and the tasks that it spawned",
    formats: ['chat', 'table', 'json'],
    notes: TIME_FORMS,
    examples: [
      ['makima supervisor history', 'of the contract MAKIMA_CONTRACT_ID'],
      ['makima supervisor history 0190a1b2 --limit 20', 'the newest 20 messages'],
    ],
    options: (command) => conversationOptions(contractOption(command)),
    act: async (argument: string | undefined, options: ConversationOptions & ContractOption) => {
      const { contracts, tasks } = cli.api;
      const id = await namedContract(cli, argument, options);
      const supervisorTask = async (): Promise<string> =>
        (await contracts.supervisorConversation(id, { limit: 1 })).supervisorTaskId;
      await showConversation<SupervisorConversation>(
        cli,
        {
          load: (query) => contracts.supervisorConversation(id, query),
          branches: (query) => contracts.supervisorBranches(id, query),
          streamPath: async () => tasks.streamPath(await supervisorTask()),
          command: `makima supervisor history ${id}`,
          undo: `makima undo ${id}`,
          below: (answer) => spawnedLines(answer, cli.width),
        },
        options,
      );
    },
  });

function spawnedLines(
  { spawnedTasks, pendingTaskIds }: SupervisorConversation,
  width: number,
): readonly Line[] {
  if (spawnedTasks.length === 0) return [];
  const pending = new Set(pendingTaskIds);
  const idOf = idShortener(
    spawnedTasks.map(({ taskId }) => taskId),
    !Number.isFinite(width),
  );
  return [
    line(span('Spawned tasks', 'bold')),
    ...tableLines(
      [{ head: 'task' }, { head: 'status' }, { head: 'created' }, { head: 'name', narrow: 'wrap' }],
      spawnedTasks.map(({ taskId, taskName, status, createdAt }) => [
        span(idOf(taskId), 'bold'),
        statusSpan(status),
        localTime(createdAt),
        line(oneLine(taskName), pending.has(taskId) ? span('  waited for', 'yellow') : undefined),
      ]),
      width,
    ),
  ];
}

const rewind = (supervisor: Command, cli: Cli): Command =>
  leaf(supervisor, {
    name: 'rewind-conversation [contract]',
    summary: "Take a supervisor's conversation back to an earlier point",
    notes: REWIND_NOTES,
    examples: [
      [
        'makima supervisor rewind-conversation --to-message 0190e5f6',
        'this message is the last one that stays',
      ],
      ['makima supervisor rewind-conversation 0190a1b2 --by-messages 4 --dry-run', 'what would that hide?'],
      ['makima undo 0190a1b2', 'take the rewind back'],
    ],
    options: (command) => changes(rewindOptions(contractOption(command))),
    act: async (argument: string | undefined, options: RewindOptions & ContractOption) => {
      const { api } = cli;
      const id = await namedContract(cli, argument, options);
      await rewindConversation(
        cli,
        {
          what: `the supervisor of contract ${id}`,
          resolveMessage: async (text) =>
            resolveMessage(
              api,
              (await api.contracts.supervisorConversation(id, { limit: 1 })).supervisorTaskId,
              text,
            ),
          rewind: (request) => api.contracts.rewindSupervisor(id, request),
          undo: `makima undo ${id}`,
        },
        options,
      );
    },
  });
