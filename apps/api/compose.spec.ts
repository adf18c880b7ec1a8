import { existsSync, readFileSync } from 'node:fs';
import { daemonSettings } from '../daemon/settings.js';
import { readSettings } from './settings.js';

const text = readFileSync('docker-compose.yml', 'utf8');

/** What a service's part of the file says, down to the next service. */
function service(name: string): string {
  const part = new RegExp(`^  ${name}:\\n((?:    .*\\n|\\s*\\n)+)`, 'm').exec(text)?.[1];
  if (part === undefined) throw new Error(`there is no service ${name}`);
  return part;
}

const settingsOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    [
      ...(/^ {4}environment:\n((?: {6}.*\n)+)/m.exec(service(name))?.[1] ?? '').matchAll(
        /^ {6}(\w+): (.*)$/gm,
      ),
    ].map(([, key, value]) => [
      key,
      value!
        .replace(/^'(.*)'$/, '$1')
        .replace(/\$\{\w+:-\}/, '')
        .replace(/\$\{\w+\}/, 'x'),
    ]),
  );

/** The variables that the settings are read from. */
function namesRead(): ReadonlySet<string> {
  const names = new Set<string>();
  const note = (_: object, name: string | symbol): undefined => void names.add(String(name));
  readSettings(new Proxy<NodeJS.ProcessEnv>({}, { get: note }));
  return names;
}

describe('docker-compose.yml', () => {
  it.each(['api', 'projector'])('gives %s settings that are read, and that go together', (name) => {
    const settings = settingsOf(name);
    expect(Object.keys(settings)).toContain('DATABASE_URL');
    expect([...namesRead()]).toEqual(expect.arrayContaining(Object.keys(settings)));
    expect(readSettings(settings)).toMatchObject({
      databaseUrl: 'postgres://makima:x@postgres:5432/makima',
      projects: name === 'projector',
    });
  });

  it('gives the daemon the address of the API, and a key', () => {
    const settings = { ...settingsOf('daemon'), MAKIMA_TOKEN: 'mk_daemon_x', MAKIMA_HOME: '/var/lib/makima' };
    expect(daemonSettings(settings)).toEqual({
      url: 'http://api:7420',
      token: 'mk_daemon_x',
      home: '/var/lib/makima',
    });
    expect(settingsOf('daemon')).toHaveProperty('MAKIMA_TOKEN');
  });

  it('starts programs that are there, in an image whose settings are read', () => {
    const dockerfile = readFileSync('Dockerfile', 'utf8');
    const programs = [...`${dockerfile}${text}`.matchAll(/dist\/(apps\/\w+\/main)\.js/g)].map(
      ([, path]) => path!,
    );
    expect(programs).toEqual(['apps/api/main', 'apps/projector/main', 'apps/daemon/main']);
    for (const program of programs) expect(existsSync(`${program}.ts`)).toBe(true);
    const names = [.../^ENV (.*)$/m.exec(dockerfile)![1]!.matchAll(/(\w+)=/g)].map(([, name]) => name!);
    expect([...namesRead()]).toEqual(expect.arrayContaining(names));
  });
});

it("says in the README's table what can be set, and nothing else", () => {
  const rows = readFileSync('README.md', 'utf8').matchAll(/^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) +\|/gm);
  const named = [...rows].flatMap(([, names]) => names!.replaceAll('`', '').split(', '));
  expect(named.toSorted()).toEqual([...namesRead()].filter((name) => name !== 'HOME').toSorted());
});
