import { agentEnvironment } from './agent-environment.js';
import { commandRunner } from './command-runner.js';
import { RunRefused } from './runner.js';
import { allOf, ScratchFolder } from './spec-stand-ins.js';

const OWN = {
  PATH: '/bin',
  HOME: '/home/dev',
  LANG: 'C.UTF-8',
  DATABASE_URL: 'postgres://secret',
  EVENTSTORE_URL: 'esdb://secret',
  MAKIMA_TOKEN: 'mk_secret',
  MAKIMA_HOME: '/var/lib/makima',
  NODE_OPTIONS: '--inspect',
};

describe('agentEnvironment', () => {
  test('has PATH, HOME and LANG and what is given, and nothing else', () => {
    expect(agentEnvironment({ MODEL: 'x' }, OWN)).toEqual({
      PATH: '/bin',
      HOME: '/home/dev',
      LANG: 'C.UTF-8',
      MODEL: 'x',
    });
    expect(agentEnvironment({ PATH: '/opt/agent' }, { PATH: '/bin' })).toEqual({ PATH: '/opt/agent' });
  });

  test('never hands on a secret of this process, whoever says so', () => {
    expect(() => agentEnvironment({ ...OWN }, OWN)).toThrow(RunRefused);
    expect(() => agentEnvironment({ MAKIMA_TOKEN: OWN.MAKIMA_TOKEN }, OWN)).toThrow(/own MAKIMA_TOKEN/);
    // A key of its own an agent may have.
    expect(agentEnvironment({ MAKIMA_TOKEN: 'mk_its_own' }, OWN)).toMatchObject({
      MAKIMA_TOKEN: 'mk_its_own',
    });
  });
});

describe('a program', () => {
  const scratch = new ScratchFolder();
  const before = { ...process.env };
  afterAll(async () => {
    process.env = before;
    await scratch.remove();
  });

  test('sees nothing else of this process', async () => {
    process.env = { ...before, ...OWN, PATH: before['PATH'], NODE_OPTIONS: '' };
    const program = scratch.program({ note: scratch.file('seen') });
    const request = scratch.request({ environment: { GIVEN: 'yes' } });
    await allOf(await commandRunner({ command: [program] }).start(request));
    const { env } = JSON.parse(scratch.read('seen')) as { env: Record<string, string> };
    // What the shell that starts the stand-in sets by itself.
    const ownOfShell = ['PWD', 'OLDPWD', 'SHLVL', '_'];
    expect(
      Object.keys(env)
        .filter((name) => !ownOfShell.includes(name))
        .sort(),
    ).toEqual(['GIVEN', 'HOME', 'LANG', 'PATH']);
    expect(scratch.read('seen')).not.toContain('secret');
  });
});
