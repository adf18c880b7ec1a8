import { filesOfCall, filesOfToolUseResult } from './claude-code-changes.js';
import type { FileChangeEntry } from './transcript.js';

describe('filesOfToolUseResult', () => {
  const hunks = [{ lines: [' a', '-b', '+c', '+d'] }];

  test.each<[string, unknown, readonly FileChangeEntry[] | undefined]>([
    [
      'a created file',
      { type: 'create', filePath: '/w/a', content: 'x\ny\n', structuredPatch: [], originalFile: null },
      [{ path: '/w/a', action: 'A', linesAdded: 2, linesRemoved: 0 }],
    ],
    [
      'an overwritten file',
      { type: 'update', filePath: '/w/a', content: 'x', structuredPatch: hunks },
      [{ path: '/w/a', action: 'M', linesAdded: 2, linesRemoved: 1 }],
    ],
    [
      'an edit',
      { filePath: '/w/a', oldString: 'b', newString: 'c', originalFile: 'b', structuredPatch: hunks },
      [{ path: '/w/a', action: 'M', linesAdded: 2, linesRemoved: 1 }],
    ],
    [
      'an edit that creates a file',
      { filePath: '/w/a', oldString: '', newString: 'c\n', originalFile: null, structuredPatch: hunks },
      [{ path: '/w/a', action: 'A', linesAdded: 1, linesRemoved: 0 }],
    ],
    ['a notebook', { notebook_path: '/w/n', cell_type: 'code' }, [{ path: '/w/n', action: 'M' }]],
    ['a notebook that could not be edited', { notebook_path: '/w/n', error: 'no such cell' }, []],
    [
      'a shell command',
      {
        stdout: '',
        bashEditDiff: {
          changedFiles: ['/w/a', '/w/b'],
          files: [{ filePath: '/w/a', structuredPatch: hunks }],
        },
      },
      [
        { path: '/w/a', action: 'M', linesAdded: 2, linesRemoved: 1 },
        { path: '/w/b', action: 'M' },
      ],
    ],
    ['a file that was read', { type: 'text', file: { filePath: '/w/a' } }, undefined],
    ['an error', 'Error: no such file', undefined],
    ['nothing', undefined, undefined],
  ])('%s', (_name, result, files) => {
    expect(filesOfToolUseResult(result)).toEqual(files);
  });
});

describe('filesOfCall', () => {
  const after = (name: string, input: unknown, content = ''): readonly FileChangeEntry[] =>
    filesOfCall(
      { id: 't', name, input },
      {
        kind: 'tool_result',
        sourceId: 'r',
        occurredAt: '',
        line: 1,
        toolCallId: 't',
        content,
        isError: false,
      },
    );

  test('an edit', () => {
    const input = { file_path: '/w/a', old_string: 'a\nb', new_string: 'a\nc\nd' };
    expect(after('Edit', input)).toEqual([{ path: '/w/a', action: 'M', linesAdded: 2, linesRemoved: 1 }]);
  });

  test('a replacement of every occurrence has no known number of lines', () => {
    const input = { file_path: '/w/a', old_string: 'a', new_string: 'b', replace_all: true };
    expect(after('Edit', input)).toEqual([{ path: '/w/a', action: 'M' }]);
  });

  test('several edits are added up', () => {
    const edits = [
      { old_string: 'a', new_string: 'b' },
      { old_string: 'c', new_string: 'c\nd' },
    ];
    expect(after('MultiEdit', { file_path: '/w/a', edits })).toEqual([
      { path: '/w/a', action: 'M', linesAdded: 2, linesRemoved: 1 },
    ]);
  });

  test('the answer tells whether a written file is new', () => {
    const input = { file_path: '/w/a', content: 'x\ny' };
    expect(after('Write', input, 'File created successfully at: /w/a')).toEqual([
      { path: '/w/a', action: 'A', linesAdded: 2, linesRemoved: 0 },
    ]);
    expect(after('Write', input, 'The file /w/a has been updated.')).toEqual([{ path: '/w/a', action: 'M' }]);
  });

  test.each([
    ['Read', { file_path: '/w/a' }],
    ['Bash', { command: 'rm /w/a' }],
    ['Edit', {}],
    ['Edit', 'no object'],
  ])('%s of %j changes nothing that is known', (name, input) => {
    expect(after(name, input)).toEqual([]);
  });
});
