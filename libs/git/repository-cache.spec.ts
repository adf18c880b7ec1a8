import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentGit, repositoryWith, type AgentGit } from '#libs/testing/agent-git.js';
import { gitLine } from './git.js';
import { RepositoryCache } from './repository-cache.js';

let base: string;
let source: string;
let origin: AgentGit;
let cache: RepositoryCache;
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'makima-cache-')));
  source = join(base, 'source');
  origin = await repositoryWith(source, { file: 'first\n' });
  cache = new RepositoryCache(join(base, 'cache'));
});
afterEach(() => rm(base, { recursive: true }));

it('has what its source has, and what that had before', async () => {
  expect(await cache.kept(source)).toBeNull();
  const first = await cache.refresh(source);
  const before = origin('rev-parse', 'HEAD');
  expect(first.head).toEqual({ branch: 'main', commit: before });
  origin('checkout', '-q', '-b', 'trunk');
  origin('commit', '-q', '--amend', '--allow-empty', '-m', 'other');
  origin('branch', '-D', 'main');
  const [second, same] = await Promise.all([cache.refresh(source), cache.refresh(source)]);
  expect([second.head, same]).toEqual([{ branch: 'trunk', commit: origin('rev-parse', 'HEAD') }, second]);
  expect(await cache.kept(source)).toEqual(second);
  expect(await gitLine(second.place, ['for-each-ref', '--format=%(refname)', 'refs/heads'])).toBe(
    'refs/heads/trunk',
  );
  expect(await gitLine(second.place, ['cat-file', '-t', before])).toBe('commit');
});

it('goes on where a git was killed', async () => {
  const { place } = await cache.refresh(source);
  for (const name of ['packed-refs.lock', 'refs/heads/main.lock', 'objects/pack/tmp_pack_x'])
    await writeFile(join(place.gitDir, name), '');
  origin('commit', '-q', '--allow-empty', '-m', 'second');
  expect((await cache.refresh(source)).head.commit).toBe(origin('rev-parse', 'HEAD'));
  expect(existsSync(join(place.gitDir, 'objects/pack/tmp_pack_x'))).toBe(false);
});

it('says what went wrong, and shows no password', async () => {
  await rm(join(source, '.git'), { recursive: true });
  await expect(cache.refresh(source)).rejects.toThrow('does not appear to be a git repository');
  expect(await cache.kept(source)).toBeNull();
});

describe('a hostile source', () => {
  let ran: string;
  let program: string;
  beforeEach(async () => {
    ran = join(base, 'ran');
    program = join(base, 'program');
    await writeFile(program, `#!/bin/sh\ntouch ${ran}\nexec "$@"\n`);
    await chmod(program, 0o755);
  });

  it('cannot name a program that packs', async () => {
    origin('config', 'uploadpack.packObjectsHook', program);
    await cache.refresh(source);
    expect(existsSync(ran)).toBe(false);
    // From whoever runs git it is obeyed.
    await writeFile(join(base, 'config'), `[uploadpack]\n\tpackObjectsHook = ${program}\n`);
    spawnSync('git', ['clone', '-q', '--no-local', source, join(base, 'plain')], {
      env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: join(base, 'config') },
    });
    expect(existsSync(ran)).toBe(true);
  });

  it('cannot have objects fetched that it lacks', async () => {
    const id = origin('rev-parse', 'HEAD:file');
    origin('config', 'core.repositoryFormatVersion', '1');
    origin('config', 'extensions.partialClone', 'elsewhere');
    origin('config', 'remote.elsewhere.promisor', 'true');
    origin('config', 'remote.elsewhere.url', source);
    origin('config', 'remote.elsewhere.uploadpack', program);
    await rm(join(source, '.git/objects', id.slice(0, 2), id.slice(2)));
    await expect(cache.refresh(source)).rejects.toThrow('git fetch');
    expect(existsSync(ran)).toBe(false);
    spawnSync('git', ['cat-file', 'blob', id], { cwd: source, env: { PATH: process.env['PATH'] } });
    expect(existsSync(ran)).toBe(true);
  });

  it('may belong to another user', async () => {
    if (process.getuid?.() !== 0) return;
    execFileSync('chown', ['-R', '12345', source]);
    expect((await cache.refresh(source)).head.branch).toBe('main');
    expect(() => agentGit(base)('ls-remote', source)).toThrow('dubious ownership');
  });
});

it('obeys the configuration of whoever runs it only for what is elsewhere', async () => {
  const config = join(base, 'config');
  await writeFile(config, `[url "${source}"]\n\tinsteadOf = https://nowhere.invalid/x\n`);
  process.env['GIT_CONFIG_GLOBAL'] = config;
  try {
    // It leads to a local path, which no https address may.
    await expect(cache.refresh('https://nowhere.invalid/x')).rejects.toThrow("transport 'file' not allowed");
  } finally {
    delete process.env['GIT_CONFIG_GLOBAL'];
  }
  expect(await readFile(join(source, 'file'), 'utf8')).toBe('first\n');
});
