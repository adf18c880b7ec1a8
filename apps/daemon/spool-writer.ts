import { dirname } from 'node:path';
import { pause } from '#libs/client/http-client.js';
import { folderOnDisk } from '#libs/git/on-disk.js';
import { errorCode } from '#libs/processes/system-error.js';
import { openSegment, segmentPath, type OpenSegment, type Segment } from './spool-segments.js';

export interface WriterOptions {
  readonly folder: string;
  /** Of the lease; 0: what is told without one. */
  readonly epoch: number;
  readonly log: (line: string) => void;
  /** For tests. */
  readonly openSegment?: OpenSegment;
  /** Bytes after which a new file begins (default 4 MB). */
  readonly segmentBytes?: number;
  /** Milliseconds after which a full disk is tried again (default 1,000). */
  readonly roomMs?: number;
}

const SEGMENT_BYTES = 4_000_000;
const ROOM_MS = 1_000;

interface Waiting {
  readonly bytes: Buffer;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

interface Current {
  readonly segment: Segment;
  readonly file: Awaited<ReturnType<OpenSegment>>;
}

interface Listeners {
  readonly onSegment: (segment: Segment) => void;
  readonly onWritten: () => void;
}

/** Writes lines to segments, one sync for all that waited meanwhile. A full disk is waited out. */
export class SpoolWriter {
  #queue: Waiting[] = [];
  #current: Current | null = null;
  #working: Promise<void> | null = null;
  isDiskFull = false;

  constructor(
    private readonly options: WriterOptions,
    private readonly signal: AbortSignal,
    private next: number,
    private readonly listeners: Listeners,
  ) {}

  /** Resolves when the text is on the disk. */
  write(text: string): Promise<void> {
    return new Promise((done, failed) => {
      this.#queue.push({ bytes: Buffer.from(text), done, failed });
      this.#working ??= this.#work();
    });
  }

  /** Resolves when nothing waits to be written. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working;
  }

  /** Whether a segment is written to no more; the current one ends here if nothing is being written. */
  leaves(segment: Segment): boolean {
    if (this.#current?.segment !== segment) return true;
    if (this.#working) return false;
    void this.#close();
    return true;
  }

  async closed(): Promise<void> {
    await this.idle();
    await this.#close();
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#written(Buffer.concat(batch.map(({ bytes }) => bytes)));
        for (const { done } of batch) done();
        this.listeners.onWritten();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    // In the same breath as the last look at the queue: what comes from here on starts anew.
    this.#working = null;
  }

  async #written(bytes: Buffer): Promise<void> {
    const { log, roomMs = ROOM_MS } = this.options;
    const { signal } = this;
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.#append(bytes);
        if (this.isDiskFull) log('there is room on the disk again: going on');
        this.isDiskFull = false;
        return;
      } catch (error) {
        if (!isNoRoom(error)) throw error;
        if (!this.isDiskFull) log('the disk is full: the agent is held up until there is room');
        this.isDiskFull = true;
        await pause(roomMs, signal);
      }
    }
  }

  /** What a failed write has left behind the end is written over by the next one. */
  async #append(bytes: Buffer): Promise<void> {
    const { segment, file } = (this.#current ??= await this.#open());
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, at, bytes.length - at, segment.length + at);
      at += bytesWritten;
    }
    await file.datasync();
    segment.length += bytes.length;
    if (segment.length >= (this.options.segmentBytes ?? SEGMENT_BYTES)) await this.#close();
  }

  async #open(): Promise<Current> {
    const { folder, epoch, openSegment: opening = openSegment } = this.options;
    const path = segmentPath(folder, epoch, this.next);
    this.next += 1;
    const file = await opening(path);
    await folderOnDisk(dirname(path));
    const segment = { path, length: 0 };
    this.listeners.onSegment(segment);
    return { segment, file };
  }

  async #close(): Promise<void> {
    const { file } = this.#current ?? {};
    this.#current = null;
    // What counts was synced before.
    await file?.close().catch(() => undefined);
  }
}

const isNoRoom = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '');
