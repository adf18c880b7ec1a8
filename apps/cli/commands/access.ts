import { Option, type Command } from 'commander';
import type { NewKey } from '#libs/client/routes/admin-routes.js';
import type { AccessKey } from '#libs/client/types-admin.js';
import type { Cli } from '../cli.js';
import { leaf, mayAsk, noun } from '../command.js';
import { resolveContract } from '../input/ids.js';
import { listed as values, positive } from '../input/numbers.js';
import { parseTime } from '../input/time.js';
import { factLines, tableLines } from '../terminal/table.js';
import { line, span, type Line } from '../terminal/styled.js';
import { count, done, localTime, oneLine } from '../views/format.js';
import { listed, type ListOptions } from './listing.js';

const KINDS = ['user', 'tool', 'daemon', 'admin', 'auditor'];
const SCOPES =
  'history:read, history:write, conversation:rewind, import:write, chat:write, access:manage, audit:read, admin:projections, daemon:work, all-owners';

/** `makima access …` */
export function accessCommands(program: Command, cli: Cli): void {
  const access = noun(program, 'access', 'Keys: who may do what');
  create(access, cli);
  list(access, cli);
  revoke(access, cli);
}

interface CreateOptions {
  readonly kind: string;
  readonly name: string;
  readonly contract?: string;
  readonly scopes?: readonly string[];
  readonly expires?: string;
}

const create = (access: Command, cli: Cli): Command =>
  leaf(access, {
    name: 'create',
    summary: 'Create a key; it is shown this once',
    notes: `Scopes: ${SCOPES}.`,
    examples: [
      [
        'makima access create --kind tool --contract 0190a1b2 --name "supervisor of the login work"',
        "a supervisor's key, for one contract",
      ],
      ['makima access create --kind auditor --name audit --expires 2030-01-01', 'reads the log, until then'],
      ['export MAKIMA_TOKEN=$(makima access create --name laptop)', 'the key alone goes to stdout in a pipe'],
    ],
    options: (command) =>
      command
        .addOption(new Option('--kind <kind>', 'who will use it').choices(KINDS).default('user'))
        .requiredOption('--name <name>', 'what it is for')
        .option('--contract <id>', 'for a tool key: the one contract that it reaches')
        .option('--scopes <scopes>', 'what it may do (otherwise what is usual for its kind)', values)
        .option('--expires <time>', 'when it stops working (otherwise never)'),
    act: async (options: CreateOptions) => {
      const key = await cli.api.access.create(await requestOf(cli, options));
      cli.afterwards(`keep it now: it cannot be shown again. Revoke it with: makima access revoke ${key.id}`);
      const lines = () => (cli.out.isTerminal ? [...keyFacts(key, cli.width)] : [line(key.token ?? '')]);
      await cli.show({ json: key, lines });
    },
  });

async function requestOf(
  cli: Cli,
  { kind, name, contract, scopes, expires }: CreateOptions,
): Promise<NewKey> {
  return {
    kind,
    name,
    ...(contract === undefined ? {} : { contractId: await resolveContract(cli.api, contract) }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(expires === undefined ? {} : { expiresAt: parseTime(expires, cli.now) }),
  };
}

const keyFacts = (key: AccessKey, width: number): readonly Line[] =>
  factLines(
    [
      ['key', key.token ? span(key.token, 'bold', 'green') : ''],
      ['id', key.id],
      ['kind', key.kind],
      ['name', oneLine(key.name ?? '')],
      ['contract', key.contractId ?? ''],
      ['scopes', key.scopes.join(', ')],
      ['expires', key.expiresAt ? localTime(key.expiresAt) : 'never'],
    ],
    width,
  );

const list = (access: Command, cli: Cli): Command =>
  leaf(access, {
    name: 'list',
    summary: 'Keys, without their secrets; newest first',
    examples: [['makima access list', 'revoked and expired ones too']],
    options: (command) =>
      command.option('-n, --limit <n>', 'the newest n', positive, 100).option('--all', 'all, however many'),
    act: async (options: ListOptions) => {
      const page = await listed(options, (query) => cli.api.access.list(query), 'keys');
      if (page.cursor)
        cli.afterwards(`the newest ${count(page.keys.length)}; --limit <n> or --all shows more`);
      await cli.show({
        json: page,
        lines: () => keyTable(page.keys, cli.now, cli.width),
        empty: page.keys.length === 0 && 'no keys',
      });
    },
  });

const keyTable = (keys: readonly AccessKey[], now: Date, width: number): readonly Line[] =>
  tableLines(
    [
      { head: 'key' },
      { head: 'kind' },
      { head: 'state' },
      { head: 'created' },
      { head: 'last used' },
      { head: 'name', narrow: 'wrap' },
      { head: 'scopes', narrow: 'wrap' },
    ],
    keys.map((key) => [
      span(key.id, 'bold'),
      key.kind,
      stateOf(key, now),
      localTime(key.createdAt),
      key.lastUsedAt ? localTime(key.lastUsedAt) : span('never', 'dim'),
      oneLine(key.name ?? ''),
      span(key.scopes.join(' '), 'dim'),
    ]),
    width,
  );

function stateOf({ revokedAt, expiresAt }: AccessKey, now: Date) {
  if (revokedAt) return span('revoked', 'red');
  return expiresAt && new Date(expiresAt) <= now ? span('expired', 'yellow') : span('works', 'green');
}

const revoke = (access: Command, cli: Cli): Command =>
  leaf(access, {
    name: 'revoke <key>',
    summary: 'Make a key useless, at once and for ever',
    examples: [['makima access revoke 0123456789abcdef --yes', 'the id of the key, as access list shows it']],
    options: (command) => mayAsk(command),
    act: async (id: string) => {
      if (!(await cli.insistOn(`Revoke key ${id} for ever?`))) return cli.note('nothing was changed');
      await cli.api.access.revoke(id);
      await cli.show({ json: { id, revoked: true }, lines: () => [done(`key ${id} is revoked`)] });
    },
  });
