import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { emptyTestDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { MakimaHomes, postmasterOf, type LaunchOptions } from '../faults/makima-process.js';
import { survivorsOf, treeOf } from '../faults/process-tree.js';

// Settings that cannot be used, and users other than the one that runs the tests.
jest.setTimeout(120_000);

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const at = new MakimaHomes();
let database: TestDatabase;
beforeAll(async () => {
  database = await emptyTestDatabase();
});
afterAll(async () => {
  await at.remove();
  await database.drop();
});

/** Starts with something wrong; answers the one line that it ends with. */
async function refusal(options: Partial<LaunchOptions>): Promise<string> {
  const server = at.launch(options);
  expect(await server.ended).toEqual({ code: 1, signal: null });
  expect(server.stdout).toEqual([]);
  expect(server.notes).toEqual([expect.stringMatching(/^makima: /)]);
  return server.notes[0] ?? '';
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * An ordinary user: whoever runs these tests, or for root another one of this system who can read the project; else why
 * there is none.
 */
function ordinaryUser(): User | string {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  if (uid !== undefined && uid !== 0 && gid !== undefined) return { uid, gid };
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  try {
    const user = { uid: id('-u'), gid: id('-g') };
    const script = 'fs.readdirSync(process.argv[1]); fs.readdirSync(process.argv[2])';
    const args = ['-e', script, join(PROJECT, 'dist'), join(PROJECT, 'node_modules')];
    const { status } = spawnSync(process.execPath, args, { ...user, cwd: '/', stdio: 'ignore' });
    return status === 0 ? user : `user nobody may not read ${PROJECT} or run ${process.execPath}`;
  } catch {
    return 'there is no user nobody';
  }
}

describe('a setting that cannot be used is said in one line', () => {
  it.each([
    ['PORT', 'abc', 'makima: PORT=abc is not a whole number from 0 to 65535'],
    ['PORT', '70000', 'makima: PORT=70000 is not a whole number from 0 to 65535'],
    ['PORT', '-1', 'makima: PORT=-1 is not a whole number from 0 to 65535'],
    [
      'MAKIMA_SNAPSHOT_EVERY',
      '1.5',
      'makima: MAKIMA_SNAPSHOT_EVERY=1.5 is not a whole number from 0 to 1000000',
    ],
    ['DATABASE_URL', 'sqlite:x', 'makima: DATABASE_URL must begin with postgres:// or postgresql://'],
    ['EVENTSTORE_URL', 'http://x', 'makima: EVENTSTORE_URL must begin with esdb://'],
  ])('%s=%s', async (name, value, line) => {
    expect(await refusal({ env: { [name]: value } })).toBe(line);
    expect(existsSync(at.path('home'))).toBe(false);
  });

  it('HOST that is not of this machine, and nothing keeps running', async () => {
    const line = await refusal({
      home: at.path('elsewhere'),
      env: { HOST: '192.0.2.1', DATABASE_URL: database.url },
    });
    expect(line).toBe('makima: HOST=192.0.2.1 is not an address of this machine');
  });

  it.each([
    ['esdb://somebody:secret@127.0.0.1:1?tls=false', 'EventStoreDB at esdb://'],
    ['esdb://', ''],
  ])('EVENTSTORE_URL=%s, which nobody answers at', async (url, begin) => {
    const env = { EVENTSTORE_URL: url, DATABASE_URL: database.url };
    const line = await refusal({ home: at.path('elsewhere'), env });
    expect(line).toContain(`makima: ${begin}`);
    expect(line).toMatch(/: check EVENTSTORE_URL, and that the server runs$/);
    expect(line).not.toContain('secret');
  });

  it('MAKIMA_HOME below a file', async () => {
    writeFileSync(at.path('file'), '');
    expect(await refusal({ home: at.path('file/home') })).toBe(
      `makima: cannot use ${at.path('file/home')} as makima's home (${at.path('file')} is a file, not a folder): ` +
        'set MAKIMA_HOME to a folder that you can write to',
    );
  });

  it('credentials that are damaged', async () => {
    const home = at.path('damaged');
    mkdirSync(home, { mode: 0o711 });
    writeFileSync(join(home, 'credentials.json'), '{');
    expect(await refusal({ home, env: { DATABASE_URL: database.url } })).toBe(
      `makima: ${join(home, 'credentials.json')} is damaged: delete it and start makima again`,
    );
  });
});

/** Containers often let everybody listen on every port. */
function mayListenOn(port: number, user: User): boolean {
  const script = `require('node:net').createServer().listen(${port}, '127.0.0.1', () => process.exit(0))`;
  return spawnSync(process.execPath, ['-e', script], { ...user, cwd: '/', stdio: 'ignore' }).status === 0;
}

const notRun = (why: string): boolean => process.stdout.write(`start-settings.e2e.spec: not run: ${why}\n`);
const user = ordinaryUser();
if (typeof user === 'string') notRun(`makima as an ordinary user: ${user}`);
else {
  describe('an ordinary user', () => {
    const home = at.path('ordinary');

    it('starts, stops and starts again, with Postgres as the same user', async () => {
      mkdirSync(home, { mode: 0o700 });
      chownSync(home, user.uid, user.gid);
      for (const round of [1, 2]) {
        const server = await at.start({ home, user });
        const postgres = postmasterOf(home);
        if (!postgres) throw new Error('Postgres does not run');
        const all = [...treeOf(server.pid), ...treeOf(postgres.pid)];
        expect(all.length).toBeGreaterThan(3);
        expect(statSync(join(home, 'postgres')).uid).toBe(user.uid);
        expect(statSync(join(home, 'credentials.json'))).toMatchObject({ uid: user.uid });
        const { token, url } = server.credentials;
        const answer = await fetch(`${url}/api/v1/access/whoami`, {
          headers: { authorization: `Bearer ${token}` },
        });
        expect([round, answer.status]).toEqual([round, 200]);
        server.signalGroup('SIGINT');
        expect(await server.ended).toEqual({ code: 0, signal: null });
        expect(survivorsOf(all)).toEqual([]);
      }
    });

    it('is told of a home that cannot be written to', async () => {
      const closed = at.path('closed');
      mkdirSync(closed);
      chmodSync(closed, 0o555);
      const below = join(closed, 'home');
      expect(await refusal({ home: below, user })).toBe(
        `makima: cannot use ${below} as makima's home (permission denied): set MAKIMA_HOME to a folder that you can write to`,
      );
    });

    if (mayListenOn(1, user)) notRun('a port that is not for ordinary users: this system keeps none');
    else {
      it('is told of a port that is not for ordinary users', async () => {
        expect(await refusal({ home, user, port: 1 })).toBe(
          'makima: port 1 may not be used by this user. Choose one above 1023: PORT=7420 npm start',
        );
      });
    }
  });
}
