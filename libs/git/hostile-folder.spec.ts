import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMPTY_TREE } from './changes.js';
import { createBranch, createBranchIn } from './people-branch.js';
import { RepositoryCache } from './repository-cache.js';
import { revertTree } from './revert.js';
import { ShadowRepository } from './shadow-repository.js';
import { openTaskFolder } from './task-folder.js';
import { headOf, keepCommit } from './task-head.js';
import { moveTaskRepository } from './task-repository.js';

let base: string;
let folder: string;
let ran: string;
let program: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'makima-hostile-'));
  folder = join(base, 'work');
  ran = join(base, 'ran');
  program = join(base, 'program');
  await writeFile(program, `#!/bin/sh\ntouch ${ran}\ncat 2>/dev/null\n`);
  await chmod(program, 0o755);
  await mkdir(folder);
  own('init', '-q', '-b', 'main', '.');
  await writeFile(join(folder, 'file'), 'first\n');
  own('add', '.');
  own('commit', '-q', '-m', 'first');
});
afterEach(() => rm(base, { recursive: true }));

const env = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
};

/** The agent's own git, in its own folder. */
function own(...args: readonly string[]): void {
  const identity = [
    '-c',
    'user.name=agent',
    '-c',
    'user.email=agent@example.org',
    '-c',
    'protocol.file.allow=always',
  ];
  execFileSync('git', [...identity, ...args], { cwd: folder, env, stdio: 'pipe' });
}

const config = (name: string, value: string): void => own('config', name, value);

async function hook(name: string): Promise<void> {
  await mkdir(join(folder, '.git/hooks'), { recursive: true });
  await symlink(program, join(folder, '.git/hooks', name));
}

const attributes = (line: string): Promise<void> => writeFile(join(folder, '.gitattributes'), `${line}\n`);

/** What an agent may leave in its folder, and a git command that falls for it. */
const TRAPS: Readonly<Record<string, { set: () => Promise<void> | void; falls: readonly string[] }>> = {
  'core.fsmonitor': { set: () => config('core.fsmonitor', program), falls: ['status'] },
  'a clean filter': {
    set: async () => {
      config('filter.x.clean', program);
      await attributes('* filter=x');
    },
    falls: ['add', '-A'],
  },
  'a smudge filter': {
    set: async () => {
      config('filter.x.smudge', program);
      await attributes('* filter=x');
    },
    falls: ['checkout', '-f', 'HEAD~0', '--', 'file'],
  },
  'a filter process': {
    set: async () => {
      config('filter.x.process', program);
      config('filter.x.required', 'false');
      await attributes('* filter=x');
    },
    falls: ['add', '-A'],
  },
  'an external diff': { set: () => config('diff.external', program), falls: ['diff'] },
  'a text conversion': {
    set: async () => {
      config('diff.x.textconv', program);
      await attributes('* diff=x');
    },
    falls: ['diff'],
  },
  'a diff command': {
    set: async () => {
      config('diff.x.command', program);
      await attributes('* diff=x');
    },
    falls: ['diff'],
  },
  'core.hooksPath': {
    set: async () => {
      config('core.hooksPath', join(base, 'hooks'));
      await mkdir(join(base, 'hooks'));
      await symlink(program, join(base, 'hooks/post-index-change'));
    },
    falls: ['add', '-A'],
  },
  'a pre-commit hook': { set: () => hook('pre-commit'), falls: ['commit', '-q', '-a', '-m', 'x'] },
  'a post-checkout hook': { set: () => hook('post-checkout'), falls: ['checkout', '-q', '-f', 'main'] },
  'a post-index-change hook': { set: () => hook('post-index-change'), falls: ['add', '-A'] },
  'a reference-transaction hook': { set: () => hook('reference-transaction'), falls: ['branch', 'x'] },
  'an alias': { set: () => config('alias.capture', `!${program}`), falls: ['capture'] },
  'an included configuration': {
    set: async () => {
      await writeFile(join(base, 'included'), `[core]\n\tfsmonitor = ${program}\n`);
      config('include.path', join(base, 'included'));
    },
    falls: ['status'],
  },
  'a configuration of the worktree': {
    set: async () => {
      config('extensions.worktreeConfig', 'true');
      await writeFile(join(folder, '.git/config.worktree'), `[core]\n\tfsmonitor = ${program}\n`);
    },
    falls: ['status'],
  },
  'a .git file that leads elsewhere': {
    set: async () => {
      config('core.fsmonitor', program);
      execFileSync('mv', [join(folder, '.git'), join(base, 'elsewhere')]);
      await writeFile(join(folder, '.git'), `gitdir: ${join(base, 'elsewhere')}\n`);
    },
    falls: ['status'],
  },
  'a repository in the index whose monitor is a program': {
    set: async () => {
      await mkdir(join(folder, 'nested'));
      execFileSync('git', ['init', '-q', '.'], { cwd: join(folder, 'nested'), env });
      await writeFile(join(folder, 'nested/file'), 'x');
      const identity = ['-c', 'user.name=agent', '-c', 'user.email=agent@example.org'];
      execFileSync('git', ['add', '.'], { cwd: join(folder, 'nested'), env });
      execFileSync('git', [...identity, 'commit', '-q', '-m', 'x'], { cwd: join(folder, 'nested'), env });
      own('-c', 'advice.addEmbeddedRepo=false', 'add', 'nested');
      execFileSync('git', ['config', 'core.fsmonitor', program], { cwd: join(folder, 'nested'), env });
      await writeFile(join(folder, 'nested/file'), 'y');
    },
    falls: ['status'],
  },
  'a program that connects': {
    set: () => config('core.sshCommand', program),
    falls: ['ls-remote', 'ssh://nowhere.invalid/x'],
  },
  'a merge driver': {
    set: async () => {
      config('merge.x.driver', `${program} %A`);
      await attributes('* merge=x');
      own('add', '.gitattributes');
      own('commit', '-q', '-m', 'attributes');
      own('branch', 'other');
      await writeFile(join(folder, 'file'), 'ours\n');
      own('commit', '-q', '-a', '-m', 'ours');
      own('checkout', '-q', 'other');
      await writeFile(join(folder, 'file'), 'theirs\n');
      own('commit', '-q', '-a', '-m', 'theirs');
    },
    falls: ['merge', '-q', 'main', '-m', 'x'],
  },
  'a program that signs': {
    set: () => {
      config('gpg.program', program);
      config('commit.gpgSign', 'true');
    },
    falls: ['commit', '-q', '--allow-empty', '-m', 'x'],
  },
};

async function everything(): Promise<void> {
  const shadow = await ShadowRepository.open(join(base, 'shadow'), folder);
  const before = await shadow.capture();
  await writeFile(join(folder, 'file'), 'second\n');
  await writeFile(join(folder, 'new'), 'new\n');
  const after = await shadow.capture();
  await shadow.changes(before.tree, after.tree);
  await shadow.restore(after.tree, before.tree);
  expect((await shadow.capture()).tree).toBe(before.tree);
  expect(await readFile(join(folder, 'file'), 'utf8')).not.toBe('second\n');
  await itsRepository(shadow, before.tree, after.tree);
  await asSource();
}

/** What is done with the repository that the agent made of its folder. */
async function itsRepository(shadow: ShadowRepository, before: string, after: string): Promise<void> {
  const head = await headOf(folder);
  // Where .git is a file nothing is read and nothing is moved.
  if (head === null) return;
  expect(await keepCommit(shadow.place, folder, head.commit!)).toBe(true);
  const branch = { name: 'people', tree: after, parent: head.commit, message: 'x', at: AT };
  const commit = await createBranch(folder, shadow, branch);
  await createBranchIn({ gitDir: shadow.place.gitDir }, branch);
  await revertTree(shadow.place, { ours: after, change: before, before: EMPTY_TREE });
  await moveTaskRepository(folder, shadow, { branch: 'elsewhere', commit });
  expect(await headOf(folder)).toEqual({ branch: 'elsewhere', commit });
  await shadow.capture();
}

/** Somebody names the folder as the repository of a contract. */
async function asSource(): Promise<void> {
  const cache = await new RepositoryCache(join(base, 'cache')).refresh(folder);
  const { shadow } = await openTaskFolder(cache, join(base, 'other/folder'), join(base, 'other/shadow.git'));
  await shadow.capture();
}

const AT = '2026-01-05T10:00:00Z';

describe.each(Object.entries(TRAPS))('%s', (_, { set, falls }) => {
  it('is passed by', async () => {
    await set();
    await rm(ran, { force: true });
    await everything();
    expect(existsSync(ran)).toBe(false);
  });

  it('would run in the folder itself', async () => {
    await set();
    await rm(ran, { force: true });
    await writeFile(join(folder, 'file'), 'changed\n');
    if (falls[0] === 'merge') own('checkout', '-q', '--', 'file');
    const identity = ['-c', 'user.name=agent', '-c', 'user.email=agent@example.org'];
    spawnSync('git', [...identity, ...falls], { cwd: folder, env, stdio: 'pipe', timeout: 10_000 });
    expect(existsSync(ran)).toBe(true);
  });
});

it('shows what is there, not what a replaced object says', async () => {
  const other = execFileSync('git', ['hash-object', '-w', '--stdin'], {
    cwd: folder,
    env,
    input: 'replaced\n',
  })
    .toString()
    .trim();
  const id = execFileSync('git', ['rev-parse', 'HEAD:file'], { cwd: folder, env }).toString().trim();
  own('replace', id, other);
  await everything();
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('first\n');
});

it('works in its folder, wherever core.worktree leads', async () => {
  await mkdir(join(base, 'victim'));
  await writeFile(join(base, 'victim/file'), 'precious\n');
  config('core.worktree', join(base, 'victim'));
  await everything();
  expect(await readFile(join(base, 'victim/file'), 'utf8')).toBe('precious\n');
});
