import {
  AccessDeniedError,
  BACKWARDS,
  END,
  EventStoreDBClient,
  InvalidArgumentError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  StreamNotFoundError,
  UnsupportedError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import type { StreamingRead } from '@eventstore/db-client';
import { CLOSED } from '../pull-subscription.js';

/** Errors after which it is known what happened. After any other error, the call may have been carried out or not. */
const DEFINITE = [
  AccessDeniedError,
  InvalidArgumentError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  StreamNotFoundError,
  UnsupportedError,
  WrongExpectedVersionError,
];

export const isDefinite = (error: unknown): boolean => DEFINITE.some((definite) => error instanceof definite);

const READ_TRIES = 6;
const FIRST_PAUSE_MS = 50;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The client, with reads that end: they are tried again after passing trouble and give up when nothing comes. */
export class Connection {
  readonly client: EventStoreDBClient;
  readonly #ending = new Set<(error: Error) => void>();
  #ended = false;

  /**
   * @param url `esdb://[user:password@]host:port[,…][?tls=false…]` or `esdb+discover://…`
   * @param idleMs how long a read waits for its next event.
   */
  constructor(
    private readonly url: string,
    private readonly idleMs: number,
  ) {
    this.client = EventStoreDBClient.connectionString(url);
    // Batch append shares one table of waiting callers among all connections of the process: when one connection
    // breaks, the callers of the others are refused, and their late answers crash the process
    // (KurrentDB-Client-NodeJS#523). Without the capability, each append is a call of its own.
    Object.assign(this.client, { supports: () => Promise.resolve(false) });
  }

  /** @throws Error saying what cannot be reached and why, at the latest after `ms`. */
  async connect(ms: number): Promise<void> {
    const deadline = Date.now() + ms;
    for (let wait = FIRST_PAUSE_MS; ; wait *= 2) {
      try {
        const read = this.client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 });
        await this.#collect(read, Math.max(1, deadline - Date.now()));
        return;
      } catch (error) {
        if (!isDefinite(error) && Date.now() + wait < deadline) {
          await pause(wait);
          continue;
        }
        await this.end();
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`EventStoreDB at ${withoutPassword(this.url)} does not answer: ${reason}`, {
          cause: error,
        });
      }
    }
  }

  /** All events of a read. It is started anew when it fails for a reason that may pass. */
  async collect<Event>(start: () => StreamingRead<Event>): Promise<Event[]> {
    for (let tries = 1; ; tries += 1) {
      if (this.#ended) throw new Error(CLOSED);
      try {
        return await this.#collect(start(), this.idleMs);
      } catch (error) {
        if (isDefinite(error) || tries === READ_TRIES || this.#ended) throw error;
        await pause(FIRST_PAUSE_MS * 2 ** (tries - 1));
      }
    }
  }

  /** Reads under way are refused; the connection is given up. */
  async end(): Promise<void> {
    this.#ended = true;
    for (const refuse of [...this.#ending]) refuse(new Error(CLOSED));
    await this.client.dispose();
  }

  #collect<Event>(read: StreamingRead<Event>, idleMs: number): Promise<Event[]> {
    return new Promise((resolve, reject) => {
      const events: Event[] = [];
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        this.#ending.delete(refuse);
        finish();
      };
      // The client swallows the error of a cancelled read, so cancelling does not end it: this does.
      const refuse = (error: Error): void => {
        settle(() => reject(error));
        read.cancel().catch(() => undefined);
      };
      const timer = setTimeout(() => refuse(new Error(`no answer within ${idleMs} ms`)), idleMs);
      this.#ending.add(refuse);
      read.on('data', (event) => {
        timer.refresh();
        events.push(event);
      });
      read.on('end', () => settle(() => resolve(events)));
      read.on('error', (error) => settle(() => reject(error)));
    });
  }
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^/@]*@/, '//***@');
