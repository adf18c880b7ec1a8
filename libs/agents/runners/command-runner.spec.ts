import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandRunner } from './command-runner.js';
import type { Happening } from './happening.js';
import { RunnerUnavailable, RunRefused, type RunningAgent, type RunRequest } from './runner.js';
import {
  allOf,
  endOf,
  isAlive,
  ofKind,
  outputsOf,
  readUntil,
  ScratchFolder,
  settled,
  until,
} from './spec-stand-ins.js';
import type { Step } from './spec-stand-ins.js';

const scratch = new ScratchFolder();
afterAll(() => scratch.remove());

const start = (steps: readonly Step[], more: Partial<RunRequest> = {}): Promise<RunningAgent> =>
  scratch.started(
    commandRunner({ command: [scratch.program(...steps), 'one', '$HOME; two'] }).start(scratch.request(more)),
  );

const run = async (steps: readonly Step[], more?: Partial<RunRequest>): Promise<readonly Happening[]> =>
  allOf(await start(steps, more));

describe('what a command prints', () => {
  test('becomes outputs, standard error apart, between a status and the end', async () => {
    const told = await run([{ out: 'a\nb\r\n' }, { err: 'oh\n' }, { sleep: 50 }, { out: 'no line end' }]);
    expect(outputsOf(told)).toEqual(['a', 'b', 'no line end']);
    expect(outputsOf(told, 'stderr')).toEqual(['oh']);
    expect(told[0]).toMatchObject({ kind: 'status', status: 'running' });
    const { outcome, status, lines } = endOf(told);
    expect({ outcome, status }).toEqual({ status: 'completed', outcome: { as: 'completed', exitCode: 0 } });
    expect(lines).toMatchObject({ read: 3, told: 3, blank: 0, stderr: 1, cut: 0, replaced: 0 });
  });

  test('is told as its pieces come, and a line is put together of them', async () => {
    const agent = await start([{ out: 'first\nsec' }, { readLine: scratch.file('go') }, { out: 'ond\n' }], {
      prompt: '',
      stayOpen: true,
    });
    const reader = agent[Symbol.asyncIterator]();
    const before = await readUntil(reader, (each) => each.kind === 'output');
    expect(outputsOf(before)).toEqual(['first']);
    agent.say('go on');
    const after = await readUntil(reader, (each) => each.kind === 'end');
    expect(outputsOf(after)).toEqual(['second']);
  });

  test('is cut when a line is too long, and says so', async () => {
    const told = await run([{ out: `${'ä'.repeat(5_000_000)}\nnext\n` }], { limits: { maxLineBytes: 1001 } });
    const [long, next] = outputsOf(told);
    expect(long).toBe(`${'ä'.repeat(500)} [cut: the line has 10000000 bytes, these are its first 1000]`);
    expect(next).toBe('next');
    expect(endOf(told).lines).toMatchObject({ read: 2, cut: 1, replaced: 0 });
  });

  test('may be no UTF-8: the rest of the line stays', async () => {
    const told = await run([
      { base64: Buffer.from([0x61, 0xff, 0x62, 0x0a, 0xc3, 0xa4, 0x0a, 0x00]).toString('base64') },
    ]);
    expect(outputsOf(told)).toEqual(['a\ufffdb', 'ä', '\0']);
    expect(endOf(told).lines).toMatchObject({ read: 3, replaced: 1 });
  });

  test('has the same ids whenever the same run prints the same lines, and others in another run', async () => {
    const steps = [{ out: 'a\nb\n' }, { err: 'c\n' }];
    const idsOf = async (runId: string): Promise<readonly string[]> =>
      (await run(steps, { runId })).map(({ id }) => id).sort();
    const [one, again, other] = await Promise.all(['run-1', 'run-1', 'run-2'].map(idsOf));
    expect(new Set(one).size).toBe(5);
    expect(again).toEqual(one);
    expect(other?.some((id) => one?.includes(id))).toBe(false);
  });
});

describe('how a command ends', () => {
  test('with a code that is not 0: failed', async () => {
    const end = endOf(await run([{ out: 'x\n' }, { exit: 3 }]));
    expect(end).toMatchObject({ status: 'failed', reason: 'It ended with exit code 3.' });
    expect(end.outcome).toMatchObject({ as: 'failed', exitCode: 3 });
  });

  test('by a signal: crashed, with what it said so far and the end of standard error', async () => {
    const told = await run([
      { out: 'so far\nhalf' },
      { err: `${'x'.repeat(9_000)}\nlast words\n` },
      { crash: 'SIGKILL' },
      { hang: 1 },
    ]);
    expect(outputsOf(told)).toEqual(['so far', 'half']);
    const { outcome } = endOf(told);
    expect(outcome).toMatchObject({ as: 'crashed', signal: 'SIGKILL', reason: 'It was ended by SIGKILL.' });
    if (outcome.as !== 'crashed') throw new Error('not crashed');
    expect(outcome.stderr).toMatch(/xxx\nlast words$/);
    expect(outcome.stderr.length).toBeLessThanOrEqual(4_000);
  });

  test('not there: the error names the program and what to do', async () => {
    const starting = commandRunner({ command: ['no-such-program-7'] }).start(scratch.request());
    await expect(starting).rejects.toThrow(RunnerUnavailable);
    await expect(starting).rejects.toThrow(
      /^"no-such-program-7" is not installed here, or not on the PATH\. Install it/,
    );
    const forbidden = commandRunner({ command: [scratch.file('.')] }).start(scratch.request());
    await expect(forbidden).rejects.toThrow(/may not be executed/);
  });

  test('is looked for on the PATH that is given', async () => {
    const name = basename(scratch.program({ out: 'found\n' }));
    const runner = commandRunner({ command: [name] });
    await expect(runner.start(scratch.request())).rejects.toThrow(RunnerUnavailable);
    const environment = { PATH: `${scratch.path}:/usr/bin:/bin` };
    expect(outputsOf(await allOf(await runner.start(scratch.request({ environment }))))).toEqual(['found']);
  });

  test('its folder not there: that is said, not that the program is missing', async () => {
    const starting = start([], { folder: scratch.file('gone') });
    await expect(starting).rejects.toThrow(RunRefused);
    await expect(starting).rejects.toThrow(/folder to work in does not exist/);
  });
});

describe('stopping', () => {
  test('ends a program that would go on, and says why', async () => {
    const agent = await start([{ out: 'here\n' }, { hang: 1 }]);
    const reader = agent[Symbol.asyncIterator]();
    await readUntil(reader, (each) => each.kind === 'output');
    await agent.stop({ reason: 'It is taken back.' });
    expect(isAlive(agent.pid!)).toBe(false);
    const end = endOf(await readUntil(reader, (each) => each.kind === 'end'));
    expect(end).toMatchObject({ status: 'interrupted', reason: 'It is taken back.' });
    expect(end.outcome).toEqual({ as: 'stopped', reason: 'It is taken back.' });
    await agent.stop();
  });

  test('ends one that ignores SIGTERM too, but only after the time it was given', async () => {
    const agent = await start([{ ignoreTerm: 1 }, { out: 'here\n' }, { hang: 1 }]);
    await readUntil(agent[Symbol.asyncIterator](), (each) => each.kind === 'output');
    const stopping = agent.stop({ graceMs: 1_500 });
    // The control: SIGTERM alone does not end it.
    await sleep(700);
    expect(isAlive(agent.pid!)).toBe(true);
    await stopping;
    expect(isAlive(agent.pid!)).toBe(false);
  });

  test('ends what it started as well, also what ignores SIGTERM', async () => {
    const agent = await start([
      { child: { to: scratch.file('polite') } },
      { child: { to: scratch.file('deaf'), ignoreTerm: true } },
      { out: 'here\n' },
      { hang: 1 },
    ]);
    await readUntil(agent[Symbol.asyncIterator](), (each) => each.kind === 'output');
    const pids = ['polite', 'deaf'].map((name) => Number(scratch.read(name)));
    expect(pids.map(isAlive)).toEqual([true, true]);
    await agent.stop({ graceMs: 200 });
    expect(pids.map(isAlive)).toEqual([false, false]);
  });

  test('works while nobody reads and the program is held up', async () => {
    const agent = await start([
      { flood: { text: `${'x'.repeat(9_999)}\n`, times: 1e6, to: scratch.file('held') } },
    ]);
    await until(() => existsSync(scratch.file('held')), 'the flood');
    await agent.stop();
    expect(isAlive(agent.pid!)).toBe(false);
    expect(endOf(await allOf(agent)).outcome.as).toBe('stopped');
  });

  test('a signal, a limit and a reader who leaves stop it as well', async () => {
    const off = new AbortController();
    const [called, limited, left] = await Promise.all([
      start([{ hang: 1 }], { signal: off.signal }),
      start([{ hang: 1 }], { limits: { timeoutMs: 300 } }),
      start([{ out: 'here\n' }, { hang: 1 }]),
    ]);
    off.abort();
    expect(endOf(await allOf(called)).reason).toBe('It was called off.');
    expect(endOf(await allOf(limited)).reason).toBe('It ran for longer than 300 ms.');
    for await (const happening of left) if (happening.kind === 'output') break;
    expect(isAlive(left.pid!)).toBe(false);
    await expect(start([], { signal: off.signal })).rejects.toThrow(/abort/i);
  });
});

describe('what a command leaves behind', () => {
  test('ends with it, though it ends by itself', async () => {
    const told = await run([{ child: { to: scratch.file('left') } }, { out: 'done\n' }]);
    expect(endOf(told).outcome.as).toBe('completed');
    expect(isAlive(Number(scratch.read('left')))).toBe(false);
  });

  test('does not hold the end up when it left the group, which is the limit of what is ended', async () => {
    const told = await run([{ child: { to: scratch.file('escaped'), leaves: true } }, { out: 'done\n' }]);
    expect(outputsOf(told)).toEqual(['done']);
    const pid = Number(scratch.read('escaped'));
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });
});

describe('what is not read', () => {
  test('holds the program up, and comes when it is read', async () => {
    const text = `${'x'.repeat(9_999)}\n`;
    const agent = await start([{ flood: { text, times: 3_000, to: scratch.file('flood') } }]);
    await until(() => existsSync(scratch.file('flood')), 'the flood');
    const out = (): number => Number(scratch.read('flood'));
    // The control: the rest comes when it is read.
    const held = await settled(out);
    expect(held).toBeLessThan(8_000_000);
    const told = await allOf(agent);
    expect(out()).toBe(30_000_000);
    expect(ofKind(told, 'output')).toHaveLength(3_000);
  });
});

describe('what a command is given', () => {
  test('its arguments as they are, its folder, and the prompt to read', async () => {
    await run([{ note: scratch.file('given') }, { readAll: scratch.file('input') }]);
    const { args, cwd } = JSON.parse(scratch.read('given')) as { args: string[]; cwd: string };
    expect({ args, cwd }).toEqual({ args: ['one', '$HOME; two'], cwd: scratch.path });
    expect(scratch.read('input')).toBe('Do it.\n(end)\n');
  });

  test('what is said later, where it stays open, until nobody will say more', async () => {
    const agent = await start([{ readAll: scratch.file('said') }], { stayOpen: true });
    expect([agent.say('one'), agent.say('two\n')]).toEqual([true, true]);
    agent.hangUp();
    expect(agent.say('three')).toBe(false);
    await allOf(agent);
    expect(scratch.read('said')).toBe('Do it.\none\ntwo\n(end)\n');
  });

  test('nothing later where it does not stay open', async () => {
    const agent = await start([{ readAll: scratch.file('unsaid') }]);
    expect(agent.say('one')).toBe(false);
    await allOf(agent);
    expect(scratch.read('unsaid')).toBe('Do it.\n(end)\n');
  });

  test('a program that closes its input early is none the worse for it', async () => {
    const steps = [{ closeInput: 1 }, { out: 'closed\n' }, { sleep: 300 }, { out: 'done\n' }];
    const agent = await start(steps, { stayOpen: true, prompt: 'x'.repeat(1_000_000) });
    const reader = agent[Symbol.asyncIterator]();
    await readUntil(reader, (each) => each.kind === 'output');
    for (let time = 0; time < 50; time += 1) agent.say('y'.repeat(10_000));
    const told = await readUntil(reader, (each) => each.kind === 'end');
    expect(outputsOf(told)).toEqual(['done']);
    expect(endOf(told).outcome.as).toBe('completed');
    expect(agent.say('more')).toBe(false);
  });
});
