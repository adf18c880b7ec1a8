import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { programForSpecs } from './testing/program.js';
import { runCommand } from './testing/run-command.js';
import { task } from './testing/samples.js';

describe('the command line', () => {
  let fake: FakeMakima;
  beforeEach(async () => (fake = await FakeMakima.start()));
  afterEach(() => fake.stop());
  const run = (...words: readonly string[]) => runCommand(fake.url, words);

  it('introduces itself', async () => {
    const { code, out, err } = await run();
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('First steps:');
    expect(out).toMatch(/Read:\n {2}timeline .*\n {2}contract/);
    expect((await run('--version')).out).toBe('1.2.3\n');
    expect((await run('--help')).out).toBe(out);
  });

  it('suggests what may have been meant', async () => {
    expect(await run('tsk')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining("makima: unknown command 'tsk'\n(Did you mean task?)") as string,
    });
    expect((await run('task', 'histroy', 'x')).err).toContain('(Did you mean history?)');
    expect((await run('task', 'list', '--statsu', 'x')).err).toContain('(Did you mean --status?)');
  });

  it.each([
    ['task'],
    ['task', 'show'],
    ['task', 'show', 'a', 'b'],
    ['task', 'list', '--limit'],
    ['task', 'list', '--format', 'xml'],
    ['nonsense\x1b[2J'],
  ])('ends with 2 for %j', async (...words) => {
    const { code, out, err } = await run(...words);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).not.toBe('');
    expect(err).not.toContain('\x1b');
    expect(fake.seen).toEqual([]);
  });

  it.each([
    [400, 'MALFORMED_REQUEST', 7],
    [401, 'UNAUTHENTICATED', 5],
    [403, 'FORBIDDEN', 5],
    [404, 'NOT_FOUND', 3],
    [409, 'BUSY', 4],
    [412, 'PRECONDITION_FAILED', 4],
    [422, 'VALIDATION_FAILED', 7],
    [500, 'INTERNAL', 1],
    [503, 'READ_MODEL_BEHIND', 4],
  ])('ends with the exit code of a problem: %i %s', async (status, code, expected) => {
    fake.on('GET /api/v1/mesh/tasks', (_, response) =>
      problem(response, status, code, 'No.', {
        errors: [{ field: 'limit', code: 'X', detail: 'must be less' }],
      }),
    );
    const ran = await run('task', 'list');
    expect(ran.code).toBe(expected);
    expect(ran.out).toBe('');
    expect(ran.err).toContain('makima: No.\n  limit: must be less\n');
    expect(ran.err.includes('trace trace-1')).toBe(status >= 500);
  });

  it('says how to get a server when nobody answers', async () => {
    await fake.stop();
    const { code, err } = await run('task', 'list');
    expect(code).toBe(6);
    expect(err).toMatch(
      /^makima: no answer from http:\S+ \(connection refused\)\n {2}is it running\? start it with: npm start\n/,
    );
  });

  it('says that an address or stored credentials are wrong', async () => {
    expect(await runCommand('not an address', ['task', 'list'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('MAKIMA_URL is "not an address"') as string,
    });
    const home = mkdtempSync(join(tmpdir(), 'makima-run-'));
    writeFileSync(join(home, 'credentials.json'), '{');
    const damaged = await runCommand('', ['task', 'list'], { env: { MAKIMA_HOME: home, MAKIMA_TOKEN: '' } });
    expect(damaged).toMatchObject({ code: 1, err: expect.stringContaining('is damaged') as string });
    rmSync(home, { recursive: true });
  });

  it('says that something else answers', async () => {
    fake.on(
      'GET /api/v1/mesh/tasks',
      (_, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>'),
    );
    expect(await run('task', 'list')).toMatchObject({
      code: 1,
      err: expect.stringContaining('is that a makima server?') as string,
    });
    fake.on('GET /api/v1/mesh/tasks', { surprise: true });
    expect(await run('task', 'list')).toMatchObject({
      code: 1,
      err: expect.stringContaining('set MAKIMA_DEBUG=1') as string,
    });
  });

  it('ends with 130 at Ctrl-C', async () => {
    const ending = new AbortController();
    fake.on('GET /api/v1/mesh/tasks', () => {
      ending.abort();
      return new Promise(() => undefined);
    });
    expect(await runCommand(fake.url, ['task', 'list'], { signal: ending.signal })).toEqual({
      code: 130,
      out: '',
      err: '',
    });
  });

  it('shows another owner’s data to those who may see it', async () => {
    fake.on('GET /api/v1/mesh/tasks', { tasks: [] });
    await run('task', 'list', '--owner', 'o-2');
    expect(fake.last.headers).toMatchObject({
      'x-makima-owner': 'o-2',
      authorization: 'Bearer mk_user_test',
      'user-agent': 'makima-cli/1.2.3',
    });
  });

  it('colours for a terminal, unless it was told not to', async () => {
    fake.on('GET /api/v1/mesh/tasks', { tasks: [task()] });
    const terminal = { columns: 100 };
    expect((await runCommand(fake.url, ['task', 'list'], { terminal })).out).toContain('\x1b[32mrunning');
    for (const [words, env] of [
      [['task', 'list', '--no-color'], {}],
      [['task', 'list'], { NO_COLOR: '1' }],
    ] as const) {
      expect((await runCommand(fake.url, words, { terminal, env })).out).not.toContain('\x1b');
    }
    expect((await run('task', 'list')).out).not.toContain('\x1b');
    expect((await runCommand(fake.url, ['task', 'list'], { env: { FORCE_COLOR: '1' } })).out).toContain(
      '\x1b[32m',
    );
    expect((await runCommand(fake.url, [], { terminal })).out).toContain('\x1b[1mRead:\x1b[22m');
  });

  it('prints completions that ask it back', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      expect((await run('completion', shell)).out).toContain(`makima __complete ${shell} --`);
    }
    expect((await run('completion', 'powershell')).code).toBe(2);
    expect((await run('__complete', 'bash', '--', 'task', 'hi')).out).toBe('history\n');
    expect((await run('__complete', 'zsh', '--', 'task', 'hi')).out).toBe("history:A task's conversation\n");
    expect((await run('__complete', 'fish', '--', 'contract', 'history', '--pha')).out).toBe(
      '--phase\tonly what happened in this phase\n',
    );
  });
});

const leaves = (command: Command): readonly Command[] =>
  command.commands.length > 0 ? command.commands.flatMap(leaves) : [command];

const pathOf = (command: Command): readonly string[] =>
  command.parent ? [...pathOf(command.parent), command.name()] : [];

describe('every command', () => {
  // It has nothing: each command that is understood ends with what is not there.
  let empty: FakeMakima;
  beforeAll(async () => (empty = await FakeMakima.start()));
  afterAll(() => empty.stop());

  const visible = leaves(programForSpecs()).filter((command) => !command.name().startsWith('__'));

  it.each(visible.map((command) => [pathOf(command).join(' ')]))(
    '%s --help shows how it is used, with examples that it understands',
    async (path) => {
      const { code, out, err } = await runCommand(empty.url, [...path.split(' '), '--help']);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain(`Usage: makima ${path}`);
      expect(out.split('\n').every((one) => one.length <= 170)).toBe(true);
      if (path === 'completion') return;
      expect(out).toContain('Examples:');
      const lines = [
        ...out.matchAll(/^ {2}\$ (?:.*\| )?(?:export \w+=\$\()?makima (.*?)\)?(?: > \S+)?(?: {2,}#.*)?$/gm),
      ].map(([, words]) => words ?? '');
      expect(lines.length).toBeGreaterThan(0);
      for (const example of lines) {
        const words = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(
          ([, quoted, bare]) => quoted ?? bare ?? '',
        );
        const parsed = await runCommand(empty.url, words, {
          env: { MAKIMA_CONTRACT_ID: '0190a1b2-0000-7000-8000-000000000001' },
        });
        expect([example, parsed.code, parsed.err]).toEqual([
          example,
          expect.any(Number),
          expect.not.stringMatching(/unknown|invalid|missing|too many|no time/),
        ]);
      }
    },
  );

  it.each(
    visible
      .filter((command) => pathOf(command)[0] !== 'completion')
      .map((command) => [pathOf(command).join(' '), command] as const),
  )('%s takes --format json', (_, command) => {
    expect(command.options.find(({ long }) => long === '--format')?.argChoices).toContain('json');
  });
});
