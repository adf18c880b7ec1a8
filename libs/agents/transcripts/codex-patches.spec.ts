import { filesOfCodexCall, filesOfPatchEvent } from './codex-patches.js';

test('a patch event tells every file', () => {
  expect(
    filesOfPatchEvent({
      '/w/new': { type: 'add', content: 'a\nb\n' },
      '/w/gone': { type: 'delete', content: 'a\n' },
      '/w/same': { type: 'update', unified_diff: '@@ -1 +1,2 @@\n-a\n+b\n+c\n', move_path: null },
      '/w/from': { type: 'update', unified_diff: '@@ -1 +1 @@\n-a\n+b\n', move_path: '/w/to' },
      '/w/odd': { type: 'other' },
      '/w/none': 'text',
    }),
  ).toEqual([
    { path: '/w/new', action: 'A', linesAdded: 2, linesRemoved: 0 },
    { path: '/w/gone', action: 'D', linesAdded: 0, linesRemoved: 1 },
    { path: '/w/same', action: 'M', linesAdded: 2, linesRemoved: 1 },
    { path: '/w/from', action: 'D' },
    { path: '/w/to', action: 'A' },
  ]);
});

const PATCH = `*** Begin Patch
*** Add File: new.ts
+one
+two
*** Update File: same.ts
@@ function
-old
+new
 same
*** Update File: from.ts
*** Move to: to.ts
-old
*** Delete File: gone.ts
*** End Patch
+not in the patch`;

describe('a call with a patch', () => {
  const files = [
    { path: 'new.ts', action: 'A', linesAdded: 2, linesRemoved: 0 },
    { path: 'same.ts', action: 'M', linesAdded: 1, linesRemoved: 1 },
    { path: 'from.ts', action: 'D' },
    { path: 'to.ts', action: 'A' },
    { path: 'gone.ts', action: 'D' },
  ];

  test.each([
    ['apply_patch', PATCH],
    ['apply_patch', { input: PATCH }],
    ['shell', { command: ['apply_patch', PATCH] }],
    ['exec_command', { cmd: `apply_patch <<'EOF'\n${PATCH}\nEOF` }],
  ])('of %s tells its files', (name, input) => {
    expect(filesOfCodexCall({ id: 'c', name, input })).toEqual(files);
  });

  test.each([[{}], [{ cmd: 'ls' }], [null], ['*** End Patch']])('%j tells none', (input) => {
    expect(filesOfCodexCall({ id: 'c', name: 'exec_command', input })).toEqual([]);
  });
});
