// What the `command` runner runs in the fault tests of code: changes files by chance, prints a line for each change, and
// writes into a ledger outside the folder what no checkpoint may lose.
// Arguments: the ledger, a seed, how many changes, milliseconds between them.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const [ledger, seed, changes, pauseMs] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const run = process.env.MAKIMA_RUN_ID;
const PATHS = [
  ...[
    'notes.txt',
    'src/main.ts',
    'src/deep/er/still.ts',
    'bin/run.sh',
    'data.bin',
    '-dash',
    ' spaces  in it ',
  ],
  ...['données/résumé 🦊.txt', 'line\nbreak.txt', 'quote".txt', 'src/main.ts.bak', 'données/ü.bin', 'link'],
];

let state = seed >>> 0;
/** From 0 (inclusive) to `below` (exclusive); the same numbers with the same seed. */
function chance(below) {
  state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
  return Math.floor(((state ^ (state >>> 12)) >>> 0) % below);
}

/** As git names the content. */
const blobOf = (content) =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
const note = (entry) => appendFileSync(ledger, `${JSON.stringify({ run, ...entry })}\n`);

function content() {
  if (chance(4) > 0) {
    const lines = Array.from({ length: 1 + chance(40) }, (_, n) => `${n} ${chance(1e9)} grün\n`);
    return Buffer.from(`${run} ${lines.join('')}`);
  }
  const bytes = Buffer.alloc(1 + chance(chance(8) === 0 ? 300_000 : 5_000));
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = chance(256);
  return bytes;
}

function write(path) {
  const bytes = content();
  note({ wrote: blobOf(bytes) });
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  writeFileSync(path, bytes);
}

function link(path) {
  const target = `to/${chance(1e6)}`;
  note({ wrote: blobOf(Buffer.from(target)) });
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function commit() {
  if (!existsSync('.git')) return;
  const git = (...args) =>
    execFileSync('git', ['-c', 'user.name=agent', '-c', 'user.email=agent@example.org', ...args], {
      stdio: 'ignore',
    });
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', `change ${chance(1e6)}`);
}

function change() {
  const path = PATHS[chance(PATHS.length)];
  const found = lstatSync(path, { throwIfNoEntry: false });
  const kind = chance(12);
  if (kind === 0) return link(path);
  if (kind === 1) return commit();
  if (!found || kind > 5) return write(path);
  if (kind === 2) return rmSync(path);
  if (kind === 3 && found.isFile()) return chmodSync(path, found.mode & 0o100 ? 0o644 : 0o755);
  if (kind === 4) return renameSync(path, `renamed ${chance(5)}`);
  return write(path);
}

/** Every file of the folder, as git names its content. */
function files(folder = '') {
  const all = {};
  for (const name of readdirSync(folder || '.')) {
    const path = join(folder, name);
    if (path === '.git') continue;
    const found = lstatSync(path);
    if (found.isDirectory()) Object.assign(all, files(path));
    else all[path] = blobOf(found.isSymbolicLink() ? Buffer.from(readlinkSync(path)) : readFileSync(path));
  }
  return all;
}

for (let n = 1; n <= changes; n += 1) {
  change();
  note({ said: n });
  console.log(`${run} ${n}`);
  if (pauseMs > 0) await delay(pauseMs);
}
note({ files: files() });
