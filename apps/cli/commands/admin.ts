import type { Command } from 'commander';
import { EXIT } from '#libs/client/exit-codes.js';
import { pause } from '#libs/client/http-client.js';
import type { Job, Verification } from '#libs/client/types-admin.js';
import type { Cli } from '../cli.js';
import { leaf, noun, previews } from '../command.js';
import { resolveStream } from '../input/ids.js';
import { natural, positive } from '../input/numbers.js';
import { CommandFailed, UsageError } from '../usage-error.js';
import { comparisonLines, projectionTable, replayLines, sizeLines, skippedLines } from '../views/admin.js';
import { count, counted, done, wouldDo } from '../views/format.js';
import { retry, skip } from './releasing.js';

const POLL_MS = 250;
/** What work in the server is at; "reading" goes without saying. */
const STEPS: Readonly<Record<string, string>> = {
  waiting: 'waiting for other work on the same read models',
  reading: '',
  indexing: 'making indexes',
  swapping: 'putting the new tables in the place of the old',
  comparing: 'comparing tables',
};

/** `makima admin …` */
export function adminCommands(program: Command, cli: Cli): void {
  const admin = noun(program, 'admin', 'Look after read models, streams and the database');
  projections(admin, cli);
  rebuild(admin, cli);
  verify(admin, cli);
  skip(admin, cli);
  retry(admin, cli);
  replay(admin, cli);
  database(admin, cli);
}

const projections = (admin: Command, cli: Cli): Command =>
  leaf(admin, {
    name: 'projections',
    summary: 'Every read model: how far it is, and whether it goes on',
    examples: [['makima admin projections', 'position, head, lag, status']],
    act: async () => {
      const answer = await cli.api.admin.projections();
      for (const { name, error } of answer.projections) {
        if (!error) continue;
        cli.afterwards(
          `${name} has stopped. When the cause is mended: makima admin retry ${name}; to go on without the event: makima admin skip ${name} --reason <why>`,
        );
      }
      await cli.show({ json: answer, lines: () => projectionTable(answer.projections, cli.width) });
    },
  });

const rebuild = (admin: Command, cli: Cli): Command =>
  leaf(admin, {
    name: 'rebuild <name>',
    summary: 'Build a read model anew from the log, while the present one serves',
    notes: 'The name is that of a projection (see: makima admin projections), or all.',
    examples: [
      ['makima admin rebuild timeline --dry-run', 'what would be read, and what is replaced'],
      ['makima admin rebuild all', 'every one; they read the log once'],
    ],
    options: (command) =>
      previews(command).option('--no-wait', 'start it and go; see how far it is with admin projections'),
    act: async (name: string, { dryRun, wait }: { readonly dryRun?: boolean; readonly wait: boolean }) => {
      const { admin: routes } = cli.api;
      if (dryRun) {
        const preview = await routes.previewRebuild(name);
        const text = `rebuild ${preview.names.join(', ')} from ${counted(Number(preview.head), 'position')} of the log`;
        return cli.show({ json: preview, lines: () => [wouldDo(text)] });
      }
      const started = await routes.rebuild(name);
      if (!wait)
        return cli.show({
          json: started,
          lines: () => [done(`rebuilding ${started.names.join(', ')}: job ${started.id}`)],
        });
      const job = await waitFor(cli, started, 'rebuilding');
      const rebuilt = done(`rebuilt ${job.names.join(', ')} from the log`);
      await cli.show({ json: job, lines: () => [rebuilt, ...skippedLines(job.skipped)] });
    },
  });

const verify = (admin: Command, cli: Cli): Command =>
  leaf(admin, {
    name: 'verify [name]',
    summary: 'Rebuild read models beside the present ones and compare them; exit code 8 if they differ',
    notes:
      'One that has stopped at an event is compared up to there, which is said; exit code 1 if nothing else is wrong.',
    examples: [
      ['makima admin verify', 'all of them'],
      ['makima admin verify timeline --format json', 'one, for a program'],
    ],
    act: async (name: string | undefined) => {
      const job = await waitFor<Verification>(
        cli,
        await cli.api.admin.verify(name === undefined ? {} : { name }),
        'verifying',
      );
      const { result, skipped } = job;
      if (!result) throw new UsageError('the server gave no result: ask again');
      await cli.show({
        json: { ...result, skipped },
        lines: () => [...comparisonLines(result, cli.width), ...skippedLines(skipped)],
      });
      if (!result.equal) throw new CommandFailed(EXIT.verificationFailed);
      if (result.standing.length > 0) throw new CommandFailed(EXIT.server);
    },
  });

/** Waits for work in the server, with a bar that shows how far it is. Throws if it failed. */
async function waitFor<Result>(cli: Cli, started: Job<Result>, verb: string): Promise<Job<Result>> {
  const bar = cli.progress(verb);
  let job = started;
  try {
    while (job.status === 'running') {
      const [position, head] = [Number(job.position), Number(job.head)];
      bar.update(
        position,
        head,
        [`${count(position)} of ${count(head)}`, job.trouble ?? STEPS[job.step] ?? job.step]
          .filter(Boolean)
          .join(', '),
      );
      await pause(POLL_MS, cli.signal);
      job = await cli.api.admin.job<Result>(job.id);
    }
  } finally {
    bar.end();
  }
  if (job.status === 'failed') {
    await cli.note(`${verb} ${job.names.join(', ')} failed: ${job.error || 'the server does not say why'}`);
    throw new CommandFailed(EXIT.server);
  }
  return job;
}

interface ReplayOptions {
  readonly to?: number;
  readonly after?: number;
  readonly limit: number;
  readonly state?: boolean;
}

const replay = (admin: Command, cli: Cli): Command =>
  leaf(admin, {
    name: 'replay <stream>',
    summary: 'A stream event by event, with what each changed, and the state as it was',
    examples: [
      ['makima admin replay task-0190c3d4 --to 12', 'up to version 12 (inclusive)'],
      ['makima admin replay contract-0190a1b2 --state --format json', 'with the whole state'],
    ],
    options: (command) =>
      command
        .option('--to <version>', 'up to this version (inclusive)', positive)
        .option('--after <version>', 'show the events after this one', natural)
        .option('-n, --limit <n>', 'events at most', positive, 100)
        .option('--state', 'show the whole state after the last event'),
    act: async (name: string, { to, after, limit, state = false }: ReplayOptions) => {
      const stream = await resolveStream(cli.api, name);
      const answer = await cli.api.admin.replay(stream, { to, after, limit });
      const last = answer.events.at(-1)?.version;
      if (answer.events.length === limit && last !== undefined && last !== to) {
        cli.afterwards(`go on with: makima admin replay ${stream} --after ${last}`);
      }
      await cli.show({ json: answer, lines: () => replayLines(answer, cli.width, state) });
    },
  });

const database = (admin: Command, cli: Cli): Command =>
  leaf(admin, {
    name: 'database',
    summary: 'How big the database is, by table and by owner',
    examples: [['makima admin database', 'bytes on disk, with indexes']],
    act: async () => {
      const answer = await cli.api.admin.database();
      await cli.show({ json: answer, lines: () => sizeLines(answer, cli.width) });
    },
  });
