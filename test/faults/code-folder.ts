import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Files by path: mode and content, as git names them (`100644 <id>`). */
export type Files = ReadonlyMap<string, string>;

/** What git calls a blob of this content. */
export const blobId = (content: Buffer): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

/** Every file of a folder but those of its repository, read without git. */
export function filesIn(folder: string, below = ''): Files {
  const found = new Map<string, string>();
  for (const name of readdirSync(join(folder, below))) {
    const path = join(below, name);
    if (path === '.git') continue;
    const at = join(folder, path);
    const status = lstatSync(at);
    if (status.isDirectory()) for (const [inner, file] of filesIn(folder, path)) found.set(inner, file);
    else if (status.isSymbolicLink()) found.set(path, `120000 ${blobId(Buffer.from(readlinkSync(at)))}`);
    else found.set(path, `${status.mode & 0o100 ? '100755' : '100644'} ${blobId(readFileSync(at))}`);
  }
  return found;
}

/** Plain git on a repository, as somebody runs it who has never heard of makima. @throws when git fails */
export const gitOn = (gitDir: string, args: readonly string[], input = ''): Buffer =>
  execFileSync('git', args, {
    env: { PATH: process.env['PATH'], HOME: gitDir, GIT_DIR: gitDir, GIT_CONFIG_GLOBAL: '/dev/null' },
    input,
    maxBuffer: 2 ** 30,
    stdio: ['pipe', 'pipe', 'pipe'],
  });

/** Every file of a commit. */
export function filesOf(gitDir: string, commit: string): Files {
  const entries = gitOn(gitDir, ['ls-tree', '-r', '-z', '--full-tree', commit]).toString().split('\0');
  return new Map(
    entries
      .filter((entry) => entry !== '')
      .map((entry) => {
        const [mode = '', , id = ''] = entry.slice(0, entry.indexOf('\t')).split(' ');
        return [entry.slice(entry.indexOf('\t') + 1), `${mode} ${id}`];
      }),
  );
}

/** What of some objects cannot be read, or is not what its name says. */
export function unreadable(gitDir: string, ids: readonly string[]): readonly string[] {
  const answer = gitOn(gitDir, ['cat-file', '--batch'], ids.map((id) => `${id}\n`).join(''));
  const bad: string[] = [];
  let at = 0;
  for (const id of ids) {
    const end = answer.indexOf('\n', at);
    const [, type, size] = answer.toString('utf8', at, end).split(' ');
    at = end + 1;
    if (type === 'missing') {
      bad.push(id);
      continue;
    }
    const content = answer.subarray(at, at + Number(size));
    if (type !== 'blob' || blobId(content) !== id) bad.push(id);
    at += Number(size) + 1;
  }
  return bad;
}

/** The paths at which two sets of files differ, with both. */
export function differences(actual: Files, expected: Files): readonly string[] {
  return [...new Set([...actual.keys(), ...expected.keys()])]
    .filter((path) => actual.get(path) !== expected.get(path))
    .map((path) => `${path}: ${actual.get(path) ?? 'gone'} instead of ${expected.get(path) ?? 'gone'}`);
}
