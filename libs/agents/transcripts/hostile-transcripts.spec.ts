import { readTranscripts } from './read-transcripts.js';
import {
  claudeCode,
  fileOf,
  linesFile,
  mainSession,
  SESSION,
  transcriptOf,
  unaccountedLines,
  missingLines,
} from './spec-lines.js';
import type { Transcript } from './transcript.js';

const LINES = 20_000;

const repeated = (
  line: (index: number) => unknown,
  first: readonly unknown[] = [],
  length = LINES,
): Transcript =>
  transcriptOf(
    linesFile(`${SESSION}.jsonl`, [...first, ...Array.from({ length }, (_, index) => line(index))]),
  );

const prompt = (index: number, fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  type: 'user',
  uuid: `u${index}`,
  parentUuid: index === 0 ? null : `u${index - 1}`,
  sessionId: SESSION,
  timestamp: '2026-01-05T10:00:00.000Z',
  message: { content: `prompt ${index}` },
  ...fields,
});

const idsOf = ({ sessions }: Transcript): string[] =>
  sessions.flatMap(({ sessionId, entries }) => entries.map((entry) => `${sessionId}/${entry.sourceId}`));

/** Work that grows with the square of the lines takes minutes; the limit is far from what linear work takes. */
const LIMIT_MS = 30_000;

describe('very many lines', () => {
  const progress = (index: number): unknown => ({
    type: 'progress',
    sessionId: SESSION,
    uuid: `p${index}`,
    data: {
      type: 'agent_progress',
      agentId: `a${index}`,
      message: { type: 'user', message: { content: 'go' } },
    },
  });

  test.each<[string, () => Transcript]>([
    ['each under the one before', () => repeated((index) => prompt(index), [], 100_000)],
    [
      'all under the first',
      () => repeated((index) => prompt(index, { parentUuid: index === 0 ? null : 'u0' })),
    ],
    ['each under itself', () => repeated((index) => prompt(index, { parentUuid: `u${index}` }))],
    [
      'each under the next, in a circle',
      () => repeated((index) => prompt(index, { parentUuid: `u${(index + 1) % LINES}` })),
    ],
    ['all with the same id', () => repeated((index) => prompt(index, { uuid: 'same', parentUuid: 'same' }))],
    [
      'of side chains',
      () => repeated((index) => prompt(index, { isSidechain: index > 0, parentUuid: null })),
    ],
    ['of sub-agents', () => repeated(progress, [prompt(0)])],
    [
      'of as many types',
      () => repeated((index) => ({ ...prompt(index), type: `type-${index}` }), [prompt(0)]),
    ],
    ['of as many sessions', () => repeated((index) => prompt(index, { sessionId: `s${index}` }))],
    [
      'of one message',
      () =>
        repeated(
          (index) => ({
            ...prompt(index),
            type: 'assistant',
            message: { id: 'm', content: [{ type: 'text', text: `${index}` }] },
          }),
          [prompt(0, { uuid: 'first' })],
        ),
    ],
    [
      'of commands and then prompts',
      () =>
        repeated((index) =>
          index < LINES / 2
            ? prompt(index, { isMeta: index > 0 })
            : prompt(index, { parentUuid: `u${LINES / 2 - 1}` }),
        ),
    ],
    [
      'of Codex turns that are rolled back',
      () =>
        repeated(
          (index) =>
            index % 2 === 0
              ? { type: 'response_item', payload: { type: 'message', role: 'user', content: 'go' } }
              : {
                  type: 'event_msg',
                  payload: { type: 'thread_rolled_back', num_turns: index === LINES - 1 ? 1e300 : 1 },
                },
          [{ type: 'session_meta', payload: { id: 'c' } }],
        ),
    ],
    [
      'of Gemini messages that are taken back',
      () =>
        repeated(
          (index) =>
            index < LINES / 2
              ? { id: `m${index}`, type: 'user', content: 'go' }
              : { $rewindTo: `m${LINES - 1 - index}` },
          [{ sessionId: 'g', projectHash: 'h' }],
        ),
    ],
    [
      'of Gemini histories',
      () =>
        repeated(
          (index) =>
            index < LINES / 2
              ? { id: `m${index}`, type: 'user', content: 'go' }
              : { $set: { messages: [{ id: `n${index}`, type: 'user', content: 'x' }] } },
          [{ sessionId: 'g', projectHash: 'h' }],
        ),
    ],
  ])(
    '%s',
    (_name, read) => {
      const transcript = read();
      expect(unaccountedLines(transcript.report)).toBe(0);
      expect(missingLines(transcript)).toEqual([0, 0]);
      expect(transcript.report.lines).toBeGreaterThanOrEqual(LINES);
      expect(Object.keys(transcript.report.raw).length).toBeLessThan(300);
      const ids = idsOf(transcript);
      expect(new Set(ids).size).toBe(ids.length);
    },
    LIMIT_MS,
  );
});

describe('lines that are nested deeper than anything', () => {
  const deep = (open: string, close: string): string => `${open.repeat(200_000)}1${close.repeat(200_000)}`;
  const objects = deep('{"a":', '}');
  const lists = deep('[', ']');

  test.each([
    ['content', `{"type":"user","uuid":"d","sessionId":"s","message":{"content":${lists}}}`],
    [
      'a result',
      `{"type":"user","uuid":"d","sessionId":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":${lists}}]}}`,
    ],
    [
      'a call’s input',
      `{"type":"assistant","uuid":"d","sessionId":"s","message":{"content":[{"type":"tool_use","id":"t","name":"X","input":${objects}}]}}`,
    ],
    [
      'a prompt',
      `{"type":"attachment","uuid":"d","sessionId":"s","attachment":{"type":"queued_command","prompt":["x",${lists}]}}`,
    ],
    ['a type that is not known', `{"type":"new","uuid":"d","sessionId":"s","x":${objects}}`],
  ])('are kept as they are: %s', (_name, line) => {
    const { report, sessions } = transcriptOf(claudeCode().user('u1', 'go').text(line).file());
    expect(report).toMatchObject({ imported: 1, invalid: [] });
    expect(sessions[0]?.entries.at(-1)).toMatchObject({ kind: 'raw', raw: line });
    expect(() => JSON.stringify(sessions)).not.toThrow();
  });

  test('in the structured form of a result do no harm', () => {
    const line = `{"type":"user","uuid":"d","sessionId":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"ok"}]},"toolUseResult":${objects}}`;
    expect(transcriptOf(claudeCode().user('u1', 'go').text(line).file()).report.imported).toBe(2);
  });

  test.each([
    [
      'codex',
      `{"type":"session_meta","payload":{"id":"c"}}\n{"type":"response_item","payload":{"type":"custom_tool_call","call_id":"x","name":"y","input":${objects}}}\n`,
    ],
    [
      'gemini',
      `{"sessionId":"s","projectHash":"h"}\n{"id":"m","type":"gemini","content":"","toolCalls":[{"id":"t","name":"x","args":${objects}}]}\n`,
    ],
  ])('of %s', (_name, text) => {
    const transcript = transcriptOf(fileOf('x.jsonl', text));
    expect(mainSession(transcript).entries.map((entry) => entry.kind)).toEqual(['raw', 'raw']);
    expect(() => JSON.stringify(transcript)).not.toThrow();
  });
});

test('names of JavaScript’s own are ordinary names', () => {
  const transcript = transcriptOf(
    claudeCode()
      .user('__proto__', 'go')
      .text('{"type":"__proto__","uuid":"constructor","sessionId":"__proto__","__proto__":{"type":"user"}}')
      .text(
        '{"type":"assistant","uuid":"toString","sessionId":"s","message":{"id":"__proto__","content":[{"type":"tool_use","id":"__proto__","name":"constructor","input":{"__proto__":{"polluted":true}}}]}}',
      )
      .file(),
  );
  expect(Object.entries(transcript.report.raw)).toEqual([['__proto__', 1]]);
  expect(mainSession(transcript).entries.map((entry) => entry.sourceId)).toEqual([
    '__proto__',
    'constructor',
    'toString',
  ]);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('ids that are no ids are named by their content', () => {
  const bad = 'x\u001b]0;title\u0007'.repeat(1000);
  const transcript = transcriptOf(
    claudeCode().user(bad, 'go').calls('a1', 'm1', bad, 'Read').result('r1', bad, 'ok').file(),
  );
  const [first, second, third] = mainSession(transcript).entries;
  expect(first?.sourceId).toMatch(/^id-[0-9a-f]{16}$/);
  expect(second).toMatchObject({ toolCalls: [{ id: first?.sourceId }] });
  expect(third).toMatchObject({ toolCallId: first?.sourceId, toolName: 'Read' });
});

test('NUL, lone surrogates and bytes that are no text come through', () => {
  const lines = claudeCode().user('u1', 'nul \u0000 and half \ud83d');
  const bytes = Buffer.concat([
    lines.file().bytes,
    Buffer.from('{"type":"user","uuid":"u2","message":{"content":"\xff"}}\n', 'latin1'),
  ]);
  const transcript = transcriptOf(fileOf('x.jsonl', bytes));
  expect(mainSession(transcript).entries).toMatchObject([
    { content: 'nul \u0000 and half \ud83d' },
    { content: '\ufffd' },
  ]);
  expect(transcript.report.notes).toEqual({ not_utf8: 1 });
});

test('a file cut at any byte is read as far as it goes', () => {
  const { bytes } = claudeCode()
    .user('u1', 'héllo')
    .says('a1', 'm1', 'hi')
    .calls('a2', 'm1', 't1', 'Read')
    .result('r1', 't1', 'x')
    .file();
  for (let length = 1; length <= bytes.length; length += 1) {
    for (const read of readTranscripts([fileOf('x.jsonl', bytes.subarray(0, length))])) {
      if (read.kind === 'transcript') expect(unaccountedLines(read.transcript.report)).toBe(0);
    }
  }
});

test('random bytes are never more than refused', () => {
  let seed = 42;
  const random = (): number => (seed = (seed * 1103515245 + 12345) % 2147483648);
  const line = '{"type":"user","uuid":"u1","sessionId":"s","message":{"content":[{"type":"tool_result"}]}}\n';
  for (let round = 0; round < 2000; round += 1) {
    const bytes = Buffer.from(line.repeat(3));
    for (let change = 0; change < 6; change += 1) bytes[random() % bytes.length] = random() % 256;
    expect([...readTranscripts([fileOf('x.jsonl', bytes)])]).toHaveLength(1);
  }
});
