// Compiles apps/ and libs/ to dist/ with SWC, file by file; `--stale` compiles only what changed since.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync, rmSync, existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFileSync } from '@swc/core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const staleOnly = process.argv.includes('--stale');
const options = JSON.parse(readFileSync(join(root, '.swcrc'), 'utf8'));
const NOT_BUILT = /\.(spec|contract)\.ts$|\/testing\//;
const COPIED = /\.(sql|json)$/;

/** Every file below a folder, as paths relative to the root. */
function* filesBelow(folder) {
  if (!existsSync(join(root, folder))) return;
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const wanted = new Set();
let compiled = 0;
for (const folder of ['apps', 'libs']) {
  for (const source of filesBelow(folder)) {
    const code = source.endsWith('.ts') && !source.endsWith('.d.ts') && !NOT_BUILT.test(source);
    if (!code && !COPIED.test(source)) continue;
    const target = join('dist', code ? source.replace(/\.ts$/, '.js') : source);
    wanted.add(target).add(`${target}.map`);
    const from = join(root, source);
    const to = join(root, target);
    if (staleOnly && modified(to) >= modified(from)) continue;
    mkdirSync(dirname(to), { recursive: true });
    if (!code) writeFileSync(to, readFileSync(from));
    else {
      const out = transformFileSync(from, {
        ...options,
        swcrc: false,
        sourceFileName: relative(dirname(to), from),
      });
      writeFileSync(`${to}.map`, out.map);
      writeFileSync(to, `${out.code}\n//# sourceMappingURL=${target.split('/').pop()}.map\n`);
    }
    compiled += 1;
  }
}
for (const folder of ['dist/apps', 'dist/libs']) {
  for (const file of filesBelow(folder)) if (!wanted.has(file)) rmSync(join(root, file));
}
if (compiled > 0) console.error(`built ${compiled} files`);
