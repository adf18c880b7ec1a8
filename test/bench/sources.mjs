// Repositories to work on: many files of prose, the same in every run, and small changes in them.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { below, prose } from './payloads.mjs';
import { git } from './peers/plain-git.mjs';

const FILES_A_FOLDER = 50;
const BYTES = 2_000;

export const pathOf = (n) => `src/part${Math.floor(n / FILES_A_FOLDER)}/file${n % FILES_A_FOLDER}.ts`;

/** Makes a bare repository with one commit of so many files on main. */
export async function sourceRepository(gitDir, files, bytes = BYTES) {
  mkdirSync(gitDir, { recursive: true });
  await git(gitDir, ['init', '--quiet', '--bare', '--initial-branch=main']);
  const child = spawn('git', ['fast-import', '--quiet'], {
    cwd: gitDir,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve, reject) =>
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`git fast-import ended with ${code}`)),
    ),
  );
  const write = (text) => child.stdin.write(text) || new Promise((done) => child.stdin.once('drain', done));
  await write('commit refs/heads/main\ncommitter bench <bench@localhost> 1767225600 +0000\ndata 5\nbegin\n');
  for (let n = 0; n < files; n++)
    await write(`M 100644 inline ${pathOf(n)}\ndata ${bytes}\n${prose(bytes)}\n`);
  child.stdin.end('\n');
  await ended;
}

/** Changes a line in each of some files. */
export function change(folder, files, mark) {
  for (const n of files) {
    const path = join(folder, pathOf(n));
    const lines = readFileSync(path, 'utf8').split('\n');
    lines[n % lines.length] = `line ${n} as of ${mark}`;
    writeFileSync(path, lines.join('\n'));
  }
}

export const firstFiles = (count) => Array.from({ length: count }, (_, n) => n);

/** Some files of so many, each once. */
export function someFiles(count, of) {
  const chosen = new Set();
  while (chosen.size < count) chosen.add(below(of));
  return [...chosen];
}
