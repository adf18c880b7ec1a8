import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TranscriptFile } from '../transcripts/transcript.js';
import type { Happening } from './happening.js';
import { replayRunner } from './replay-runner.js';
import { claudeRecording, codexRecording, geminiRecording } from './spec-recordings.js';
import { allOf, ofKind, ScratchFolder } from './spec-stand-ins.js';

const scratch = new ScratchFolder();
afterAll(() => scratch.remove());

const play = async (
  file: TranscriptFile,
  folder: string,
  recordedIn?: string,
): Promise<readonly Happening[]> => {
  const runner = replayRunner({ files: [file], ...(recordedIn !== undefined && { recordedIn }) });
  return allOf(await runner.start(scratch.request({ folder })));
};

describe('edits', () => {
  const resultsOf = async (
    recording: TranscriptFile,
    folder: string,
  ): Promise<readonly (readonly [boolean, string])[]> =>
    ofKind(await play(recording, folder), 'tool_result').map(({ isError, content }) => [isError, content]);

  test('whose old text is not there fail, and change nothing', async () => {
    const folder = scratch.folder({ 'a.txt': 'one\ntwo\ntwo\n' });
    const recording = claudeRecording([
      ['Edit', { file_path: '/w/a.txt', old_string: 'three', new_string: 'x' }],
      ['Edit', { file_path: '/w/a.txt', old_string: 'two', new_string: 'x' }],
      [
        'MultiEdit',
        {
          file_path: '/w/a.txt',
          edits: [
            { old_string: 'one', new_string: '1' },
            { old_string: 'gone', new_string: 'x' },
          ],
        },
      ],
      ['Edit', { file_path: '/w/none.txt', old_string: 'a', new_string: 'x' }],
    ]);
    const results = await resultsOf(recording, folder);
    expect(results).toEqual([
      [true, 'String to replace not found in /w/a.txt.\nString: three'],
      [true, 'Found 2 matches of the string to replace in /w/a.txt, but expected 1.'],
      [true, 'String to replace not found in /w/a.txt.\nString: gone'],
      [true, 'File does not exist: /w/none.txt'],
    ]);
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('one\ntwo\ntwo\n');
  });

  test('are made as their agents make them', async () => {
    const folder = scratch.folder({
      'a.txt': 'one\r\ntwo\r\n',
      'b.txt': '$& two two',
      'n.ipynb': JSON.stringify({
        cells: [{ id: 'c1', cell_type: 'code', source: 'x', outputs: [1] }],
        nbformat: 4,
      }),
    });
    const results = await resultsOf(
      claudeRecording([
        ['Edit', { file_path: '/w/a.txt', old_string: 'one\ntwo', new_string: 'one\n$&\nthree' }],
        ['Edit', { file_path: '/w/b.txt', old_string: 'two', new_string: "$'", replace_all: true }],
        ['Edit', { file_path: '/w/deep/new.txt', old_string: '', new_string: 'made\n' }],
        ['NotebookEdit', { notebook_path: '/w/n.ipynb', cell_id: 'c1', new_source: 'y' }],
        [
          'NotebookEdit',
          {
            notebook_path: '/w/n.ipynb',
            cell_id: 'c1',
            new_source: '# z',
            cell_type: 'markdown',
            edit_mode: 'insert',
          },
        ],
        ['Bash', { command: 'echo hi > /w/never.txt' }],
      ]),
      folder,
    );
    expect(results.map(([isError]) => isError)).toEqual([false, false, false, false, false, false]);
    const text = (path: string): string => readFileSync(join(folder, path), 'utf8');
    expect([text('a.txt'), text('b.txt'), text('deep/new.txt')]).toEqual([
      'one\r\n$&\r\nthree\r\n',
      "$& $' $'",
      'made\n',
    ]);
    expect(JSON.parse(text('n.ipynb'))).toMatchObject({
      nbformat: 4,
      cells: [
        { id: 'c1', source: 'y', outputs: [] },
        { cell_type: 'markdown', source: '# z' },
      ],
    });
    expect(readdirSync(folder)).not.toContain('never.txt');
  });

  test('that failed when they were recorded are not made', async () => {
    const folder = scratch.folder({ 'a.txt': 'one' });
    const recording = claudeRecording([['Write', { file_path: '/w/a.txt', content: 'two' }]], {
      isError: true,
    });
    expect(await resultsOf(recording, folder)).toEqual([[true, 'ok']]);
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('one');
  });

  test('of Gemini are made, in a folder that has to be told', async () => {
    const recording = geminiRecording([
      ['write_file', { file_path: '/w/a.txt', content: 'one\none\n' }],
      ['replace', { file_path: '/w/a.txt', old_string: 'one', new_string: '1' }],
      ['replace', { file_path: '/w/a.txt', old_string: 'one', new_string: '1', expected_replacements: 2 }],
    ]);
    const folder = scratch.folder();
    const told = await play(recording, folder, '/w');
    expect(ofKind(told, 'tool_result').map(({ isError }) => isError)).toEqual([false, true, false]);
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('1\n1\n');
    const untold = await resultsOf(recording, scratch.folder());
    expect(untold[0]).toEqual([
      true,
      'Refused to touch /w/a.txt: the recording does not say in which folder it was made.',
    ]);
  });

  test('of a patch are all made or none, also in a shell command', async () => {
    const files = { 'a.txt': 'one\n  two  \nthree\n', 'b.txt': 'x\n' };
    const patch = (lines: readonly string[]): string =>
      ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');
    const move = patch([
      '*** Update File: a.txt',
      '*** Move to: sub/c.txt',
      '@@ one',
      '-two',
      '+2',
      ' three',
      '+four',
      '*** End of File',
      '*** Delete File: b.txt',
    ]);
    const moved = scratch.folder(files);
    expect(
      await resultsOf(
        codexRecording([['exec_command', { cmd: `apply_patch <<'EOF'\n${move}\nEOF` }]]),
        moved,
      ),
    ).toEqual([[false, 'Success.']]);
    expect(readdirSync(moved)).toEqual(['sub']);
    expect(readFileSync(join(moved, 'sub/c.txt'), 'utf8')).toBe('one\n2\nthree\nfour\n');

    const broken = patch(['*** Add File: new.txt', '+new', '*** Update File: a.txt', '@@', '-gone', '+here']);
    const kept = scratch.folder(files);
    expect(await resultsOf(codexRecording([['apply_patch', broken]]), kept)).toEqual([
      [true, 'Failed to find expected lines in a.txt:\ngone'],
    ]);
    expect(readdirSync(kept).sort()).toEqual(['a.txt', 'b.txt']);

    // A patch that is only printed is not applied.
    await resultsOf(codexRecording([['exec_command', { cmd: `cat <<'EOF' > p.diff\n${move}\nEOF` }]]), kept);
    expect(readdirSync(kept).sort()).toEqual(['a.txt', 'b.txt']);
  });
});

describe('paths', () => {
  test('that leave the folder are refused, and said so; the rest goes on', async () => {
    const outside = scratch.folder({ 'secret.txt': 'secret', 'linked.txt': 'secret' });
    const folder = scratch.folder({ 'in.txt': 'in' });
    symlinkSync(outside, join(folder, 'link'));
    symlinkSync(join(outside, 'linked.txt'), join(folder, 'file-link'));
    symlinkSync(join(outside, 'dangling.txt'), join(folder, 'dangling'));
    mkdirSync(join(folder, '.git'));
    const paths = [
      '/w/../up.txt',
      '/elsewhere/a.txt',
      '../up.txt',
      join(outside, 'secret.txt'),
      '/w/link/secret.txt',
      '/w/file-link',
      '/w/dangling',
      '/w/.git/hooks/post-commit',
      '/w/.GIT./config',
      '/w/in.txt/below',
      '/w',
      '/w/nul\0.txt',
    ];
    const writes = paths.map((path): [string, object] => ['Write', { file_path: path, content: 'taken' }]);
    const edits = paths.map((path): [string, object] => [
      'Edit',
      { file_path: path, old_string: 'secret', new_string: 'x' },
    ]);
    const last: [string, object] = ['Write', { file_path: '/w/sub/fine.txt', content: 'fine' }];
    const results = ofKind(await play(claudeRecording([...writes, ...edits, last]), folder), 'tool_result');
    expect(results.slice(0, -1).filter(({ isError }) => !isError)).toEqual([]);
    expect(results.slice(0, -1).filter(({ content }) => !content.startsWith('Refused to touch '))).toEqual(
      [],
    );
    expect(results[4]?.content).toBe('Refused to touch link/secret.txt: a symbolic link is on its way.');
    // The control: what stays inside is written.
    expect(results.at(-1)).toMatchObject({ isError: false, files: [{ path: 'sub/fine.txt', action: 'A' }] });
    expect(readdirSync(outside).sort()).toEqual(['linked.txt', 'secret.txt']);
    expect(readFileSync(join(outside, 'linked.txt'), 'utf8')).toBe('secret');
    expect(readdirSync(join(folder, '.git'))).toEqual([]);
    expect(readdirSync(scratch.path)).not.toContain('up.txt');
  });

  test('of patches as well', async () => {
    const folder = scratch.folder({ 'a.txt': 'a\n' });
    const patch = '*** Begin Patch\n*** Update File: a.txt\n*** Move to: ../b.txt\n@@\n-a\n+b\n*** End Patch';
    const [result] = ofKind(await play(codexRecording([['apply_patch', patch]]), folder), 'tool_result');
    expect(result).toMatchObject({
      isError: true,
      content: 'Refused to touch ../b.txt: it leaves the folder.',
    });
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('a\n');
  });
});
