import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { PROJECTIONS } from '#libs/features/projections.js';
import { positionToken } from '#libs/kernel/position.js';
import { Rebuilder } from '#libs/projections/rebuild.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import {
  expectTheSame,
  filesBelow,
  imported,
  sessionsOf,
  unaccounted,
  type SentFile,
} from './spec-import.js';

/** Real transcripts of others, which are no part of the project: tested where they are. */
const FOLDER =
  process.env['MAKIMA_TRANSCRIPTS'] ??
  fileURLToPath(new URL('../../../../shared/data/transcripts', import.meta.url));

const CLAUDE_CODE = [
  'M-Thisness__M-Claude/cc-invalid-lines-868.jsonl',
  'entireio__cli/cc-fork-child-early.jsonl',
  'entireio__cli/cc-fork-child.jsonl',
  'entireio__cli/cc-fork-parent.jsonl',
  'entireio__cli/cc-growth-1of3-1970.jsonl',
  'entireio__cli/cc-growth-2of3-2248.jsonl',
  'entireio__cli/cc-growth-3of3-2331.jsonl',
  'entireio__cli/cc-image-compaction-orphan-747.jsonl',
  'entireio__cli/cc-medium-writes-errors-439.jsonl',
  'entireio__cli/cc-small-28.jsonl',
  'entireio__cli/cc-small-subagent-1MB.jsonl',
  'entireio__cli/cc-tiny-12.jsonl',
  'moredip__session-share/0ccf1a04-1b4c-43b6-8aa5-79e41db43a68.jsonl',
  'moredip__session-share/4b2030ed-5563-49ea-b703-6a002f2d3cc8.jsonl',
  'moredip__session-share/cc-general-tools-userfork-562.jsonl',
] as const;
/** Messages and tool results. */
const GEMINI = [
  ['entireio__cli/gemini-small.json', 6, 2],
  ['entireio__cli/gemini-medium.json', 13, 9],
] as const;
const OTHERS = [
  'SWE-agent__SWE-agent/swe-function-calling-simple.traj',
  'SWE-agent__SWE-agent/swe-marshmallow-default.traj',
  'badlogic__pi-mono/pi-large-1019.jsonl',
];

const isHere = existsSync(FOLDER);
if (!isHere)
  process.stderr.write(`not imported, no files in ${FOLDER}: ${[...CLAUDE_CODE, ...GEMINI].join(', ')}\n`);
const testThere = isHere ? test : test.skip;

const fileNamed = (name: string): SentFile => ({ name, bytes: readFileSync(`${FOLDER}/${name}`) });

interface Counted {
  readonly assistant: number;
  readonly results: number;
  readonly tokens: number;
}

/** Counts in the main conversation of a Claude Code file, by a few lines that know nothing of the importer. */
function counted(bytes: Uint8Array): Counted {
  const usage = new Map<string, number>();
  const results = new Set<string>();
  for (const text of Buffer.from(bytes).toString('utf8').split('\n')) {
    const line = parsed(text);
    if (line?.isSidechain || line?.message === undefined) continue;
    const { id, content } = line.message;
    if (line.type === 'assistant' && id !== undefined) usage.set(id, tokensOf(line.message));
    if (line.type !== 'user' || typeof content === 'string') continue;
    for (const block of content ?? []) if (block.type === 'tool_result') results.add(block.tool_use_id);
  }
  const tokens = [...usage.values()].reduce((sum, count) => sum + count, 0);
  return { assistant: usage.size, results: results.size, tokens };
}

/** Of what the agent's own machinery says in its place, no tokens are counted. */
const tokensOf = ({ model, usage = {} }: Said): number =>
  model === '<synthetic>' ? 0 : (usage.input_tokens ?? 0) + (usage.output_tokens ?? 0);

interface Line {
  readonly type: string;
  readonly isSidechain?: boolean;
  readonly message?: Said;
}

interface Said {
  readonly id?: string;
  readonly model?: string;
  readonly usage?: { readonly input_tokens?: number; readonly output_tokens?: number };
  readonly content?: string | readonly { readonly type: string; readonly tool_use_id: string }[];
}

function parsed(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

let app: TestApp;
let database: Database;
/** Some of the files are big, and machines are busy. */
const PATIENCE_MS = 60_000;

beforeAll(async () => {
  app = await startTestApp();
  database = new Database({ url: app.databaseUrl });
});
afterAll(async () => {
  await database.close();
  await app.close();
});

const owner = () => app.secondOwner(`owner ${Math.random()}`);

/** What the read model holds of a task, on all branches. */
async function held(taskId: string) {
  const [row] = await database.query<{ assistant: bigint; results: bigint; tokens: bigint; all: bigint }>(sql`
    SELECT count(*) FILTER (WHERE role = 'assistant') AS assistant, count(*) FILTER (WHERE role = 'tool') AS results,
      coalesce(sum(token_count), 0)::bigint AS tokens, count(*) AS "all" FROM messages WHERE task_id = ${taskId}`);
  return { assistant: Number(row!.assistant), results: Number(row!.results), tokens: Number(row!.tokens) };
}

describe('real transcripts', () => {
  testThere.each(CLAUDE_CODE)(
    '%s holds what was counted in it',
    async (name) => {
      const report = await imported(await owner(), fileNamed(name));
      await app.caughtUp();
      expect(unaccounted(report)).toBe(0);
      expect(report.transcripts[0]!.problem).toBeUndefined();
      expect(await held(sessionsOf(report)[0]!.taskId)).toEqual(counted(fileNamed(name).bytes));
    },
    PATIENCE_MS,
  );

  testThere.each(GEMINI)('%s', async (name, messages, toolResults) => {
    const report = await imported(await owner(), fileNamed(name));
    expect(unaccounted(report)).toBe(0);
    expect(report.totals).toMatchObject({ messages: { new: messages }, toolResults: { new: toolResults } });
  });

  testThere(
    'that grow give the same as the last of them alone',
    async () => {
      const [alice, bob] = [await owner(), await owner()];
      const files = CLAUDE_CODE.filter((name) => name.includes('growth')).map(fileNamed);
      for (const file of files.slice(0, -1)) await imported(alice, file);
      const grown = await imported(alice, files.at(-1)!);
      expect(grown.totals.messages).toMatchObject({ total: 171, new: 19, known: 152 });
      await expectTheSame(alice, grown, bob, await imported(bob, files.at(-1)!));
      const again = await Promise.all(files.map((file) => imported(alice, file)));
      expect(again.flatMap(sessionsOf).map(({ outcome }) => outcome)).toEqual(files.map(() => 'unchanged'));
    },
    PATIENCE_MS,
  );

  testThere(
    'in a folder: each in its turn, forks after their sources, a session in pieces in one task',
    async () => {
      const alice = await owner();
      const files = filesBelow(FOLDER).filter(({ name }) => name !== 'MANIFEST.md');
      const head = await app.server.application.get(EventStore).head();
      const dry = await imported(alice, files, { dry_run: 'true' });
      const report = await imported(alice, files);
      expect(dry).toEqual({ ...report, dryRun: true, position: positionToken(head) });
      expect(unaccounted(report)).toBe(0);
      expect(report.refused.map(({ name }) => name).toSorted()).toEqual(OTHERS);
      const named = (part: string) =>
        report.transcripts.find(({ files: [file] }) => file!.includes(part))!.sessions;
      const [source] = named('cc-fork-parent');
      expect(named('cc-fork-child.jsonl')[0]).toMatchObject({
        forkedFrom: { taskId: source!.taskId, messages: 2 },
      });
      expect(named('cc-fork-child.jsonl')[1]).toMatchObject({ messages: { new: 0, inherited: 6 } });
      expect(named('cc-fork-child-early')[0]!.taskId).toBe(named('cc-fork-child.jsonl')[0]!.taskId);
      const again = await imported(alice, files);
      expect(sessionsOf(again).filter(({ outcome }) => outcome !== 'unchanged')).toEqual([]);
    },
    PATIENCE_MS,
  );

  testThere(
    'leave read models that a replay of the log gives again',
    async () => {
      await app.caughtUp();
      const rebuilder = app.server.application.get(Rebuilder);
      const { tables } = await rebuilder.verify(PROJECTIONS, () => undefined, new AbortController().signal);
      expect(tables.filter(({ equal }) => !equal)).toEqual([]);
    },
    PATIENCE_MS,
  );
});
