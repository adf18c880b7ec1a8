import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { ClaudeStream } from './claude-stream.js';
import { CodexStream } from './codex-stream.js';
import { commandRunner } from './command-runner.js';
import type { Happening } from './happening.js';
import { LineCounts } from './line-counts.js';
import { LineSplitter } from './line-splitter.js';
import { Narrator } from './narrator.js';
import { replayRunner } from './replay-runner.js';
import { claudeRecording } from './spec-recordings.js';
import { allOf, endOf, outputsOf, ScratchFolder } from './spec-stand-ins.js';
import type { StreamInterpreter } from './stream-interpreter.js';

const scratch = new ScratchFolder();
afterAll(() => scratch.remove());

interface OpenApi {
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** The committed description of the API, so that nothing here depends on the feature that records activity. */
const document = JSON.parse(
  readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'),
) as OpenApi;
const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
const isActivity = ajv.compile({
  $ref: '#/components/schemas/ActivityDto',
  components: document.components,
});
const FIELDS = new Set(
  Object.keys((document.components.schemas['ActivityDto'] as { properties: object }).properties),
);

/** A happening as the item that a daemon records: what has no place in one is left out. */
function itemOf(happening: Happening): object {
  if (happening.kind === 'end') {
    const { id, occurredAt, status, reason } = happening;
    return { id, occurredAt, kind: 'status', status, ...(reason !== undefined && { reason }) };
  }
  const { parentCallId: _whose, ...item } = { parentCallId: undefined, ...happening };
  return item;
}

function expectActivity(told: readonly Happening[]): void {
  for (const item of told.map(itemOf)) {
    const foreign = Object.keys(item).filter((field) => !FIELDS.has(field));
    if (!isActivity(item) || foreign.length > 0) {
      throw new Error(
        `No activity: ${ajv.errorsText(isActivity.errors)} ${foreign.join()} ${JSON.stringify(item).slice(0, 500)}`,
      );
    }
  }
  expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
}

/** Reads bytes in pieces, as a run does, and returns what was told and how the lines were counted. */
function read(interpreter: StreamInterpreter, pieces: readonly Uint8Array[], maxLineBytes: number) {
  const counts = new LineCounts();
  const told: Happening[] = [];
  const splitter = new LineSplitter(maxLineBytes);
  const hear = (lines: Iterable<Parameters<StreamInterpreter['line']>[0]>): void => {
    for (const line of lines) {
      const heard = interpreter.line(line);
      counts.count(heard.fate);
      told.push(...heard.told);
    }
  };
  for (const piece of pieces) hear(splitter.push(Buffer.from(piece)));
  hear(splitter.end());
  told.push(...interpreter.release());
  return { told, totals: counts.totals() };
}

const linesIn = (bytes: Buffer): number =>
  bytes.filter((byte) => byte === 10).length + (bytes.length > 0 && bytes.at(-1) !== 10 ? 1 : 0);

function inPieces(bytes: Buffer, cuts: readonly number[]): readonly Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (one, other) => one - other,
  );
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const word = fc.oneof(fc.string(), fc.constantFrom('', '-x', '\0', '\ud800', 'x'.repeat(600), '__proto__'));
const loose = fc.oneof(fc.jsonValue(), word, fc.constant(undefined));

/** Objects with the names that the formats use, and anything in them. */
const record = (keys: readonly string[], types: readonly string[]) =>
  fc
    .tuple(
      fc.option(fc.constantFrom(...types), { nil: undefined }),
      fc.dictionary(fc.constantFrom(...keys), loose, { maxKeys: 6 }),
    )
    .map(([type, fields]) => ({ ...fields, ...(type !== undefined && { type }) }));

const block = record(
  ['id', 'name', 'input', 'text', 'thinking', 'tool_use_id', 'content', 'is_error', 'source'],
  [
    'text',
    'thinking',
    'redacted_thinking',
    'tool_use',
    'tool_result',
    'image',
    'document',
    'mcp_tool_result',
    'new',
  ],
);

const claudeLine = fc
  .tuple(
    record(
      [
        'subtype',
        'uuid',
        'session_id',
        'parent_tool_use_id',
        'isReplay',
        'supersedes',
        'total_cost_usd',
        'modelUsage',
        'usage',
        'errors',
        'result',
        'is_error',
        'tool_use_result',
        'origin',
      ],
      ['assistant', 'user', 'result', 'system', 'stream_event', 'conversation_reset', 'new'],
    ),
    fc.option(
      fc.tuple(
        fc.array(fc.oneof(block, loose), { maxLength: 4 }),
        fc.constantFrom('m1', 'm2', undefined),
        word,
      ),
      { nil: undefined },
    ),
  )
  .map(([line, message]) =>
    message ? { ...line, message: { content: message[0], id: message[1], model: message[2] } } : line,
  );

const codexLine = fc
  .tuple(
    record(
      ['thread_id', 'usage', 'error', 'message', 'item'],
      [
        'thread.started',
        'turn.started',
        'turn.completed',
        'turn.failed',
        'item.started',
        'item.updated',
        'item.completed',
        'error',
        'new',
      ],
    ),
    fc.option(
      record(
        [
          'text',
          'command',
          'aggregated_output',
          'exit_code',
          'status',
          'changes',
          'server',
          'tool',
          'arguments',
          'result',
          'error',
          'query',
          'message',
        ],
        [
          'agent_message',
          'reasoning',
          'command_execution',
          'file_change',
          'mcp_tool_call',
          'web_search',
          'todo_list',
          'error',
          'new',
        ],
      ),
      { nil: undefined },
    ),
    fc.constantFrom('item_0', 'item_1', '', 7),
  )
  .map(([line, item, id]) => (item ? { ...line, item: { ...item, id } } : line));

const output = (line: fc.Arbitrary<object>): fc.Arbitrary<Buffer> =>
  fc
    .array(
      fc.oneof(
        line.map((value) => Buffer.from(`${JSON.stringify(value)}\n`)),
        line.map((value) => Buffer.from(JSON.stringify(value).slice(0, 20))),
        fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
        fc
          .constantFrom(
            '\n',
            '\r\n',
            '{}\n',
            '{"told":[],"fate":{}}\n',
            '\ufeff{}\n',
            `${'['.repeat(5000)}\n`,
          )
          .map((text) => Buffer.from(text)),
      ),
      { maxLength: 12 },
    )
    .map((parts) => Buffer.concat(parts));

const cuts = fc.array(fc.nat(), { maxLength: 6 });
const RUNS = { numRuns: 1_500 };

describe.each([
  ['claude', output(claudeLine), (narrator: Narrator): StreamInterpreter => new ClaudeStream(narrator)],
  ['codex', output(codexLine), (narrator: Narrator): StreamInterpreter => new CodexStream(narrator)],
])('whatever %s prints', (_name, bytesOf, interpreter) => {
  test('every line is accounted for, and what is told can be recorded', () => {
    fc.assert(
      fc.property(bytesOf, cuts, fc.constantFrom(50, 1_000_000), (bytes, at, maxLineBytes) => {
        const { told, totals } = read(interpreter(new Narrator('run')), inPieces(bytes, at), maxLineBytes);
        expect(totals.read).toBe(linesIn(bytes));
        expectActivity(told);
      }),
      RUNS,
    );
  });

  test('the pieces in which it comes change nothing', () => {
    const now = (): Date => new Date(0);
    fc.assert(
      fc.property(bytesOf, cuts, (bytes, at) => {
        const whole = read(interpreter(new Narrator('run', now)), [bytes], 1_000_000);
        expect(read(interpreter(new Narrator('run', now)), inPieces(bytes, at), 1_000_000)).toEqual(whole);
      }),
      RUNS,
    );
  });
});

test('whatever a program prints, every line of it comes as it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (array) => {
      const bytes = Buffer.from(array);
      const program = scratch.program({ base64: bytes.toString('base64') });
      const told = await allOf(await commandRunner({ command: [program] }).start(scratch.request()));
      const lines = bytes
        .toString('utf8')
        .split('\n')
        .map((line) => line.replace(/\r$/, ''));
      expect(endOf(told).lines.read).toBe(linesIn(bytes));
      expect(outputsOf(told).join('\n')).toBe(lines.join('\n').replace(/\n$/, ''));
      expectActivity(told);
    }),
    { numRuns: 15 },
  );
});

test('what a replay tells can be recorded too', async () => {
  const recording = claudeRecording([
    ['Write', { file_path: '/w/a', content: 'x' }],
    ['Edit', { file_path: '/x', old_string: '' }],
  ]);
  const agent = await replayRunner({ files: [recording] }).start(
    scratch.request({ folder: scratch.folder() }),
  );
  expectActivity(await allOf(agent));
});

test('the check itself tells what cannot be recorded', () => {
  const narrator = new Narrator('run');
  const fine = narrator.tell('1', { kind: 'output', channel: 'agent', content: '' });
  expect(() => expectActivity([fine])).not.toThrow();
  expect(() => expectActivity([fine, fine])).toThrow();
  expect(() => expectActivity([{ ...fine, id: 'no uuid' }])).toThrow(/No activity/);
  const unnamed = { id: '', name: '', input: {} };
  expect(() =>
    expectActivity([
      narrator.tell('2', { kind: 'message', role: 'assistant', content: '', toolCalls: [unnamed] }),
    ]),
  ).toThrow(/No activity/);
});
