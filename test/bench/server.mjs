// One Postgres for everybody: makima's own embedded one, in a home that is thrown away, with the settings that users get.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { lockHome, startEmbeddedPostgres } from '../../dist/libs/database/embedded-postgres.js';

/**
 * Starts the server.
 * @param root folder for the home; on a disk, or the figures say nothing about durable writes.
 */
export async function startServer(root) {
  const home = mkdtempSync(join(root, 'makima-bench-'));
  const lock = await lockHome(home);
  const server = await startEmbeddedPostgres({ home });
  // If this process ends by a crash, its server ends too.
  const interrupt = () => process.kill(server.pid, 'SIGINT');
  process.once('exit', interrupt);
  const superuser = new URL(server.url);
  superuser.username = 'postgres';
  superuser.password = JSON.parse(readFileSync(join(home, 'keys/postgres.json'), 'utf8')).superuserPassword;
  superuser.pathname = '/postgres';
  const admin = new pg.Client({ connectionString: superuser.href });
  admin.on('error', () => undefined);
  await admin.connect();
  return {
    version: (await admin.query('SHOW server_version')).rows[0].server_version,
    /** Writes everything out, so that every case starts alike. */
    checkpoint: () => admin.query('CHECKPOINT'),
    /** A fresh, empty database that belongs to makima's role; answers its URL. */
    async createDatabase(name) {
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.query(`CREATE DATABASE ${name} OWNER makima`);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    },
    dropDatabase: (name) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    async stop() {
      await admin.end();
      process.off('exit', interrupt);
      await server.stop();
      lock.release();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Connections to a database, each of which may be used by one caller at a time. */
export async function connect(url, count) {
  const clients = Array.from({ length: count }, () => new pg.Client({ connectionString: url }));
  // When the server stops after a failure, that failure is what should be seen.
  for (const client of clients) client.on('error', () => undefined);
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

export const disconnect = (clients) => Promise.all(clients.map((client) => client.end()));
