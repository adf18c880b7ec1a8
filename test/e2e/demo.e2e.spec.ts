import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** Command lines of processes that name a folder. */
const runningBelow = (folder: string): readonly string[] =>
  execFileSync('ps', ['-axo', 'args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder));

describe('npm run demo', () => {
  let scratch: string;
  let told: string;
  let complaints: string;
  let code: unknown;
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'makima-demo-spec-'));
    const demo = spawn(process.execPath, ['scripts/demo.mjs'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: scratch, TZ: 'UTC' },
    });
    const ended = once(demo, 'exit');
    [told, complaints] = await Promise.all([text(demo.stdout), text(demo.stderr)]);
    [code] = (await ended) as [unknown];
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  /** What a command printed, by the beginning of its line; the n-th time that it was used. */
  const printed = (command: string, time = 0): string => {
    const part = told.split(/^\$ /m).filter((one) => one.startsWith(command))[time];
    if (part === undefined) throw new Error(`${command} is not in:\n${told}`);
    return part.slice(part.indexOf('\n') + 1);
  };

  it('comes to its end', () => {
    expect([code, complaints, told]).toEqual([0, '', expect.stringContaining('That was it, in ')]);
  });

  it('lets a supervisor and three tasks run, and makes checkpoints of what they change', () => {
    expect(printed('makima contract start')).toContain('Three tasks: the greeting');
    expect(printed('makima task run --name Greeting')).toContain('node cli.mjs <name> greets.');
    expect(printed('makima task run --name Docs')).toContain('│ documented');
    expect(printed('makima task checkpoints')).toMatch(/^3 [^]*^2 [^]*^1 /m);
    expect(printed('makima task checkpoint-diff')).toContain('-export const greet = (name) => `Hello');
  });

  it('kills a daemon, and goes on with its task on another one where the checkpoint was', () => {
    expect(printed('makima daemon list', 1)).toMatch(/ lost .* first$/m);
    expect(printed('makima task list')).toMatch(/ interrupted .*Translations$/m);
    const resumed = printed('makima task follow');
    expect(resumed).toContain('lang/de.json is there already');
    expect(resumed).toContain('lang/pt.json written');
    expect(resumed).toContain('task completed');
  });

  it('takes code and conversation back, and forward again', () => {
    expect(printed('cat', 0)).toContain('HELLO');
    expect(printed('makima task rewind', 0).replace(/\s+/g, ' ')).toContain(
      '8 messages hidden (dry run: nothing was changed)',
    );
    expect(printed('makima task rewind', 1)).toContain('and as git branch loud');
    expect(printed('cat', 1)).toContain('`Hello, ${name}.`');
    expect(printed('makima task history')).not.toContain('loud and clear');
    expect(printed('makima undo')).toContain('undid rewind');
    expect(printed('cat', 2)).toContain('HELLO');
  });

  it('forks, and shows how the two ways differ', () => {
    expect(printed('makima task start')).toContain('Friendly, and still polite.');
    expect(printed('makima task compare')).toContain('4 messages in common');
    const diff = printed('makima task checkpoint-diff', 1);
    expect(diff).toContain('-export const greet = (name) => `HELLO, ${name.toUpperCase()}!!!`;');
    expect(diff).toContain('+export const greet = (name) => `Hello, ${name}! Good to see you.`;');
    expect(printed('makima audit verify')).toMatch(/^✓ the hashes of \d+ events/);
  });

  it('leaves nothing: no folder, no process', () => {
    const [folder = ''] = /\S+\/makima-demo-\w+/.exec(told.replace('MAKIMA_HOME=', '')) ?? [];
    expect(folder).toContain('makima-demo-');
    expect(existsSync(folder)).toBe(false);
    expect(runningBelow(folder)).toEqual([]);
  });
});
