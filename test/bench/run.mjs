// `npm run bench`: builds makima if it is stale, installs the peers if they are missing, runs the benchmark.
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = dirname(fileURLToPath(import.meta.url));
const root = join(bench, '../..');

/** Ends this process with the other's code if that is not 0. */
function run(program, args, cwd) {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ['inherit', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** npm writes node_modules/.package-lock.json when an installation is complete. */
function installed() {
  const mark = statSync(join(bench, 'node_modules/.package-lock.json'), { throwIfNoEntry: false });
  const lock = statSync(join(bench, 'package-lock.json'));
  if (!mark || mark.mtimeMs < lock.mtimeMs) return false;
  const wanted = JSON.parse(readFileSync(join(bench, 'package.json'), 'utf8')).dependencies;
  return Object.entries(wanted).every(([name, version]) => {
    const path = join(bench, 'node_modules', name, 'package.json');
    return (
      statSync(path, { throwIfNoEntry: false }) && JSON.parse(readFileSync(path, 'utf8')).version === version
    );
  });
}

run(process.execPath, ['scripts/build.mjs', '--stale'], root);
if (!installed()) run('npm', ['ci', '--no-audit', '--no-fund'], bench);
// LangGraph's history of a long conversation takes more memory than Node allows by itself.
run(
  process.execPath,
  ['--max-old-space-size=4096', join(bench, 'main.mjs'), ...process.argv.slice(2)],
  process.cwd(),
);
