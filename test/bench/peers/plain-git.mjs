// Plain git, told to wait for the disk as makima does: core.fsync=all, and an fsync of the ref's folder.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const MOST_BYTES = 512 * 1024 * 1024;
const IDENTITY = {
  GIT_AUTHOR_NAME: 'bench',
  GIT_AUTHOR_EMAIL: 'bench@localhost',
  GIT_COMMITTER_NAME: 'bench',
  GIT_COMMITTER_EMAIL: 'bench@localhost',
};

/** Runs git; answers what it wrote. */
export function git(folder, args, { input, environment = {}, encoding = 'utf8' } = {}) {
  return new Promise((resolve, reject) => {
    const settings = ['-c', 'core.fsync=all', '-c', 'gc.auto=0', '-c', 'maintenance.auto=false'];
    const child = execFile(
      'git',
      [...settings, ...args],
      {
        cwd: folder,
        env: {
          PATH: process.env.PATH,
          HOME: '/nonexistent',
          GIT_CONFIG_NOSYSTEM: '1',
          ...IDENTITY,
          ...environment,
        },
        encoding,
        maxBuffer: MOST_BYTES,
      },
      (error, stdout, stderr) =>
        error ? reject(new Error(`git ${args[0]}: ${stderr || error.message}`)) : resolve(stdout),
    );
    child.stdin.on('error', () => undefined).end(input);
  });
}

export const gitLine = async (folder, args, options) => (await git(folder, args, options)).trim();

/** Everything in a folder as a commit under a ref, on the disk; answers its id. */
export async function plainCheckpoint(folder, ref) {
  await git(folder, ['add', '-A']);
  const tree = await gitLine(folder, ['write-tree']);
  const commit = await gitLine(folder, ['commit-tree', tree, '-p', 'HEAD', '-m', 'checkpoint']);
  await git(folder, ['update-ref', ref, commit]);
  const names = await open(dirname(join(folder, '.git', ref)), 'r');
  await names.sync();
  await names.close();
  return commit;
}

/** Makes a folder, which is at a commit, what another says. */
export const plainRestore = (folder, from, to) => git(folder, ['read-tree', '-m', '-u', from, to]);

/** A clone with checkout. */
export async function plainClone(source, target, how = ['--local']) {
  mkdirSync(dirname(target), { recursive: true });
  await git(dirname(target), ['clone', '--quiet', ...how, source, target]);
}

/** Flushes what was written before, so that nobody pays for it in what is measured next. */
export const flushed = () =>
  new Promise((resolve, reject) => execFile('sync', (error) => (error ? reject(error) : resolve())));
