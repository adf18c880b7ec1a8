import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RepositoryRefused, repositorySource, shownAddress } from './repository-url.js';

it.each([
  'https://example.org/a.git',
  'https://user:secret@example.org/a',
  'ssh://git@example.org:2222/a.git',
  'git@example.org:a/b.git',
])('takes %s', async (url) => {
  expect(await repositorySource(url)).toEqual({ kind: 'remote', url });
});

it.each([
  'ext::sh -c touch% /tmp/ran',
  'fd::7',
  '--upload-pack=touch ran',
  '-',
  '',
  'relative/path',
  'file://host/path',
  'http://example.org/a',
  'git://example.org/a',
  'ssh://-oProxyCommand=touch/a',
  '-oProxyCommand=touch@example.org:a',
  'git@-oProxyCommand=touch:a',
  'git@example.org:-a',
  'git@example.org::a',
  'https://example.org/a\nb',
  '/no/such/folder',
])('refuses %j', async (address) => {
  await expect(repositorySource(address)).rejects.toBeInstanceOf(RepositoryRefused);
});

it('takes the schemes that it is given, and no others', async () => {
  const url = 'http://example.org/a';
  expect(await repositorySource(url, { schemes: ['http'] })).toEqual({ kind: 'remote', url });
  const ssh = repositorySource('git@example.org:a', { schemes: ['https'] });
  await expect(ssh).rejects.toBeInstanceOf(RepositoryRefused);
});

it('takes local folders below its roots, also through links, and no others', async () => {
  const base = await mkdtemp(join(tmpdir(), 'makima-roots-'));
  for (const path of ['allowed/a', 'allowed-not/a']) await mkdir(join(base, path), { recursive: true });
  await symlink(join(base, 'allowed-not/a'), join(base, 'allowed/link'));
  const localRoots = [join(base, 'allowed')];
  const path = join(base, 'allowed/a');
  expect(await repositorySource(path, { localRoots })).toEqual({ kind: 'local', path });
  expect(await repositorySource(`file://${path}`, { localRoots })).toEqual({ kind: 'local', path });
  for (const other of ['allowed-not/a', 'allowed/link', 'allowed/../allowed-not/a'])
    await expect(repositorySource(`${base}/${other}`, { localRoots })).rejects.toThrow(
      'in none of the folders',
    );
  await rm(base, { recursive: true });
});

it('shows no password', async () => {
  expect(shownAddress('https://user:secret@example.org/a')).toBe('https://user@example.org/a');
  expect(shownAddress('git@example.org:a')).toBe('git@example.org:a');
  await expect(repositorySource('ftp://user:secret@example.org/a')).rejects.not.toThrow('secret');
});
