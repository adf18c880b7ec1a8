import { readdirSync, readFileSync } from 'node:fs';

import { readTranscripts } from './read-transcripts.js';
import {
  fileOf,
  mainSession,
  messagesOf,
  resultsOf,
  rewindsOf,
  transcriptOf,
  unaccountedLines,
  missingLines,
} from './spec-lines.js';
import type { Transcript, TranscriptEntry, TranscriptFile } from './transcript.js';

const SAMPLES = new URL('./samples/', import.meta.url);

/** All files below a folder of the samples, by their path in it. */
const filesIn = (folder: string): TranscriptFile[] =>
  readdirSync(new URL(folder, SAMPLES), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = `${entry.parentPath}/${entry.name}`.replaceAll('//', '/');
      return { name: path.slice(path.indexOf('/samples/') + '/samples/'.length), bytes: readFileSync(path) };
    });

const sampleFile = (name: string): TranscriptFile => fileOf(name, readFileSync(new URL(name, SAMPLES)));

const STORY = '5b0c7e1d-6a52-4a57-9c3b-2f8d1e94a7c6';

describe('the Claude Code sample', () => {
  const story = (): Transcript => transcriptOf(...filesIn('claude-code/'));

  test('is a session with a sub-agent', () => {
    const { sessions } = story();
    expect(sessions.map(({ sessionId, parent, title }) => [sessionId, parent, title])).toEqual([
      [STORY, undefined, 'A todo list with due dates'],
      ['b3f9c21', { sessionId: STORY, toolCallId: 'toolu_01todo0010' }, 'Find what prints todos'],
    ]);
    expect(sessions[0]).toMatchObject({
      cwd: '/home/dev/todo-list',
      gitBranch: 'main',
      model: 'claude-opus-4-6',
    });
  });

  test('has a person’s prompts, one of them taken back', () => {
    const session = mainSession(story());
    const prompts = messagesOf(session).filter(({ origin }) => origin === 'human');
    expect(prompts.map(({ content }) => content.slice(0, 30))).toEqual([
      'Make a small todo list for the',
      'Todos need a due date. Overdue',
      'Show the due dates on the comm',
      'Show the due dates on the comm',
      'Todos without a date are out o',
      'Write a line in the changelog,',
    ]);
    const [rewind] = rewindsOf(session);
    const kept = messagesOf(session).find(({ sourceId }) => sourceId === rewind?.keepUpTo);
    expect(kept?.content).toMatch(/^Both tests pass\./);
    expect(rewindsOf(session)).toHaveLength(1);
  });

  test('has parallel calls, a failing test run, a picture, a compaction and a spilled output', () => {
    const session = mainSession(story());
    expect(messagesOf(session).map(({ toolCalls }) => toolCalls?.length ?? 0)).toContain(2);
    expect(resultsOf(session).filter(({ isError }) => isError)).toMatchObject([
      { toolName: 'Bash', content: expect.stringContaining('not ok 2') as string },
    ]);
    expect(messagesOf(session).flatMap(({ images }) => images ?? [])).toMatchObject([
      { mediaType: 'image/png' },
    ]);
    expect(messagesOf(session).filter(({ origin }) => origin === 'compaction')).toHaveLength(1);
    expect(resultsOf(session).at(-1)?.content).toContain('list of 40 todos');
  });

  test('tells which files were changed, line by line', () => {
    const changes = resultsOf(mainSession(story())).flatMap(({ files }) => files ?? []);
    const short = changes.map(({ path, action, linesAdded, linesRemoved }) =>
      [action, path.replace('/home/dev/todo-list/', ''), linesAdded, linesRemoved].join(' '),
    );
    expect(short).toEqual([
      'A src/cli.mjs 5 0',
      'A src/todo.mjs 7 0',
      'M src/todo.mjs 2 2',
      'M src/todo.mjs 6 0',
      'A test/todo.test.mjs 14 0',
      'M src/todo.mjs 1 1',
      'M src/cli.mjs 1 1',
      'M src/cli.mjs 11 3',
      'M src/cli.mjs 1 1',
      'A CHANGELOG.md 3 0',
    ]);
  });

  test('accounts for every line', () => {
    const transcript = story();
    const { report } = transcript;
    expect(missingLines(transcript)).toEqual([0, 0]);
    expect(unaccountedLines(report)).toBe(0);
    expect(report).toMatchObject({
      lines: 63,
      blank: 1,
      skipped: { hook_progress: 1, bash_progress: 2, agent_progress_in_own_file: 1 },
      raw: { 'work-rhythm': 1, 'custom-title': 1 },
      notes: { output_read_from_its_file: 1 },
    });
    expect(report.invalid).toMatchObject([{ line: 49, file: `claude-code/${STORY}.jsonl` }]);
  });
});

test('a sample that has grown begins as it was, but for the message that was being written', () => {
  const shorter = mainSession(transcriptOf(sampleFile('claude-code-growing/1of2.jsonl')));
  const longer = mainSession(transcriptOf(sampleFile('claude-code-growing/2of2.jsonl')));
  const ids = (entries: readonly TranscriptEntry[]): string[] => entries.map(({ sourceId }) => sourceId);
  expect(ids(longer.entries).slice(0, shorter.entries.length)).toEqual(ids(shorter.entries));
  expect(longer.entries.length).toBeGreaterThan(shorter.entries.length);
  expect(longer.entries.slice(0, shorter.entries.length - 1)).toEqual(shorter.entries.slice(0, -1));
  const [before, after] = [shorter, longer].map((session) =>
    messagesOf(session).find(({ role }) => role === 'assistant'),
  );
  expect(before?.toolCalls).toHaveLength(1);
  expect(after).toMatchObject({
    content: before?.content,
    toolCalls: [before?.toolCalls?.[0], { name: 'Write' }],
  });
});

test('the Codex sample is a thread with a packed sub-agent', () => {
  const transcript = transcriptOf(...filesIn('codex/'));
  const { report, sessions } = transcript;
  expect(missingLines(transcript)).toEqual([0, 0]);
  expect(sessions.map(({ parent }) => parent?.sessionId)).toEqual([undefined, sessions[0]?.sessionId]);
  const [session] = sessions;
  expect(session && rewindsOf(session)).toHaveLength(1);
  expect(session && resultsOf(session).map(({ isError }) => isError)).toEqual([
    false,
    false,
    false,
    true,
    false,
    false,
  ]);
  expect(report.raw).toMatchObject({ lunch_break: 1 });
  expect(unaccountedLines(report)).toBe(0);
});

test('the Gemini CLI samples are a document and a chat of lines with a sub-agent', () => {
  const found = [...readTranscripts(filesIn('gemini-cli/'))].map((read) =>
    read.kind === 'transcript' ? read.transcript.sessions.map((session) => rewindsOf(session).length) : read,
  );
  expect(found).toContainEqual([0]);
  expect(found).toContainEqual([1, 0]);
  expect(found).toHaveLength(2);
});
