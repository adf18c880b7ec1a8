import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { closed, connectionConfig, SESSION } from './connection.js';

/** Announcements are at least this far apart: a NOTIFY in every transaction would cut throughput to a third. */
const APART_MS = 20;
const RECONNECT_MS = 1_000;
/** How often the connection is tried: one that waits for news does not notice by itself that none can come. */
const TRY_MS = 10_000;
const TIMEOUTS = { connectMs: 5_000, statementMs: 5_000 };

/**
 * Tells other processes on a channel that there is something new, and hears it from them (and from itself). Nothing
 * depends on it but the delay: whoever waits for news also looks by itself.
 */
export class Notifications {
  readonly #closing = new AbortController();
  #listener: pg.Client | undefined;
  #announced = 0;
  /** Set from when an announcement is due until it has been made. */
  #due: NodeJS.Timeout | undefined;
  /** There was something new while an announcement was under way, which may have come too early for it. */
  #again = false;

  constructor(
    private readonly url: string,
    /** A name that needs no quotes. */
    private readonly channel: string,
    private readonly heard: () => void,
  ) {}

  /** Starts to listen, and keeps at it when the connection is lost. */
  listen(): void {
    void this.#listen();
  }

  /** Says that there is something new: at once, or when enough time has gone by since the last time. */
  announce(): void {
    this.#again = true;
    if (this.#due || this.#closing.signal.aborted) return;
    const wait = Math.max(0, this.#announced + APART_MS - Date.now());
    this.#due = setTimeout(() => void this.#tell(), wait);
  }

  /** One at a time: on a slow connection they would queue up without bound. */
  async #tell(): Promise<void> {
    this.#again = false;
    this.#announced = Date.now();
    await this.#listener?.query(`NOTIFY ${this.channel}`).catch(() => undefined);
    this.#due = undefined;
    if (this.#again) this.announce();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#due);
    if (this.#listener) await closed(this.#listener.end());
  }

  async #listen(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const client = new pg.Client({
        connectionString: this.url,
        application_name: 'makima-notifications',
        // An announcement takes a transaction number, and would make appends wait while its commit goes to the disk.
        options: `${SESSION} -c synchronous_commit=off`,
        ...connectionConfig(TIMEOUTS),
      });
      const lost = new Promise<void>((resolve) =>
        client.on('error', () => resolve()).on('end', () => resolve()),
      );
      try {
        await client.connect();
        client.on('notification', this.heard);
        await client.query(`LISTEN ${this.channel}`);
        this.#listener = client;
        await Promise.race([lost, this.#tryOut(client)]);
      } catch {
        // The database is not there now, or no more; it is tried again.
      }
      this.#listener = undefined;
      await closed(client.end());
      await delay(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Ends with an error when the connection gives no answer, or when this is closed. */
  async #tryOut(client: pg.Client): Promise<never> {
    for (;;) {
      await delay(TRY_MS, undefined, { signal: this.#closing.signal });
      await client.query('SELECT');
    }
  }
}
