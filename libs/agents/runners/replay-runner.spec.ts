import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TranscriptFile } from '../transcripts/transcript.js';
import type { Happening } from './happening.js';
import { replayRunner, type ReplayOptions } from './replay-runner.js';
import { RunRefused, type RunningAgent, type RunRequest } from './runner.js';
import { claudeRecording, RECORDED_SESSION } from './spec-recordings.js';
import { allOf, endOf, ofKind, readUntil, ScratchFolder } from './spec-stand-ins.js';

const scratch = new ScratchFolder();
afterAll(() => scratch.remove());

const start = (options: ReplayOptions, more: Partial<RunRequest>): Promise<RunningAgent> =>
  replayRunner(options).start(scratch.request({ runId: 'run-1', ...more }));

const play = async (
  files: TranscriptFile | readonly TranscriptFile[],
  more: Partial<RunRequest>,
): Promise<readonly Happening[]> => allOf(await start({ files: [files].flat() }, more));

const filesIn = (folder: string): readonly TranscriptFile[] => {
  const root = fileURLToPath(new URL(`../transcripts/samples/${folder}`, import.meta.url));
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ name: path.slice(root.length), bytes: readFileSync(path) }));
};

describe('a recorded session', () => {
  const recording = filesIn('claude-code/');

  test('leaves the files that its agent left: their tests pass', async () => {
    const folder = scratch.folder();
    const told = await play(recording, { folder });
    expect(endOf(told)).toMatchObject({ status: 'completed', outcome: { as: 'completed' } });
    expect(readdirSync(folder).sort()).toEqual(['CHANGELOG.md', 'src', 'test']);
    // It prints to nobody, and knows nothing of the test that runs it.
    execFileSync(process.execPath, ['--test'], { cwd: folder, env: {}, stdio: 'ignore' });
    const files = ofKind(told, 'tool_result').flatMap((result) => result.files ?? []);
    expect(files[0]).toMatchObject({ path: 'src/cli.mjs', action: 'A', linesRemoved: 0 });
    expect(files.map(({ path }) => path)).toContain('CHANGELOG.md');
  });

  test('is told as it was recorded, sub-agents where they were started', async () => {
    const told = await play(recording, { folder: scratch.folder() });
    const main = ofKind(told, 'message').filter(({ parentCallId }) => parentCallId === undefined);
    expect(main[0]).toMatchObject({ role: 'user', content: expect.stringContaining('todo list') });
    const subs = told.filter((each) => 'parentCallId' in each);
    expect(subs.length).toBeGreaterThan(1);
    expect(new Set(subs.map((each) => 'parentCallId' in each && each.parentCallId))).toEqual(
      new Set(['run-1:toolu_01todo0010']),
    );
    const started = told.findIndex(
      (each) => each.kind === 'message' && each.toolCalls?.some(({ id }) => id === 'run-1:toolu_01todo0010'),
    );
    const answered = told.findIndex(
      (each) => each.kind === 'tool_result' && each.toolCallId === 'run-1:toolu_01todo0010',
    );
    const places = subs.map((each) => told.indexOf(each));
    expect(Math.min(...places)).toBeGreaterThan(started);
    expect(Math.max(...places)).toBeLessThan(answered);
    const { lines, usage } = endOf(told);
    expect(lines.read).toBe(told.length - 2);
    expect(usage?.output).toBe(
      ofKind(told, 'message').reduce((sum, message) => sum + (message.usage?.output ?? 0), 0),
    );
  });

  test('has the same ids in the same run, other ones in another, and never one twice', async () => {
    const idsOf = async (runId: string): Promise<readonly string[]> =>
      (await play(recording, { runId, folder: scratch.folder() })).map(({ id }) => id);
    const [one, again, other] = await Promise.all(['run-1', 'run-1', 'run-2'].map(idsOf));
    expect(new Set(one).size).toBe(one?.length);
    expect(again).toEqual(one);
    expect(other?.some((id) => one?.includes(id))).toBe(false);
  });

  test('goes on where it was left, and the edits are those of one run', async () => {
    const folder = scratch.folder();
    const whole = scratch.folder();
    await play(recording, { folder: whole });
    const first = await start({ files: recording }, { folder });
    await readUntil(
      first[Symbol.asyncIterator](),
      (each) => each.kind === 'tool_result' && each.files !== undefined,
    );
    await first.stop();
    const resume = { conversationId: first.conversationId! };
    expect(resume.conversationId).toMatch(/#\d+$/);
    const rest = await allOf(await start({ files: recording }, { folder, resume, runId: 'run-2' }));
    expect(ofKind(rest, 'tool_result').filter(({ isError }) => isError)).toHaveLength(1);
    for (const path of ['src/todo.mjs', 'src/cli.mjs', 'CHANGELOG.md']) {
      expect(readFileSync(join(folder, path), 'utf8')).toBe(readFileSync(join(whole, path), 'utf8'));
    }
    for (const conversationId of ['other#1', `${resume.conversationId}999`, 'x']) {
      await expect(start({ files: recording }, { folder, resume: { conversationId } })).rejects.toThrow(
        RunRefused,
      );
    }
  });

  test('of Codex has its patches applied', async () => {
    const folder = scratch.folder();
    const told = await play(filesIn('codex/'), { folder });
    expect(readFileSync(join(folder, 'src/find.mjs'), 'utf8')).toContain('toLowerCase().includes(wanted)');
    const files = ofKind(told, 'tool_result').flatMap((result) => result.files ?? []);
    expect(files.slice(0, 3)).toMatchObject([
      { path: 'src/find.mjs', action: 'A', linesAdded: 4 },
      { path: 'test/find.test.mjs', action: 'A' },
      { path: 'src/find.mjs', action: 'M', linesAdded: 2, linesRemoved: 1 },
    ]);
  });
});

describe('speed', () => {
  const slow = (): TranscriptFile =>
    claudeRecording(
      [
        ['Write', { file_path: '/w/a', content: '1' }],
        ['Write', { file_path: '/w/b', content: '2' }],
      ],
      { secondsApart: 3600 },
    );

  test('at once by default; a stop ends a pause at once, and nothing is edited after it', async () => {
    const folder = scratch.folder();
    expect(endOf(await play(slow(), { folder })).outcome.as).toBe('completed');
    expect(readdirSync(folder)).toEqual(['a', 'b']);

    const stopped = scratch.folder();
    // What comes next is a result, with its edit.
    const resume = { conversationId: `${RECORDED_SESSION}#2` };
    const agent = await start(
      { files: [slow()], speed: 1, maxPauseMs: 600_000 },
      { folder: stopped, resume },
    );
    const reader = agent[Symbol.asyncIterator]();
    await readUntil(reader, (each) => each.kind === 'status');
    const rest = readUntil(reader, (each) => each.kind === 'end');
    await agent.stop({ reason: 'Enough.' });
    expect(endOf(await rest)).toMatchObject({
      status: 'interrupted',
      conversationId: resume.conversationId,
      outcome: { as: 'stopped', reason: 'Enough.' },
    });
    expect(readdirSync(stopped)).toEqual([]);
  });

  test('follows the recording, divided and bounded; a limit ends it', async () => {
    const at = async (speed: number): Promise<number> => {
      const before = performance.now();
      await allOf(await start({ files: [slow()], speed, maxPauseMs: 100 }, { folder: scratch.folder() }));
      return performance.now() - before;
    };
    // Four pauses at least, each of which the recording would make an hour.
    expect(await at(1)).toBeGreaterThan(300);
    const limited = await start(
      { files: [slow()], speed: 1, maxPauseMs: 600_000 },
      { folder: scratch.folder(), limits: { timeoutMs: 50 } },
    );
    expect(endOf(await allOf(limited)).reason).toBe('It ran for longer than 50 ms.');
  });
});

test('what is no recording is refused, with the reason', async () => {
  const files = [{ name: 'x.jsonl', bytes: Buffer.from('{"type":"session","id":"1"}\n') }];
  await expect(start({ files }, { folder: scratch.folder() })).rejects.toThrow(
    /nothing to replay\. x\.jsonl: a session of pi/,
  );
  await expect(start({ files: filesIn('codex/') }, { folder: scratch.file('gone') })).rejects.toThrow(
    /does not exist/,
  );
});
