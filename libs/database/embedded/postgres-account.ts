import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
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
