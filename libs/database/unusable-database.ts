import pg from 'pg';

/** The database cannot be used as it is. The message is one line for the user and says what to do. */
export class UnusableDatabase extends Error {
  override readonly name = 'UnusableDatabase';
}

const CHECK = 'check DATABASE_URL';

/** What the server says by its error codes (https://www.postgresql.org/docs/18/errcodes-appendix.html). */
const BY_STATE: Readonly<Record<string, (where: string, client: pg.Client) => string>> = {
  '28P01': (where, { user }) => `the database at ${where} refuses the password of ${user}: ${CHECK}`,
  '3D000': (where, { database }) =>
    `there is no database ${database} at ${where}: create it (CREATE DATABASE ${quoted(database)}), or ${CHECK}`,
  '57P03': (where) => `the database at ${where} is starting or stopping: try again shortly`,
  '53300': (where) => `the database at ${where} has no connection left: raise its max_connections`,
};

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name cannot be resolved now',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ECONNRESET: 'it closed the connection',
  ENOENT: 'there is no such socket',
};

/** An SQL identifier as it must be written: `my"db` is `"my""db"`. */
export const quoted = (name: string | undefined): string => pg.escapeIdentifier(name ?? '');

/** Why a connection could not be made, in one line. */
export function connectionRefused(error: unknown, client: pg.Client): UnusableDatabase {
  const where = `${client.host}:${client.port}`;
  const { code = '', message } = error as NodeJS.ErrnoException;
  const known = BY_STATE[code];
  if (known) return new UnusableDatabase(known(where, client), { cause: error });
  const reason = BY_CODE[code] ?? message.replace(/\s*\n\s*/g, ' ');
  return new UnusableDatabase(
    `the database at ${where} cannot be reached (${reason}): ${CHECK}, and that the server runs`,
    { cause: error },
  );
}
