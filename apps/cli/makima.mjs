#!/usr/bin/env node
// Starts the built command line; builds it first where it is missing or older than its sources.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const entry = join(root, 'dist/apps/cli/main.js');
const builder = join(root, 'scripts/build.mjs');
/** All that the command line is made of. */
const PARTS = ['apps/cli', 'libs/client', 'libs/kernel'];
/** What a daemon is made of besides, which the same process becomes. */
if (process.argv[2] === 'daemon') PARTS.push('apps/daemon', 'libs/git', 'libs/agents', 'libs/processes');

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Whether a source below a folder is newer than what was built of it. Looks at times only: a few milliseconds. */
function isStale(folder) {
  if (!existsSync(join(root, folder))) return false;
  return readdirSync(join(root, folder), { withFileTypes: true }).some((file) => {
    const path = `${folder}/${file.name}`;
    if (file.isDirectory()) return isStale(path);
    if (!file.name.endsWith('.ts') || file.name.endsWith('.spec.ts')) return false;
    return modified(join(root, path)) > modified(join(root, 'dist', path.replace(/\.ts$/, '.js')));
  });
}

if (existsSync(builder) && PARTS.some(isStale)) {
  // What the build says is not what the command says: it goes to stderr.
  const { status } = spawnSync(process.execPath, [builder, '--stale'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    console.error('makima: the command line could not be built; try: npm ci');
    process.exit(1);
  }
}
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { main } = await import(entry);
await main(version);
