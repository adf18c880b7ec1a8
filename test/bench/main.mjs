// Runs the benchmark: see --help.
import { statfsSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { circumstances } from './machine.mjs';
import { table } from './report.mjs';
import * as append from './rows/append.mjs';
import * as codeCheckpoint from './rows/code-checkpoint.mjs';
import * as codeDiff from './rows/code-diff.mjs';
import * as codeDisk from './rows/code-disk.mjs';
import * as codeFork from './rows/code-fork.mjs';
import * as codeResume from './rows/code-resume.mjs';
import * as codeRewind from './rows/code-rewind.mjs';
import * as conversation from './rows/conversation.mjs';
import * as disk from './rows/disk.mjs';
import * as history from './rows/history.mjs';
import * as latency from './rows/latency.mjs';
import * as rebuild from './rows/rebuild.mjs';
import * as rewind from './rows/rewind.mjs';
import { startServer } from './server.mjs';

const GROUPS = [
  ...[append, rebuild, conversation, history, rewind, disk, latency],
  ...[codeCheckpoint, codeDiff, codeRewind, codeDisk, codeFork, codeResume],
];

const HELP = `npm run bench -- [options]
  --only 1,4,12   these rows of the table (1–20) only
  --rounds N      rounds, at least 3 (default 3)
  --quick         shorter, with less data
  --full          longer, with a fork of 100,000 files
  --json FILE     write everything that was measured to a file
  --home FOLDER   where the server's data live while it runs (default: the temporary folder)`;

function parsed() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      json: { type: 'string' },
      home: { type: 'string', default: tmpdir() },
      help: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds ${values.rounds} is no number of rounds`);
  const only = values.only?.split(',').map(Number);
  const known = GROUPS.flatMap(({ ids }) => ids);
  for (const id of only ?? [])
    if (!known.includes(id)) throw new Error(`--only ${id}: the rows are ${known.join(', ')}`);
  return { ...values, rounds, only };
}

const options = parsed();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const wanted = (id) => options.only === undefined || options.only.includes(id);
const progress = (line) => console.error(`[${new Date().toISOString().slice(11, 19)}] ${line}`);
const TMPFS = 0x01021994;
if (statfsSync(options.home).type === TMPFS) {
  progress(`${options.home} is in memory: nothing is durable there, and the figures say little; see --home`);
}
const server = await startServer(options.home);
const interrupted = new Promise((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => reject(new Error(`stopped by ${signal}`)));
});
const conditions = circumstances(server.version);
const rows = [];
try {
  for (const group of GROUPS) {
    if (!group.ids.some(wanted)) continue;
    rows.push(...(await Promise.race([group.run({ server, options, wanted, progress }), interrupted])));
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await server.stop();
}
if (process.exitCode) process.exit();
conditions.loadAfter = loadavg().map((load) => Number(load.toFixed(2)));
const { commit, changedFiles, date, cpu, cores, memoryGiB, node, postgres } = conditions;
const { rounds, quick } = options;
console.log(
  `Commit ${commit}${changedFiles ? ` with ${changedFiles} changed files` : ''}, ${date}, ${cpu}, ${cores} cores, ` +
    `${memoryGiB} GiB, Node ${node}, Postgres ${postgres}, load ${conditions.loadBefore[0]} before and ` +
    `${conditions.loadAfter[0]} after, ${rounds} rounds${quick ? ', --quick' : ''}.\n`,
);
console.log(table(rows));
if (options.json)
  writeFileSync(options.json, `${JSON.stringify({ ...conditions, rounds, quick, rows }, null, 1)}\n`);
