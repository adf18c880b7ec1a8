import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { EmbeddedHome, killGroup, portOf, queryOnce, until } from '#libs/testing/embedded-home.js';
import { readKeys } from './embedded/postgres-keys.js';
import { runningProcess } from '#libs/processes/running-process.js';

jest.setTimeout(30_000);

let at: EmbeddedHome;
beforeEach(() => {
  at = new EmbeddedHome();
});
afterEach(() => at.remove());

const halfMade = (): string[] => readdirSync(at.home).filter((name) => name.startsWith('postgres.new-'));

describe('the first start', () => {
  it('makes a database, safe against power cuts, for a role that row-level security holds for', async () => {
    const { url } = await at.start({ forTests: false });
    const role = `SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb
      FROM pg_roles WHERE rolname = current_user`;
    expect(await queryOnce(url, role)).toEqual([
      { rolname: 'makima', rolsuper: false, rolbypassrls: false, rolcreaterole: true, rolcreatedb: false },
    ]);
    const owner = `SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database()`;
    expect(await queryOnce(url, owner)).toEqual([{ owner: 'makima' }]);
    const settings = `SELECT name, setting FROM pg_settings
      WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'jit', 'listen_addresses') ORDER BY name`;
    expect(await queryOnce(url, settings)).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'full_page_writes', setting: 'on' },
      { name: 'jit', setting: 'off' },
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
  });

  it('keeps passwords and data to itself, and asks for the password', async () => {
    const { url } = await at.start();
    const paths = ['keys', 'keys/postgres.json', 'postgres', 'logs', 'logs/postgres.log'];
    const modes = paths.map((path) => (statSync(join(at.home, path)).mode & 0o777).toString(8));
    expect(modes).toEqual(['700', '600', '700', '700', '600']);
    const wrong = new URL(url);
    wrong.password = 'guessed';
    await expect(queryOnce(wrong.toString(), 'SELECT 1')).rejects.toThrow('password authentication failed');
    wrong.username = 'postgres';
    await expect(queryOnce(wrong.toString(), 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('works whatever the umask, and below a folder that is closed to others', async () => {
    const home = join(at.folder, 'closed/home');
    mkdirSync(join(at.folder, 'closed'), { mode: 0o700 });
    const umask = process.umask(0o077);
    try {
      const first = await at.start({ home });
      // A setting of ours: the settings file is found too.
      expect(await queryOnce(first.url, 'SHOW max_connections')).toEqual([{ max_connections: '300' }]);
      await first.stop();
      const second = await at.start({ home });
      expect(second).toMatchObject({ url: first.url, adopted: false });
      expect(await at.start({ home })).toMatchObject({ pid: second.pid, adopted: true });
    } finally {
      process.umask(umask);
    }
  });

  it('is done again when it was killed half-way', async () => {
    do {
      rmSync(at.home, { recursive: true, force: true, maxRetries: 5 });
      const child = at.startElsewhere();
      const begun = (name: string): boolean => existsSync(join(at.home, name, 'data/PG_VERSION'));
      await until(
        () => existsSync(at.home) && (halfMade().some(begun) || existsSync(join(at.home, 'postgres'))),
      );
      await killGroup(child);
    } while (existsSync(join(at.home, 'postgres'))); // it was faster than we
    expect(halfMade()).toHaveLength(1);
    const first = await at.start();
    expect(await queryOnce(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await first.stop();
    await at.start();
    expect(halfMade()).toEqual([]);
  });
});

describe('stop and start', () => {
  it('keep the data, the address and the passwords; stopping twice is harmless', async () => {
    const first = await at.start();
    await queryOnce(first.url, 'CREATE TABLE t AS SELECT 7 AS n');
    await first.stop();
    await first.stop();
    expect(runningProcess(first.pid)).toBeUndefined();
    expect(existsSync(join(at.home, 'postgres/postmaster.pid'))).toBe(false);
    const second = await at.start();
    expect(second).toMatchObject({ url: first.url, adopted: false });
    expect(await queryOnce(second.url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
  });

  it('move to another port when somebody took theirs', async () => {
    const first = await at.start();
    await queryOnce(first.url, 'CREATE TABLE t AS SELECT 7 AS n');
    await first.stop();
    const thief = createServer().listen(portOf(first), '127.0.0.1');
    await once(thief, 'listening');
    const second = await at.start();
    expect(portOf(second)).not.toBe(portOf(first));
    expect(await queryOnce(second.url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
    expect(readKeys(join(at.home, 'keys/postgres.json'))?.port).toBe(portOf(second));
    thief.close();
  });

  it('work for two homes side by side', async () => {
    const homes = ['one', 'other'].map((name) => at.start({ home: join(at.folder, name) }));
    const [one, other] = await Promise.all(homes);
    if (!one || !other) throw new Error('two were started');
    await queryOnce(one.url, 'CREATE TABLE only_here ()');
    await expect(queryOnce(other.url, 'TABLE only_here')).rejects.toThrow('does not exist');
    await one.stop();
    expect(await queryOnce(other.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
