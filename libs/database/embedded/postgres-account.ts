import { execFileSync } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

/** The operating system user that Postgres runs as; it refuses to run as root. */
export interface PostgresAccount {
  /** undefined: the user that runs makima. */
  readonly uid?: number;
  readonly gid?: number;
  readonly name: string;
}

/**
 * Who Postgres runs as: whoever runs makima, or, for root, the data folder's owner, else the user `postgres`, who is
 * created if missing.
 * @throws EmbeddedPostgresError if root has no user to hand over to.
 */
export function postgresAccount(dataFolder: string): PostgresAccount {
  if (process.getuid?.() !== 0) return { name: 'the current user' };
  const owner = statSync(dataFolder, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid, name: `user ${owner.uid}` };
  const account = accountNamed('postgres') ?? accountNamed('_postgres') ?? createdAccount();
  if (account) return account;
  throw new EmbeddedPostgresError(
    'Postgres refuses to run as root and no user "postgres" could be created: create one, ' +
      'start makima as an ordinary user, or set DATABASE_URL',
  );
}

function accountNamed(name: string): PostgresAccount | undefined {
  try {
    const id = (flag: string): number =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g'), name: `user "${name}"` };
  } catch {
    return undefined;
  }
}

function createdAccount(): PostgresAccount | undefined {
  const attempts: [string, string[]][] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', 'postgres']],
    ['adduser', ['-S', '-D', '-H', 'postgres']],
  ];
  for (const [program, args] of attempts) {
    try {
      execFileSync(program, args, { stdio: 'ignore' });
    } catch {
      // Tried next: whether the user exists, and the other program.
    }
    const account = accountNamed('postgres');
    if (account) return account;
  }
  return undefined;
}

/** Options to spawn a program as this account. Nothing of our environment (PGOPTIONS, LC_ALL …) changes what it does. */
export function spawnOptions({ uid, gid }: PostgresAccount): SpawnAs {
  const user = uid === undefined || gid === undefined ? {} : { uid, gid };
  return { cwd: '/', env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }, ...user };
}

export interface SpawnAs {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** How a program of the account's reaches a folder. */
export interface Entrance {
  /** What to call the folder in its arguments. */
  readonly path: string;
  /** What it must inherit, in this order, as its file descriptors from 3 on. */
  readonly descriptors: readonly number[];
  /** To be called once the program has started. */
  close(): void;
}

/**
 * A way into a folder that the account may use. Below a folder that is closed to it (root's home, a temporary folder of
 * root's) the program inherits the folder as an open file, and reaches what is in it through that.
 * @throws EmbeddedPostgresError where the system has no /proc.
 */
export function entranceTo(folder: string, account: PostgresAccount): Entrance {
  const closed = closedFolder(folder, account);
  if (closed === undefined) return { path: folder, descriptors: [], close: () => undefined };
  if (process.platform !== 'linux' || closed === folder) {
    throw new EmbeddedPostgresError(
      `Postgres runs as ${account.name}, who may not enter ${closed}: ` +
        'set MAKIMA_HOME to a folder that everybody may enter, such as /var/lib/makima',
    );
  }
  const descriptor = openSync(folder, 'r');
  return { path: '/proc/self/fd/3', descriptors: [descriptor], close: () => closeSync(descriptor) };
}

/** The outermost folder on the way to `path` (inclusive) that the account may not enter, or undefined. */
export function closedFolder(path: string, account: PostgresAccount): string | undefined {
  if (account.uid === undefined) return undefined;
  const way: string[] = [path];
  for (let parent = dirname(path); parent !== way[0]; parent = dirname(parent)) way.unshift(parent);
  return way.find((folder) => {
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    return (mode & bit) === 0;
  });
}
