// Stands in for an agent program: does what the file named by its first argument says, step by step. It writes whatever
// format it is told to; nothing of a real agent is in it. Each step is an object with one of the keys below.
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [script, ...args] = process.argv.slice(2);
const steps = JSON.parse(readFileSync(script, 'utf8'));
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until it is written: a pipe that nobody reads holds the program up. */
const write = (stream, bytes) => new Promise((resolve) => stream.write(bytes, resolve));

const does = {
  out: (text) => write(process.stdout, text),
  json: (value) => write(process.stdout, `${JSON.stringify(value)}\n`),
  base64: (text) => write(process.stdout, Buffer.from(text, 'base64')),
  err: (text) => write(process.stderr, text),
  /** { text, times, to }: writes on and on, and notes in a file how much is out. */
  flood: async ({ text, times, to }) => {
    for (let time = 1; time <= times; time += 1) {
      await write(process.stdout, text);
      writeFileSync(to, String(time * text.length));
    }
  },
  sleep,
  hang: () => sleep(600_000),
  ignoreTerm: () => void process.on('SIGTERM', () => undefined),
  /** Notes what it was started with. */
  note: (to) =>
    writeFileSync(to, JSON.stringify({ args, env: process.env, cwd: process.cwd(), pid: process.pid })),
  /** Notes the next line of its input, or that there is none. */
  readLine: async (to) => {
    const { value, done } = await input.next();
    appendFileSync(to, `${done ? '(end)' : value}\n`);
  },
  /** Until the input ends. */
  readAll: async (to) => {
    for await (const line of { [Symbol.asyncIterator]: () => input }) appendFileSync(to, `${line}\n`);
    appendFileSync(to, '(end)\n');
  },
  closeInput: () => process.stdin.destroy(),
  /** { to, ignoreTerm, leaves }: starts a process that outlives it and holds its output open; `leaves`: its group too. */
  child: async ({ to, ignoreTerm, leaves }) => {
    const code = `${ignoreTerm ? "process.on('SIGTERM', () => {});" : ''} setTimeout(() => {}, 600000);
      require('node:fs').writeFileSync(process.argv[1], String(process.pid));`;
    const stdio = ['ignore', 'inherit', 'inherit'];
    spawn(process.execPath, ['--eval', code, to], { stdio, detached: leaves === true }).unref();
    for (;;) {
      try {
        if (readFileSync(to, 'utf8') !== '') return;
      } catch {
        await sleep(10);
      }
    }
  },
  crash: (signal) => process.kill(process.pid, signal),
  exit: (code) => process.exit(code),
  /** Straight to the descriptor and out, as a program that dies in the middle of a line. */
  cutOff: ({ text, code }) => {
    writeSync(1, text);
    process.exit(code);
  },
};

for (const step of steps) {
  const [[name, value]] = Object.entries(step);
  await does[name](value);
}
process.exit(0);
