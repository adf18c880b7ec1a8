import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ApiError } from '#libs/client/api-error.js';
import type { Connection } from '#libs/client/connection.js';
import { MakimaApi } from '#libs/client/makima-api.js';
import { readCredentials, writeCredentials } from '#libs/client/makima-home.js';
import type { Cli } from './cli.js';
import { UsageError } from './usage-error.js';

/** A daemon's folder in makima's home. */
export const daemonFolder = (home: string): string => join(home, 'daemon');

/**
 * The key that a daemon of this home shows: MAKIMA_DAEMON_TOKEN, else the one that it keeps, else one that is made now
 * with the user's own and kept, mode 0600, so that the next start needs none of the user's.
 * @throws UsageError when the user's key may not make one.
 */
export async function daemonKey(cli: Cli, home: string, server: Connection): Promise<string> {
  const given = cli.env['MAKIMA_DAEMON_TOKEN']?.trim();
  if (given) return given;
  const folder = daemonFolder(home);
  const kept = readCredentials(folder);
  if (kept?.url === server.url && (await works(cli, kept))) return kept.token;
  const token = await newKey(cli);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeCredentials(folder, { url: server.url, token });
  await cli.note(`made a daemon key, kept in ${join(folder, 'credentials.json')}`);
  return token;
}

/** A key that was revoked, or that belongs to a database that is gone, is replaced. */
async function works(cli: Cli, connection: Connection): Promise<boolean> {
  const api = new MakimaApi({ ...connection, signal: cli.signal });
  try {
    await api.access.whoAmI();
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return false;
    throw error;
  }
}

async function newKey(cli: Cli): Promise<string> {
  try {
    const { token } = await cli.api.access.create({ kind: 'daemon', name: 'daemon' });
    return token ?? '';
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 403)) throw error;
    throw new UsageError('a daemon needs a daemon key, and yours may not make one', [
      'ask who runs the server for: makima access create --kind daemon --name <machine>',
      'then set MAKIMA_DAEMON_TOKEN to it',
    ]);
  }
}
