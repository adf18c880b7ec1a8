import type { Database } from '#libs/database/database.js';
import { identifier, raw, sql } from '#libs/database/sql.js';
import type { Instance } from './instance.js';

/** So long after a load's last batch its tables are tidied. */
const QUIET_MS = 1_000;
/** Events of a batch that says that a load goes on; ordinary work makes fewer. */
const LOADING = 100;
/** Fewer new events change no plan. */
const LEAST = 1_000;
/** A tenth more rows changes none either. */
const GROWTH = 10;

/** How many events have gone into an instance's tables: all that this process knows of, and those since they were tidied. */
interface Growth {
  readonly instance: Instance;
  readonly events: number;
  readonly fresh: number;
}

/**
 * Vacuums and analyses read models when a load is over. Until then Postgres plans as if their tables were small, and
 * looks at rows for what an index holds; its own autovacuum comes a minute later.
 */
export class Tidying {
  readonly #grown = new Map<string, Growth>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly database: Database,
    private readonly quietMs = QUIET_MS,
  ) {}

  /** Notes that a batch went into instances' tables. */
  noted(instances: readonly Instance[], events: number): void {
    if (this.#stopped) return;
    for (const instance of instances) {
      const { events: before = 0, fresh = 0 } = this.#grown.get(instance.schema) ?? {};
      this.#grown.set(instance.schema, { instance, events: before + events, fresh: fresh + events });
    }
    if (events >= LOADING) this.#clear();
    this.#timer ??= setTimeout(() => void this.#tidy(), this.quietMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One after the other; one that cannot be tidied now is left to autovacuum. */
  async #tidy(): Promise<void> {
    this.#clear();
    await this.#forget().catch(() => undefined);
    for (const [schema, { instance, events, fresh }] of this.#grown) {
      if (this.#stopped) return;
      if (fresh < LEAST || fresh * GROWTH < events) continue;
      this.#grown.set(schema, { instance, events, fresh: 0 });
      const tables = instance.projection.tables.map(({ name }) => identifier(schema, name).text).join(', ');
      await this.database.query(raw(`VACUUM (ANALYZE, SKIP_LOCKED) ${tables}`)).catch(() => undefined);
    }
  }

  /** Lets go of what nobody reads or will read: the tables of verifications, and those that others took the place of. */
  async #forget(): Promise<void> {
    const rows = await this.database.query<{ schema: string }>(
      sql`SELECT schema FROM projections WHERE status <> 'retired'`,
    );
    const kept = new Set(rows.map(({ schema }) => schema));
    for (const schema of this.#grown.keys()) if (!kept.has(schema)) this.#grown.delete(schema);
  }

  /** The schemas that it keeps count of. */
  get counted(): readonly string[] {
    return [...this.#grown.keys()];
  }
}
