import type { Command } from 'commander';
import { pagesOf } from '#libs/client/pages.js';
import type { Cli } from '../cli.js';
import { changes, leaf, noun, previews } from '../command.js';
import { resolveSnapshot, resolveTask } from '../input/ids.js';
import { positive } from '../input/numbers.js';
import { factLines } from '../terminal/table.js';
import { span } from '../terminal/styled.js';
import { chatLines, chatView } from '../views/conversation.js';
import { count, counted, done, localTime, wouldDo } from '../views/format.js';
import { snapshotTable } from '../views/nouns.js';
import { listed, type ListOptions } from './listing.js';
import { tellMoved } from './rewinding.js';

const PAGE = 1_000;

/** `makima snapshot …` */
export function snapshotCommands(program: Command, cli: Cli): void {
  const snapshot = noun(program, 'snapshot', 'Conversations as they were at one moment, to go back to');
  create(snapshot, cli);
  list(snapshot, cli);
  show(snapshot, cli);
  restore(snapshot, cli);
}

const create = (snapshot: Command, cli: Cli): Command =>
  leaf(snapshot, {
    name: 'create <task>',
    summary: "Keep a task's conversation as it is now",
    examples: [['makima snapshot create 0190c3d4 --note "before the big change"', 'prints its id']],
    options: (command) => previews(command.option('--note <text>', 'what it is for')),
    act: async (id: string, { note, dryRun }: { readonly note?: string; readonly dryRun?: boolean }) => {
      const taskId = await resolveTask(cli.api, id);
      const answer = await cli.api.tasks.takeSnapshot(taskId, {
        ...(note === undefined ? {} : { note }),
        ...(dryRun ? { dryRun } : {}),
      });
      const messages = counted(answer.messageCount, 'message');
      if (!dryRun) cli.afterwards(`go back to it with: makima snapshot restore ${taskId} ${answer.id}`);
      await cli.show({
        json: answer,
        lines: () => [dryRun ? wouldDo(`keep ${messages}`) : done(`snapshot ${answer.id} of ${messages}`)],
      });
    },
  });

const list = (snapshot: Command, cli: Cli): Command =>
  leaf(snapshot, {
    name: 'list <task>',
    summary: "A task's snapshots: taken by hand, by themselves, or with a checkpoint",
    examples: [['makima snapshot list 0190c3d4', 'newest first']],
    options: (command) =>
      command.option('-n, --limit <n>', 'the newest n', positive, 100).option('--all', 'all, however many'),
    act: async (id: string, options: ListOptions) => {
      const taskId = await resolveTask(cli.api, id);
      const page = await listed(options, (query) => cli.api.tasks.snapshots(taskId, query), 'snapshots');
      if (page.cursor)
        cli.afterwards(`the newest ${count(page.snapshots.length)}; --limit <n> or --all shows more`);
      const empty =
        page.snapshots.length === 0 && `no snapshots; take one with: makima snapshot create ${taskId}`;
      await cli.show({ json: page, lines: () => snapshotTable(page.snapshots, cli.width), empty });
    },
  });

const show = (snapshot: Command, cli: Cli): Command =>
  leaf(snapshot, {
    name: 'show <task> <snapshot>',
    summary: 'What a snapshot holds',
    formats: ['chat', 'json'],
    examples: [['makima snapshot show 0190c3d4 0190f7a8', 'its messages']],
    options: (command) => command.option('--full', 'whole tool results and thinking'),
    act: async (id: string, snapshotId: string, { full = false }: { readonly full?: boolean }) => {
      const taskId = await resolveTask(cli.api, id);
      const wanted = await resolveSnapshot(cli.api, taskId, snapshotId);
      const pages = [];
      for await (const page of pagesOf((cursor) =>
        cli.api.tasks.snapshot(taskId, wanted, { cursor, limit: PAGE }),
      ))
        pages.push(page);
      const messages = pages.flatMap((page) => page.messages);
      const answer = { ...pages.at(-1)!, messages };
      await cli.show({
        json: answer,
        lines: () => [
          ...factLines(
            [
              ['snapshot', span(answer.id, 'bold')],
              ['type', answer.snapshotType],
              ['time', localTime(answer.createdAt)],
              ['messages', count(answer.messageCount)],
              ['checkpoint', answer.checkpointId ?? ''],
              ['taken by', answer.takenBy.kind],
              ['note', answer.note ?? ''],
            ],
            cli.width,
          ),
          [],
          ...chatLines(messages, chatView(messages, cli.width, full)),
        ],
      });
    },
  });

interface RestoreOptions {
  readonly reason?: string;
  readonly dryRun?: boolean;
}

const restore = (snapshot: Command, cli: Cli): Command =>
  leaf(snapshot, {
    name: 'restore <task> <snapshot>',
    summary: 'Show again what a snapshot holds',
    notes: 'Nothing is deleted: what the conversation showed before stays readable as a branch.',
    examples: [
      ['makima snapshot restore 0190c3d4 0190f7a8 --dry-run', 'what would that hide?'],
      ['makima snapshot restore 0190c3d4 0190f7a8', 'makima undo 0190c3d4 takes it back'],
    ],
    options: (command) =>
      changes(command.option('--reason <text>', 'why, for whoever reads the history later')),
    act: async (id: string, snapshotId: string, { reason, dryRun }: RestoreOptions) => {
      const { tasks } = cli.api;
      const taskId = await resolveTask(cli.api, id);
      const wanted = await resolveSnapshot(cli.api, taskId, snapshotId);
      const request = reason === undefined ? {} : { reason };
      const verbs = [
        `restore snapshot ${wanted} of task ${taskId}`,
        `restored snapshot ${wanted} of task ${taskId}`,
      ] as const;
      if (dryRun) return tellMoved(cli, verbs, await tasks.restore(taskId, wanted, { ...request, dryRun }));
      if (cli.interactive) {
        const { hiddenMessages, messageCount } = await tasks.restore(taskId, wanted, {
          ...request,
          dryRun: true,
        });
        const question = `Restore it? ${counted(hiddenMessages, 'message')} are hidden then, ${count(messageCount)} shown.`;
        if (!(await cli.agreed(question))) return cli.note('nothing was changed');
      }
      const moved = await tasks.restore(taskId, wanted, request);
      await tellMoved(cli, verbs, moved, `makima undo ${taskId} --branch ${moved.branch}`);
    },
  });
