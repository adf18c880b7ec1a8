import { readFile, rm } from 'node:fs/promises';
import { ApiError } from '#libs/client/api-error.js';
import type { ActivityItem } from './protocol.js';
import { isPassing, reasonIn, untilAnswered } from './retry.js';
import { SpoolWriter, type WriterOptions } from './spool-writer.js';
import { keepAside, linesFrom, segmentsIn, type Segment } from './spool-segments.js';

/** The lease under which something was to be sent has ended: what was not sent is kept aside, and nobody takes it. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

export interface SpoolOptions extends WriterOptions {
  /** Sends items to the server. @throws ApiError, as it answered */
  readonly send: (items: readonly ActivityItem[]) => Promise<unknown>;
  /** Stops sending and writing; what is on the disk stays. */
  readonly signal: AbortSignal;
  /** Told once. */
  readonly onLeaseLost?: () => void;
}

interface Waiting {
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

const MOST = { lines: 200, bytes: 4_000_000 };

/** Codes by which the server says that it will never take an item as it is. */
const UNTAKEABLE = new Set([400, 409, 413, 422]);

/**
 * What a task's daemon has to tell, on the disk until the server has it: written and synced before anything depends on
 * it, sent in order, removed when it was acknowledged. Items have ids, so sending again after a kill changes nothing.
 */
export class Spool {
  readonly #writer: SpoolWriter;
  readonly #segments: Segment[];
  /** Acknowledged bytes of the first segment. */
  #offset = 0;
  /** Items that are sent one by one, because one of them was refused. */
  #singly = 0;
  readonly #lost = new AbortController();
  readonly #signal: AbortSignal;
  readonly #waiting: Waiting[] = [];
  #wake: () => void = () => undefined;
  readonly #sending: Promise<void>;
  #aside: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: SpoolOptions,
    { segments, next }: { readonly segments: Segment[]; readonly next: number },
  ) {
    this.#signal = AbortSignal.any([options.signal, this.#lost.signal]);
    this.#segments = segments;
    this.#writer = new SpoolWriter(options, this.#signal, next, {
      onSegment: (segment) => this.#segments.push(segment),
      onWritten: () => this.#wake(),
    });
    this.#sending = this.#send();
  }

  /** Opens what a task has under an epoch, and begins to send it. */
  static async open(options: SpoolOptions): Promise<Spool> {
    return new Spool(options, await segmentsIn(options.folder, options.epoch));
  }

  /** Whether all that is on the disk is acknowledged. */
  get isEmpty(): boolean {
    return this.#segments.every(({ length }, at) => length <= (at === 0 ? this.#offset : 0));
  }

  /** Whether there is no room on the disk: whoever appends waits. */
  get isDiskFull(): boolean {
    return this.#writer.isDiskFull;
  }

  /** Resolves when the items are on the disk. @throws LeaseLost, or the signal's reason */
  async append(items: readonly ActivityItem[]): Promise<void> {
    this.#signal.throwIfAborted();
    if (items.length > 0) await this.#writer.write(items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  }

  /** Resolves when all that was appended is acknowledged, and gone. @throws LeaseLost, or the signal's reason */
  async flush(): Promise<void> {
    await this.#writer.idle();
    this.#signal.throwIfAborted();
    await new Promise<void>((done, failed) => {
      this.#waiting.push({ done, failed });
      this.#wake();
    });
  }

  /** Nobody takes what is under this epoch any more: it is kept aside. */
  async abandon(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    this.#lost.abort(new LeaseLost(`the lease with epoch ${this.options.epoch} has ended`));
    this.options.onLeaseLost?.();
    this.#aside = this.#setAside().catch((error: unknown) =>
      this.options.log(`what was refused stays in the spool: ${reasonIn(error)}`),
    );
    await this.#aside;
  }

  /** After the signal, or when the lease is lost: resolves when nothing is written or sent any more. */
  async closed(): Promise<void> {
    await this.#quiet();
    await this.#aside;
  }

  async #quiet(): Promise<void> {
    await Promise.all([this.#sending, this.#writer.closed()]);
  }

  async #send(): Promise<void> {
    const signal = this.#signal;
    const stop = (): void => this.#wake();
    signal.addEventListener('abort', stop);
    try {
      while (!signal.aborted) {
        if (!this.isEmpty) await this.#sendSome();
        else {
          const woken = new Promise<void>((resolve) => (this.#wake = resolve));
          await this.#next();
          // What was written meanwhile is not acknowledged.
          if (!this.isEmpty) continue;
          for (const { done } of this.#waiting.splice(0)) done();
          await woken;
        }
      }
      signal.throwIfAborted();
    } catch (error) {
      if (!signal.aborted) this.options.log(`what is spooled cannot be sent: ${reasonIn(error)}`);
      this.#lost.abort(error);
      for (const { failed } of this.#waiting.splice(0)) failed(error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #sendSome(): Promise<void> {
    const segment = this.#segments[0]!;
    if (this.#offset >= segment.length) return this.#next();
    const most = this.#singly > 0 ? { ...MOST, lines: 1 } : MOST;
    const { lines, bytes } = await linesFrom(segment, this.#offset, most);
    if (await this.#taken(lines)) {
      this.#offset += bytes;
      this.#singly = Math.max(0, this.#singly - 1);
    }
  }

  /** Whether these lines are done with. */
  async #taken(lines: readonly string[]): Promise<boolean> {
    const { send, log } = this.options;
    const options = { signal: this.#signal, mostMs: 10_000, passing: isPassingOrBusy };
    const items = lines.flatMap((line) => itemIn(line) ?? []);
    if (items.length === 0) return true;
    try {
      const onTrouble = (error: unknown): void => log(`waiting to send: ${reasonIn(error)}`);
      await untilAnswered(() => send(items), { ...options, onTrouble });
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'LEASE_STALE' || !UNTAKEABLE.has(error.status)) {
        log(`refused, and kept aside: ${error.detail}`);
        // It waits for this to end.
        void this.abandon();
        return false;
      }
      return this.#refused(lines, error);
    }
  }

  /** One item that cannot be taken must not hold up the others. */
  async #refused(lines: readonly string[], { code, detail }: ApiError): Promise<boolean> {
    if (lines.length > 1) {
      this.#singly = lines.length;
      return false;
    }
    const { folder, epoch, log } = this.options;
    log(`an item was not taken, and is kept in refused-${epoch}.ndjson: ${code}: ${detail}`);
    await keepAside(folder, epoch, `${lines.join('\n')}\n`);
    return true;
  }

  /** The first segment is acknowledged to its end: it goes, unless it is still written to. */
  async #next(): Promise<void> {
    const [first] = this.#segments;
    if (!first || !this.#writer.leaves(first)) return;
    this.#segments.shift();
    this.#offset = 0;
    await rm(first.path, { force: true });
  }

  async #setAside(): Promise<void> {
    const { folder, epoch } = this.options;
    await this.#quiet();
    for (const segment of this.#segments.splice(0)) {
      const rest = (await readFile(segment.path)).subarray(this.#offset, segment.length);
      this.#offset = 0;
      if (rest.length > 0) await keepAside(folder, epoch, rest);
      await rm(segment.path, { force: true });
    }
  }
}

/** A task that is being rewound may still take what was done before. */
const isPassingOrBusy = (error: unknown): boolean =>
  isPassing(error) || (error instanceof ApiError && error.code === 'TASK_BUSY');

/** Nothing for what a power cut has left of a line that nobody waited for. */
function itemIn(line: string): ActivityItem | undefined {
  try {
    return JSON.parse(line) as ActivityItem;
  } catch {
    return undefined;
  }
}
