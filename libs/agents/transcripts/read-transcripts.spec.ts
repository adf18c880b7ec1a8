import { readFileSync } from 'node:fs';

import { readTranscripts } from './read-transcripts.js';
import type { TranscriptRead } from './read-transcripts.js';
import {
  claudeCode,
  fileOf,
  linesFile,
  mainSession,
  messagesOf,
  SESSION,
  transcriptOf,
} from './spec-lines.js';
import type { TranscriptFile } from './transcript.js';

const sample = (name: string): Buffer => readFileSync(new URL(`./samples/${name}`, import.meta.url));
const PACKED = 'codex/rollout-2026-03-04T09-16-05-019cc3a4-0b6e-7c11-a5d8-3f7e42c91d06.jsonl.zst';

const read = (...files: readonly TranscriptFile[]): TranscriptRead[] => [...readTranscripts(files)];

const reasons = (...files: readonly TranscriptFile[]): unknown[] =>
  read(...files).map((found) => (found.kind === 'refused' ? [found.name, found.reason] : found.files));

const NOT_SUPPORTED = 'not supported (supported are Claude Code, Codex and Gemini CLI)';

describe('files that are no transcript that can be read are named with the reason', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['empty.jsonl', '', 'the file is empty'],
    ['notes.md', '# Notes\n\nText.\n', 'no line of it is a JSON object'],
    ['picture.png', Buffer.from([0x89, 0x50, 0, 0, 10, 1]), 'not a text file'],
    [
      'other.jsonl',
      '{"a":1}\n{"b":2}\n',
      'no transcript format that is known (supported are Claude Code, Codex and Gemini CLI)',
    ],
    [
      'pi.jsonl',
      '{"type":"session","id":"x","cwd":"/w","provider":"p"}\n',
      `a session of pi: ${NOT_SUPPORTED}`,
    ],
    [
      'swe.traj',
      '{\n  "environment": "e",\n  "trajectory": [],\n  "history": []\n}\n',
      `a trajectory of SWE-agent: ${NOT_SUPPORTED}`,
    ],
    ['swe.json', '{"trajectory":[],"info":{}}', `a trajectory of SWE-agent: ${NOT_SUPPORTED}`],
    ['atif.json', '{"schema_version":"ATIF-v1.7","steps":[]}', `an ATIF trajectory: ${NOT_SUPPORTED}`],
    ['list.json', '[\n{"a":1}\n]\n', `a JSON list: ${NOT_SUPPORTED}`],
    [
      'codex.jsonl',
      '{"type":"thread.started","thread_id":"x"}\n',
      `the output of \`codex exec --json\` (its rollout file is): ${NOT_SUPPORTED}`,
    ],
    [
      'package.json',
      '{\n  "name": "x"\n}\n',
      'one JSON document of no format that is known (supported are Claude Code, Codex and Gemini CLI)',
    ],
    [
      'damaged.zst',
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
      'could not be read: its zstd data is damaged',
    ],
  ])('%s', (name, content, reason) => {
    expect(reasons(fileOf(name, content))).toEqual([[name, reason]]);
  });

  test('a file that cannot be opened', () => {
    const file: TranscriptFile = {
      name: 'locked.jsonl',
      get bytes(): Uint8Array {
        throw new Error('permission denied');
      },
    };
    expect(reasons(file)).toEqual([['locked.jsonl', 'could not be read: permission denied']]);
  });

  test('companions of sessions that are not here', () => {
    expect(
      reasons(fileOf('p/s/subagents/agent-a.meta.json', '{}'), fileOf('p/s/tool-results/t.txt', 'x')),
    ).toEqual([
      ['p/s/subagents/agent-a.meta.json', 'the sub-agent that it describes is not here'],
      ['p/s/tool-results/t.txt', 'the session that it belongs to is not here'],
    ]);
  });
});

describe('a folder', () => {
  const agent = (id: string): TranscriptFile => {
    const own = { agentId: id, isSidechain: true };
    return claudeCode().user(`${id}-1`, 'look', own).file(`p/${SESSION}/subagents/agent-${id}.jsonl`);
  };

  test('is sorted into transcripts, each with the files that belong to it', () => {
    const main = claudeCode().user('u1', 'go').file(`p/${SESSION}.jsonl`);
    const files = [
      agent('b'),
      fileOf(`p/${SESSION}/subagents/agent-b.meta.json`, '{}'),
      fileOf('p/notes.txt', 'notes'),
      main,
      fileOf(`p/${SESSION}/tool-results/t1.txt`, 'x'),
      linesFile('p/other.jsonl', [{ type: 'session_meta', payload: { id: 'c1' } }]),
      agent('a'),
    ];
    expect(reasons(...files)).toEqual([
      ['p/notes.txt', 'no line of it is a JSON object'],
      [
        `p/${SESSION}.jsonl`,
        `p/${SESSION}/subagents/agent-b.jsonl`,
        `p/${SESSION}/subagents/agent-b.meta.json`,
        `p/${SESSION}/subagents/agent-a.jsonl`,
        `p/${SESSION}/tool-results/t1.txt`,
      ],
      ['p/other.jsonl'],
    ]);
  });

  test('with several files of one session has as many transcripts; a sub-agent goes with the one that its folder is named after', () => {
    const first = claudeCode().user('u1', 'go').file('p/earlier.jsonl');
    const second = claudeCode().user('u1', 'go').user('u2', 'on').file(`p/${SESSION}.jsonl`);
    expect(reasons(first, second, agent('a'))).toEqual([
      ['p/earlier.jsonl'],
      [`p/${SESSION}.jsonl`, `p/${SESSION}/subagents/agent-a.jsonl`],
    ]);
  });

  test.each([
    ['./p//', 'p/'],
    ['p\\', 'p/'],
    ['elsewhere/', 'p/'],
  ])('may be named in several ways: %j and %j', (one, other) => {
    const main = claudeCode().user('u1', 'go').file(`${one}${SESSION}.jsonl`);
    const agent = claudeCode()
      .user('a-1', 'look', { agentId: 'a', isSidechain: true })
      .file(`${other}${SESSION}/subagents/agent-a.jsonl`);
    expect(transcriptOf(agent, main).sessions).toHaveLength(2);
  });

  test('a second file of the same sub-agent is refused', () => {
    const beside = { ...agent('a'), name: 'p/agent-a.jsonl' };
    const main = claudeCode().user('u1', 'go').file(`p/${SESSION}.jsonl`);
    expect(reasons(main, agent('a'), beside)).toContainEqual([
      'p/agent-a.jsonl',
      'another file of the same sub-agent is here',
    ]);
  });

  test('is read one transcript at a time', () => {
    const opened: string[] = [];
    const lazily = (file: TranscriptFile): TranscriptFile => ({
      name: file.name,
      get bytes() {
        opened.push(file.name);
        return file.bytes;
      },
    });
    const files = ['one', 'two', 'three'].map((name) =>
      lazily(claudeCode().user('u1', name).file(`${name}.jsonl`)),
    );
    const reads = readTranscripts(files);
    expect(reads.next().value).toMatchObject({ files: ['one.jsonl'] });
    expect(opened).toEqual(['one.jsonl', 'two.jsonl', 'three.jsonl', 'one.jsonl']);
    expect([...reads]).toHaveLength(2);
    expect(opened).toHaveLength(6);
  });
});

describe('packed files', () => {
  test('are unpacked', () => {
    const transcript = transcriptOf(fileOf(PACKED, sample(PACKED)));
    expect(transcript.report.lines).toBe(11);
    expect(messagesOf(mainSession(transcript))[0]?.content).toBe('List the exported functions of src/.');
  });

  test('are left alone when the same file is there unpacked', () => {
    const plain = linesFile('r.jsonl', [{ type: 'session_meta', payload: { id: 'c1' } }]);
    expect(reasons(fileOf('r.jsonl.zst', sample(PACKED)), plain)).toEqual([
      ['r.jsonl.zst', 'the same file is here unpacked'],
      ['r.jsonl'],
    ]);
  });
});

test('the first lines need not name the session', () => {
  const lines = claudeCode()
    .text('{"type":"summary","summary":"x","leafUuid":"y"}')
    .text('')
    .text('{bad')
    .user('u1', 'go');
  expect(mainSession(transcriptOf(lines.file('gist.jsonl'))).sessionId).toBe(SESSION);
});
