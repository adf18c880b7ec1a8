import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { readTranscripts } from './read-transcripts.js';
import type { TranscriptRead } from './read-transcripts.js';
import {
  mainSession,
  messagesOf,
  resultsOf,
  rewindsOf,
  transcriptOf,
  unaccountedLines,
  missingLines,
} from './spec-lines.js';
import type { Transcript, TranscriptFile, TranscriptSession } from './transcript.js';

/** Real transcripts of others, which are no part of the project: tested where they are. */
const FOLDER =
  process.env['MAKIMA_TRANSCRIPTS'] ??
  fileURLToPath(new URL('../../../../shared/data/transcripts', import.meta.url));

/** File: sessions, messages, tool results, rewinds, raw, skipped, invalid lines. */
const EXPECTED: readonly (readonly [string, readonly number[]])[] = [
  ['M-Thisness__M-Claude/cc-invalid-lines-868.jsonl', [1, 154, 164, 0, 49, 240, 28]],
  ['entireio__cli/cc-fork-child-early.jsonl', [1, 13, 11, 0, 4, 5, 0]],
  ['entireio__cli/cc-fork-child.jsonl', [2, 33, 36, 0, 3, 17, 0]],
  ['entireio__cli/cc-fork-parent.jsonl', [2, 8, 13, 0, 1, 3, 0]],
  ['entireio__cli/cc-growth-1of3-1970.jsonl', [1, 137, 150, 0, 19, 1558, 0]],
  ['entireio__cli/cc-growth-2of3-2248.jsonl', [1, 152, 165, 0, 23, 1793, 0]],
  ['entireio__cli/cc-growth-3of3-2331.jsonl', [1, 171, 182, 0, 30, 1826, 0]],
  ['entireio__cli/cc-image-compaction-orphan-747.jsonl', [1, 168, 126, 0, 67, 293, 0]],
  ['entireio__cli/cc-medium-writes-errors-439.jsonl', [2, 108, 111, 0, 14, 102, 0]],
  ['entireio__cli/cc-small-28.jsonl', [1, 9, 4, 0, 5, 7, 0]],
  ['entireio__cli/cc-small-subagent-1MB.jsonl', [2, 16, 15, 0, 0, 3, 0]],
  ['entireio__cli/cc-tiny-12.jsonl', [1, 3, 1, 0, 2, 4, 0]],
  ['entireio__cli/gemini-medium.json', [1, 13, 9, 0, 0, 0, 0]],
  ['entireio__cli/gemini-small.json', [1, 6, 2, 0, 0, 0, 0]],
  ['moredip__session-share/0ccf1a04-1b4c-43b6-8aa5-79e41db43a68.jsonl', [6, 52, 12, 0, 27, 11, 0]],
  ['moredip__session-share/4b2030ed-5563-49ea-b703-6a002f2d3cc8.jsonl', [2, 6, 2, 0, 2, 6, 0]],
  ['moredip__session-share/cc-general-tools-userfork-562.jsonl', [1, 74, 64, 0, 29, 306, 0]],
];

const GROWING = [1970, 2248, 2331].map(
  (lines, index) => `entireio__cli/cc-growth-${index + 1}of3-${lines}.jsonl`,
);

const isHere = existsSync(FOLDER);
if (!isHere)
  process.stderr.write(`not tested, no files in ${FOLDER}: ${EXPECTED.map(([name]) => name).join(', ')}\n`);
const testThere = isHere ? test : test.skip;

const fileNamed = (name: string): TranscriptFile => ({ name, bytes: readFileSync(`${FOLDER}/${name}`) });

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(FOLDER.length + 1));

/** The transcript of a session with the files of its folder. */
function sessionNamed(name: string): Transcript {
  const folder = `${FOLDER}/${name.replace(/\.jsonl$/, '')}`;
  const others = name.endsWith('.jsonl') && existsSync(folder) ? filesBelow(folder) : [];
  return transcriptOf(...[name, ...others].map(fileNamed));
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const count = (
  sessions: readonly TranscriptSession[],
  of: (session: TranscriptSession) => readonly unknown[],
): number => sessions.reduce((total, session) => total + of(session).length, 0);

describe('real transcripts', () => {
  testThere.each(EXPECTED)('%s', (name, expected) => {
    const transcript = sessionNamed(name);
    const { report, sessions } = transcript;
    expect(missingLines(transcript)).toEqual([0, 0]);
    expect([
      sessions.length,
      count(sessions, messagesOf),
      count(sessions, resultsOf),
      count(sessions, rewindsOf),
      sum(report.raw),
      sum(report.skipped),
      report.invalidCount,
    ]).toEqual(expected);
    expect(unaccountedLines(report)).toBe(0);
    for (const { entries } of sessions)
      expect(new Set(entries.map(({ sourceId }) => sourceId)).size).toBe(entries.length);
  });

  testThere.each(EXPECTED.map(([name]) => name).filter((name) => name.includes('/cc-')))(
    '%s: the same as a naive count',
    (name) => {
      const naive = naiveCount(fileNamed(name).bytes);
      const session = mainSession(sessionNamed(name));
      const answers = messagesOf(session).filter(({ role }) => role === 'assistant');
      expect({
        answers: answers.length,
        results: resultsOf(session).length,
        output: answers.reduce((total, { usage }) => total + (usage?.output ?? 0), 0),
        calls: answers.reduce((total, { toolCalls }) => total + (toolCalls?.length ?? 0), 0),
      }).toEqual(naive);
    },
  );

  testThere('of one session that grows begin alike', () => {
    const sessions = GROWING.map((name) => mainSession(sessionNamed(name)));
    for (const [index, shorter] of sessions.slice(0, -1).entries()) {
      const longer = sessions[index + 1];
      const { length } = shorter.entries;
      expect(longer?.entries.slice(0, length)).toEqual(shorter.entries);
      expect(longer?.entries.length).toBeGreaterThan(length);
    }
  });

  testThere('of a fork begin with the entries of their source', () => {
    const [source, fork] = ['entireio__cli/cc-fork-parent.jsonl', 'entireio__cli/cc-fork-child.jsonl'].map(
      (name) => mainSession(sessionNamed(name)),
    );
    const ids = (session: TranscriptSession | undefined): string[] =>
      session ? [...messagesOf(session), ...resultsOf(session)].map(({ sourceId }) => sourceId) : [];
    expect(ids(source).length).toBeGreaterThan(1);
    expect(ids(fork)).toEqual(expect.arrayContaining(ids(source)));
    expect(fork?.sessionId).not.toBe(source?.sessionId);
  });

  testThere('of a repeated history are counted once', () => {
    const { report } = sessionNamed('moredip__session-share/cc-general-tools-userfork-562.jsonl');
    expect(report.skipped).toMatchObject({ repeated: 177, comment: 2 });
  });

  testThere('of a folder are read together, and other agents’ files named', () => {
    const reads = [...readTranscripts(filesBelow(FOLDER).map(fileNamed))];
    const isRead = (read: TranscriptRead): boolean => read.kind === 'transcript';
    expect(reads.filter(isRead)).toHaveLength(EXPECTED.length);
    expect(
      reads.flatMap((read) => (read.kind === 'refused' ? [read.reason.split(':')[0]] : [])).sort(),
    ).toEqual([
      'a session of pi',
      'a trajectory of SWE-agent',
      'a trajectory of SWE-agent',
      'no line of it is a JSON object',
    ]);
  });
});

interface NaiveBlock {
  readonly type: string;
  readonly id?: string;
  readonly tool_use_id?: string;
}

interface NaiveLine {
  readonly type?: string;
  readonly message?: {
    readonly id: string;
    readonly usage?: { readonly output_tokens?: number };
    readonly content: string | readonly NaiveBlock[];
  };
}

/** Counted another way: by ids alone, line by line. */
function naiveCount(bytes: Uint8Array): { answers: number; results: number; output: number; calls: number } {
  const output = new Map<string, number>();
  const calls = new Set<string | undefined>();
  const results = new Set<string | undefined>();
  for (const text of Buffer.from(bytes).toString('utf8').split('\n')) {
    let line: NaiveLine;
    try {
      line = JSON.parse(text) as NaiveLine;
    } catch {
      continue;
    }
    const { type, message } = line;
    if (type === 'assistant' && message) output.set(message.id, message.usage?.output_tokens ?? 0);
    const isMessage = type === 'assistant' || type === 'user';
    const content = isMessage && typeof message?.content === 'object' ? message.content : [];
    for (const block of content) {
      if (block.type === 'tool_use') calls.add(block.id);
      if (block.type === 'tool_result') results.add(block.tool_use_id);
    }
  }
  const total = [...output.values()].reduce((all, each) => all + each, 0);
  return { answers: output.size, results: results.size, output: total, calls: calls.size };
}
