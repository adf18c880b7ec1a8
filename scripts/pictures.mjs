// Makes docs/images/*.svg: starts a server of its own, runs the real command line against it with the project's samples,
// and draws what it prints. Needs a build. Ids differ from run to run; nothing else does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCli } from '#apps/cli/run.js';
import { drawn } from './terminal-picture.mjs';

const COLUMNS = 100;
// A day after what the samples tell: times are printed as people would have seen them.
const NOW = new Date('2026-03-03T10:00:00Z');
const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** A terminal that keeps what is written to it, both streams in order. */
function terminal() {
  let text = '';
  const stream = () => {
    const write = (chunk, _, done) => {
      text += chunk;
      done();
    };
    return Object.assign(new Writable({ write }), { isTTY: true, columns: COLUMNS, rows: 500 });
  };
  return { stdout: stream(), stderr: stream(), text: () => text };
}

/** Runs a command as somebody would type it. @returns what the terminal shows, with the command line above it. */
async function shown(command, env) {
  const { stdout, stderr, text } = terminal();
  const host = { env, stdin: process.stdin, stdout, stderr, version: '', now: () => NOW };
  const code = await runCli(command.split(' '), { ...host, signal: new AbortController().signal });
  if (code !== 0) throw new Error(`makima ${command} ended with ${code}:\n${text()}`);
  return `\x1b[32m$\x1b[39m \x1b[1mmakima ${command}\x1b[22m\n${text().trim()}\n`;
}

/** Ids as they are printed: the first that stands in a list before a name. */
function idBefore(name, list) {
  const line = list.split('\n').find((one) => one.includes(name) && !one.includes('$'));
  const id = /[0-9a-f]{8}/.exec(line ?? '')?.[0];
  if (!id) throw new Error(`${name} is not in:\n${list}`);
  return id;
}

async function take(env) {
  const imported = await shown('import libs/agents/transcripts/samples/claude-code', env);
  const task = idBefore('A todo list', imported);
  const contracts = await shown('contract list', env);
  env.MAKIMA_CONTRACT_ID = idBefore('A todo list', contracts);
  const told = [imported, await shown(`task history ${task} --limit 6`, env)];
  const rewound = await shown('supervisor rewind-conversation --by-messages 2 --reason later', env);
  const undo = /undo with: makima ([\w -]+)/.exec(rewound)[1];
  const branches = await shown(`branches ${task}`, env);
  const gone = [rewound, branches, await shown(undo, env), await shown(`branches ${task}`, env)];
  return { 'import-and-history': told, 'rewind-and-undo': gone };
}

const home = mkdtempSync(join(tmpdir(), 'makima-pictures-'));
const server = spawn(process.execPath, [join(root, 'dist/apps/api/main.js')], {
  env: { PATH: process.env.PATH, MAKIMA_HOME: home, PORT: '0', MAKIMA_DAEMON: 'off' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  process.chdir(root);
  await once(createInterface(server.stdout), 'line');
  for (const [name, screens] of Object.entries(await take({ MAKIMA_HOME: home }))) {
    writeFileSync(`docs/images/${name}.svg`, drawn(screens.join('\n'), COLUMNS));
    console.log(`docs/images/${name}.svg`);
  }
} finally {
  server.kill('SIGTERM');
  await once(server, 'exit');
  rmSync(home, { recursive: true, force: true });
}
process.exit(0);
