import { isInnerPath } from './inner-path.js';

it.each(['a', 'a/b.ts', '.env', '.gitignore', '-rf', 'a b/ü', 'src/.github/x', '...', 'git'])(
  'takes %j',
  (path) => {
    expect(isInnerPath(path)).toBe(true);
  },
);

it.each([
  '',
  '/etc/passwd',
  '../x',
  'a/../../x',
  'a/..',
  './a',
  'a//b',
  'a/',
  '.git',
  '.git/config',
  'sub/.GIT/hooks/x',
  '.git./config',
  '.git /config',
  'a\\..\\x',
  'a\0b',
])('refuses %j', (path) => {
  expect(isInnerPath(path)).toBe(false);
});
