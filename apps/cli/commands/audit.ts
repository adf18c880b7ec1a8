import type { Command } from 'commander';
import { EXIT } from '#libs/client/exit-codes.js';
import type { Query } from '#libs/client/http-client.js';
import type { AuditEvent } from '#libs/client/types-admin.js';
import type { Cli } from '../cli.js';
import { leaf, noun } from '../command.js';
import { resolveStream } from '../input/ids.js';
import { listed, natural, positive } from '../input/numbers.js';
import { parseTime, TIME_FORMS } from '../input/time.js';
import { CommandFailed } from '../usage-error.js';
import { auditFacts, auditTable, logVerificationLines } from '../views/audit.js';
import { count } from '../views/format.js';

/** `makima audit …` */
export function auditCommands(program: Command, cli: Cli): void {
  const audit = noun(program, 'audit', 'The raw log: events as they are stored, with their hashes');
  log(audit, cli);
  stream(audit, cli);
  show(audit, cli);
  verify(audit, cli);
}

interface FilterOptions {
  readonly type?: readonly string[];
  readonly actor?: string;
  readonly from?: string;
  readonly to?: string;
  readonly after?: number;
  readonly limit: number;
  readonly all?: boolean;
  readonly reverse?: boolean;
}

const filterOptions = (command: Command): Command =>
  command
    .option('--type <types>', 'only events of these types, such as MessageRecorded', listed)
    .option(
      '--actor <actor>',
      'only what this key did (its id), or this kind: user, tool, daemon, admin, auditor, system',
    )
    .option('--from <time>', 'only from then on')
    .option('--to <time>', 'only up to then (of a day: to its end)')
    .option('--after <position>', 'only after this position', natural)
    .option('-n, --limit <n>', 'events at most', positive, 100)
    .option('--all', 'all, however many')
    .option('--reverse', 'newest first');

const queryOf = (cli: Cli, { type, actor, from, to, after, limit, all, reverse }: FilterOptions): Query => ({
  type,
  actor,
  from: from === undefined ? undefined : parseTime(from, cli.now),
  to: to === undefined ? undefined : parseTime(to, cli.now, 'end'),
  after,
  order: reverse ? 'newest' : undefined,
  limit: all ? undefined : limit,
});

const named = async (cli: Cli, stream: string | undefined): Promise<string | undefined> =>
  stream === undefined ? undefined : resolveStream(cli.api, stream);

const log = (audit: Command, cli: Cli): Command =>
  leaf(audit, {
    name: 'log',
    summary: 'Raw events in the order in which they were recorded, oldest first',
    ndjson: true,
    notes: TIME_FORMS,
    examples: [
      ['makima audit log --type ConversationRewound', 'every rewind'],
      ['makima audit log --actor 0123456789abcdef --from "7 d ago"', 'what one key did this week'],
      ['makima audit log --reverse -n 10', 'the last ten events'],
      ['makima audit log --all --format json > log.ndjson', 'the whole log, one event a line'],
    ],
    options: (command) =>
      filterOptions(command.option('--stream <stream>', 'only this stream, such as task-<id>')),
    act: async (options: FilterOptions & { readonly stream?: string }) =>
      printEvents(
        cli,
        options,
        cli.api.audit.events({ ...queryOf(cli, options), stream: await named(cli, options.stream) }),
      ),
  });

const stream = (audit: Command, cli: Cli): Command =>
  leaf(audit, {
    name: 'stream <stream>',
    summary: 'The raw events of one stream',
    ndjson: true,
    notes: TIME_FORMS,
    examples: [
      ['makima audit stream task-0190c3d4', 'a task’s whole life'],
      ['makima audit stream contract-0190a1b2 --all --format json', 'one event a line'],
    ],
    options: filterOptions,
    act: async (name: string, options: FilterOptions) =>
      printEvents(
        cli,
        options,
        cli.api.audit.stream(await resolveStream(cli.api, name), queryOf(cli, options)),
      ),
  });

/** Prints events: as lines of JSON while they come, because a log may be too long to be held; or as a table. */
async function printEvents(
  cli: Cli,
  { limit, all, reverse }: FilterOptions,
  events: AsyncIterable<AuditEvent>,
): Promise<void> {
  const shown: AuditEvent[] = [];
  let printed = 0;
  let last: AuditEvent | undefined;
  for await (const event of events) {
    printed += 1;
    last = event;
    if (cli.format === 'json') await cli.jsonLine(event);
    else shown.push(event);
  }
  if (!all && printed === limit && last) {
    cli.afterwards(
      reverse
        ? `the newest ${count(limit)}; --limit <n> or --all shows more`
        : `go on with: --after ${last.position}`,
    );
  }
  if (cli.format === 'json') return cli.finish();
  await cli.show({
    json: shown,
    lines: () => auditTable(shown, cli.width),
    empty: shown.length === 0 && 'no events',
  });
}

const show = (audit: Command, cli: Cli): Command =>
  leaf(audit, {
    name: 'show <position>',
    summary: 'One raw event, whole',
    examples: [['makima audit show 42', 'as it is stored, with its hash']],
    act: async (position: string) => {
      const event = await cli.api.audit.event(position);
      await cli.show({ json: event, lines: () => auditFacts(event, cli.width) });
    },
  });

const verify = (audit: Command, cli: Cli): Command =>
  leaf(audit, {
    name: 'verify',
    summary: "Recompute the log's hashes; exit code 8 and the first broken event if they do not hold",
    examples: [
      ['makima audit verify', 'the whole log'],
      ['makima audit verify --stream task-0190c3d4', 'one stream'],
    ],
    options: (command) => command.option('--stream <stream>', 'only this stream'),
    act: async ({ stream: name }: { readonly stream?: string }) => {
      const bar = cli.progress('verifying');
      const answer = await cli.api.audit
        .verify({ stream: await named(cli, name) }, ({ events, position, head }) =>
          bar.update(Number(position), Number(head), `${count(events)} events`),
        )
        .finally(() => bar.end());
      await cli.show({ json: answer, lines: () => logVerificationLines(answer) });
      if (!answer.ok) throw new CommandFailed(EXIT.verificationFailed);
    },
  });
