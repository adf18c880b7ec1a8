import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { jest } from '@jest/globals';
import { readKeys } from '#libs/database/embedded/postgres-keys.js';
import { EmbeddedHome, queryOnce } from '#libs/testing/embedded-home.js';
import { emptyTestDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { MakimaHomes, postmasterOf, type MakimaProcess } from '../faults/makima-process.js';

// The real process on a Postgres of the user's own, and everything about it that can be wrong.
jest.setTimeout(120_000);

const at = new MakimaHomes();
let database: TestDatabase;
beforeAll(async () => {
  database = await emptyTestDatabase();
});
afterAll(async () => {
  await at.remove();
  await database.drop();
});

const changed = (url: string, change: (url: URL) => void): string => {
  const copy = new URL(url);
  change(copy);
  return copy.toString();
};

/** Starts on a database that cannot be used; answers the one line that it ends with. */
async function refusal(databaseUrl: string, home = 'home'): Promise<string> {
  const server = at.launch({ home: at.path(home), env: { DATABASE_URL: databaseUrl } });
  expect(await server.ended).toEqual({ code: 1, signal: null });
  expect(server.stdout).toEqual([]);
  expect(server.stderr).toEqual([expect.stringMatching(/^makima: /)]);
  return server.stderr[0] ?? '';
}

async function whoami(server: MakimaProcess): Promise<number> {
  const headers = { authorization: `Bearer ${server.credentials.token}`, connection: 'close' };
  return (await fetch(`${server.credentials.url}/api/v1/access/whoami`, { headers })).status;
}

async function stop(server: MakimaProcess): Promise<void> {
  server.signalGroup('SIGINT');
  expect(await server.ended).toEqual({ code: 0, signal: null });
}

describe('DATABASE_URL to a Postgres of one’s own', () => {
  it('is used instead of the embedded one, now and at the next start', async () => {
    const env = { DATABASE_URL: database.url };
    const first = await at.start({ env });
    expect(first.output).toBe(`makima ready at ${first.url}`);
    expect(await whoami(first)).toBe(200);
    expect(postmasterOf(first.home)).toBeUndefined();
    const { token } = first.credentials;
    await stop(first);
    const second = await at.start({ env });
    expect(second.credentials.token).toBe(token);
    expect(await whoami(second)).toBe(200);
    await stop(second);
    // The server of the tests' is still there: it belongs to somebody else.
    expect(await queryOnce(database.url, 'SELECT count(*)::int AS owners FROM owners')).toEqual([
      { owners: 1 },
    ]);
  });
});

describe('a database that cannot be reached is said in one line', () => {
  it('nothing listens', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    const url = changed(database.url, (u) => (u.port = String(port)));
    expect(await refusal(url)).toBe(
      `makima: the database at 127.0.0.1:${port} cannot be reached (nothing listens there): check DATABASE_URL, and that the server runs`,
    );
    expect(await refusal(changed(url, (u) => (u.hostname = 'localhost')))).toContain(
      'cannot be reached (nothing listens there)',
    );
  });

  it('something listens that does not answer, or is no Postgres', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    const closing = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
      0,
      '127.0.0.1',
    );
    for (const server of [silent, closing, other]) if (!server.listening) await once(server, 'listening');
    const to = (server: Server): string =>
      changed(database.url, (u) => (u.port = String((server.address() as AddressInfo).port)));
    const lines = await Promise.all(
      [silent, closing, other].map((server, n) => refusal(to(server), `home-${n}`)),
    );
    for (const server of [silent, closing, other]) server.close();
    for (const line of lines) expect(line).toContain('cannot be reached (');
  });

  it.each<[string, (url: URL) => void, RegExp]>([
    [
      'there is no such host',
      (url) => (url.hostname = 'no-such-host.invalid'),
      /cannot be reached \((there is no such host|its name cannot be resolved now)\): check DATABASE_URL/,
    ],
    [
      'a wrong password, which is not printed',
      (url) => (url.password = 'guessed-password'),
      /refuses the password of \S+: check DATABASE_URL$/,
    ],
    [
      'no such database',
      (url) => (url.pathname = '/no_such_database'),
      /there is no database no_such_database at \S+: create it \(CREATE DATABASE "no_such_database"\), or check DATABASE_URL$/,
    ],
    ['another kind of address', (url) => (url.protocol = 'mysql:'), /DATABASE_URL must begin with postgres:/],
  ])('%s', async (_what, change, expected) => {
    const line = await refusal(changed(database.url, change));
    expect(line).toMatch(expected);
    expect(line).not.toContain('guessed-password');
    expect(line).not.toContain(new URL(database.url).password);
  });

  it.each(['postgres://', 'postgres://host:port/db', 'postgres://%/db'])(
    'no address at all: %s',
    async (url) => {
      expect(await refusal(url)).toMatch(
        /^makima: (DATABASE_URL cannot be read|the database at \S+ (cannot be|refuses))/,
      );
    },
  );
});

describe('a role that may not do everything', () => {
  const cluster = new EmbeddedHome();
  let admin: string;
  let url: string;
  afterAll(() => cluster.remove());
  beforeAll(async () => {
    // A server of its own: one on which the role makima_app has never been made.
    const { url: own } = await cluster.start();
    const keys = readKeys(`${cluster.home}/keys/postgres.json`);
    admin = changed(own, (u) => {
      u.username = 'postgres';
      u.password = keys?.superuserPassword ?? '';
    });
    await queryOnce(admin, `CREATE ROLE "the-limited" LOGIN PASSWORD 'limited'`);
    await queryOnce(admin, 'CREATE DATABASE history');
    url = changed(own, (u) => {
      u.username = 'the-limited';
      u.password = 'limited';
      u.pathname = '/history';
    });
  });

  /** Runs the SQL that the line asks for. */
  async function obey(line: string): Promise<void> {
    const statements = /: ((?:CREATE|GRANT|ALTER) .+;)$/.exec(line)?.[1];
    expect(statements).toBeDefined();
    await queryOnce(
      changed(admin, (u) => (u.pathname = '/history')),
      statements ?? '',
    );
  }

  it('is told which SQL is missing, and with that it works', async () => {
    const tables = await refusal(url);
    expect(tables).toBe(
      'makima: the role the-limited may not create tables in the database history. Run there as its owner: ' +
        'GRANT CREATE ON DATABASE "history" TO "the-limited"; GRANT CREATE ON SCHEMA public TO "the-limited";',
    );
    await obey(tables);
    const role = await refusal(url);
    expect(role).toBe(
      "makima: the role the-limited may not set up makima's role makima_app. Run once as a superuser: " +
        'CREATE ROLE makima_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE; ' +
        'GRANT makima_app TO "the-limited";',
    );
    expect(
      await queryOnce(
        changed(admin, (u) => (u.pathname = '/history')),
        `SELECT to_regclass('events') AS t`,
      ),
    ).toEqual([{ t: null }]);
    await obey(role);
    const server = await at.start({ env: { DATABASE_URL: url } });
    expect(await whoami(server)).toBe(200);
    await stop(server);
  });

  it('is told when another role made makima_app', async () => {
    await queryOnce(admin, 'REVOKE makima_app FROM "the-limited"');
    const line = await refusal(url);
    expect(line).toContain('Run once as a superuser: GRANT makima_app TO "the-limited";');
    await obey(line);
    await stop(await at.start({ env: { DATABASE_URL: url } }));
  });

  it('is refused when makima_app passes over row-level security', async () => {
    await queryOnce(admin, 'ALTER ROLE makima_app BYPASSRLS');
    const line = await refusal(url);
    expect(line).toContain('the role makima_app passes over row-level security');
    await obey(line);
    await stop(await at.start({ env: { DATABASE_URL: url } }));
  });

  it('is told that a text encoding does not do', async () => {
    await queryOnce(
      admin,
      `CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0 OWNER "the-limited"`,
    );
    expect(await refusal(changed(url, (u) => (u.pathname = '/latin')))).toBe(
      "makima: the database latin keeps its text as LATIN1: create one with ENCODING 'UTF8' TEMPLATE template0",
    );
  });

  it('is told that a database can only be read', async () => {
    await queryOnce(admin, 'ALTER DATABASE history SET default_transaction_read_only = on');
    expect(await refusal(url)).toBe(
      'makima: the database history can only be read: choose the primary server',
    );
  });
});
