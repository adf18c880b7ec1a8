import { createHash } from 'node:crypto';
import pg from 'pg';
import { closed, connectionConfig, SESSION, TIMEOUTS, type Timeouts } from './connection.js';
import { instantOf } from './instant.js';
import type { Sql } from './sql.js';

export type Row = Record<string, unknown>;

/** Something that runs statements: a connection out of the pool, or the pool itself. */
export interface Queryable {
  query<R extends object = Row>(statement: Sql): Promise<readonly R[]>;
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8 && format !== 'binary') return BigInt;
    if (oid === TIMESTAMPTZ && format !== 'binary') return instantOf;
    return pg.types.getTypeParser(oid, format) as unknown;
  }) as pg.CustomTypesConfig['getTypeParser'],
};

/** Statements of one text are prepared once a connection; the name is a hash of the text and of how often all were renamed. */
const names = new Map<string, string>();
let renamed = 0;
function nameOf(text: string): string {
  let name = names.get(text);
  if (!name) {
    name = createHash('sha256').update(`${renamed} ${text}`).digest('base64url').slice(0, 24);
    if (names.size < 2_000) names.set(text, name);
  }
  return name;
}

async function run<R extends object>(client: pg.ClientBase, statement: Sql): Promise<readonly R[]> {
  const text = statement.text;
  const values = statement.values as unknown[];
  try {
    return (await client.query<R>({ name: nameOf(text), text, values })).rows;
  } catch (error) {
    if (!isStalePlan(error)) throw error;
    // A view has other columns than when the statement was prepared: under a new name it is prepared anew.
    names.clear();
    renamed += 1;
    return (await client.query<R>({ name: nameOf(text), text, values })).rows;
  }
}

const isStalePlan = (error: unknown): boolean =>
  sqlState(error) === '0A000' && (error as Error).message.startsWith('cached plan');

const asQueryable = (client: pg.ClientBase): Queryable => ({ query: (statement) => run(client, statement) });

export interface DatabaseOptions {
  readonly url: string;
  /** Connections at most (default 10). */
  readonly max?: number;
  /** Role to work under; the connection starts with it and RESET ROLE comes back to it. */
  readonly role?: string;
  readonly applicationName?: string;
  readonly timeouts?: Timeouts;
}

/** Token of the Database for what takes as long as there are data. */
export const PATIENT_DATABASE = 'PATIENT_DATABASE';

/** A pool of connections that work under one role. */
export class Database implements Queryable {
  readonly #pool: pg.Pool;
  /** The owner that a connection is set to, for row-level security. */
  readonly #ownerOf = new WeakMap<pg.PoolClient, string>();

  #closed: Promise<void> | undefined;

  constructor(readonly options: DatabaseOptions) {
    this.#pool = new pg.Pool({
      connectionString: options.url,
      max: options.max ?? 10,
      types,
      // Statements that nobody waits for in between are sent at once.
      pipeline: true,
      application_name: options.applicationName ?? 'makima',
      options: options.role ? `${SESSION} -c role=${options.role}` : SESSION,
      ...connectionConfig(options.timeouts ?? TIMEOUTS),
    });
    // A connection that breaks while idle is replaced at its next use; the pool only needs a listener.
    this.#pool.on('error', () => undefined);
    // So does each connection: one may break in the same packet that says it is ready, before anybody has got it.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async query<R extends object = Row>(statement: Sql): Promise<readonly R[]> {
    return this.withConnection((connection) => connection.query<R>(statement));
  }

  /** Runs with one connection for all statements. A connection on which something failed badly is not reused. */
  async withConnection<T>(work: (connection: Queryable) => Promise<T>): Promise<T> {
    return this.#with((client) => work(asQueryable(client)));
  }

  /**
   * Runs with a connection that row-level security shows one owner's rows only. Which owner is kept per connection, so
   * that the setting costs a round trip only when it changes.
   */
  async asOwner<T>(ownerId: string, work: (connection: Queryable) => Promise<T>): Promise<T> {
    return this.#with(async (client) => {
      if (this.#ownerOf.get(client) !== ownerId) {
        this.#ownerOf.delete(client);
        await client.query("SELECT set_config('makima.owner_id', $1, false)", [ownerId]);
        this.#ownerOf.set(client, ownerId);
      }
      return work(asQueryable(client));
    });
  }

  /**
   * Runs in one transaction: all of it or nothing.
   * @param lasting whether it waits for the disk. Without that a crash of the server may lose all of it, never a part:
   * for what is made again from elsewhere.
   * @param snapshot whether all of it sees the database as it stood at its first statement (REPEATABLE READ).
   */
  async transaction<T>(
    work: (connection: Queryable) => Promise<T>,
    { lasting = true, snapshot = false }: { readonly lasting?: boolean; readonly snapshot?: boolean } = {},
  ): Promise<T> {
    return this.#with(async (client) => {
      const begin = snapshot ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'BEGIN';
      await client.query(lasting ? begin : `${begin}; SET LOCAL synchronous_commit TO off`);
      try {
        const result = await work(asQueryable(client));
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  /** Waits a while for what is under way and closes the connections. Safe to call again. */
  close(): Promise<void> {
    return (this.#closed ??= closed(this.#pool.end()));
  }

  async #with<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    // A connection may break while it waits for nothing; without a listener that would end the process.
    const broken = (error: Error): void => void (failure = error);
    client.on('error', broken);
    try {
      return await work(client);
    } catch (error) {
      if (isConnectionError(error)) failure = error as Error;
      throw error;
    } finally {
      client.off('error', broken);
      client.release(failure);
    }
  }
}

/** True if the server or the connection went away: the statement may or may not have taken effect. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    const code = error.code ?? '';
    return code.startsWith('08') || code.startsWith('57P') || code === '53300';
  }
  const { code, message } = error as { code?: string; message?: string };
  return (
    ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'].includes(code ?? '') ||
    /connection terminated|timeout exceeded when trying to connect|timeout expired|query read timeout|not queryable/i.test(
      message ?? '',
    )
  );
}

/** True if the server ended a statement because it took too long: it has had no effect. */
export const isTooSlow = (error: unknown): boolean => sqlState(error) === '57014';

export const sqlState = (error: unknown): string | undefined =>
  error instanceof pg.DatabaseError ? error.code : undefined;

/**
 * Read-only for now, rolled back for another's sake, out of a resource, a parallel worker lost (55000), in use, asked to
 * stop, system or internal error.
 */
const TRANSIENT = /^(25006|40|53|55000|55P03|57|58|XX)/;

/** True if the server could not do its work now, whatever the statement was: the same may succeed later. */
export const isTransient = (error: unknown): boolean =>
  isConnectionError(error) || TRANSIENT.test(sqlState(error) ?? '');
