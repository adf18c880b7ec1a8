import { isZstd } from './zstd.js';
import { ReaderProcess, type ReaderLimits } from './transcript-reader.js';
import { TranscriptShelf, type SizedFile, type Survey } from './transcript-shelf.js';
import type { Transcript } from './transcript.js';
import { Turns } from './turns.js';

/** A file among the bytes of another one, which is open. */
export interface PlacedFile extends SizedFile {
  /** Where its bytes begin. */
  readonly from: number;
}

/** Files to look for transcripts in, and the descriptor of the open file that holds their bytes. */
export interface ReadingSource {
  readonly files: readonly PlacedFile[];
  readonly descriptor: number;
}

/** Transcripts that were found. Close it when they are no longer needed. */
export interface Transcripts {
  readonly survey: Survey;
  /** One of those found, by its index. Each can be taken once. @throws ReadingFailed */
  take(index: number): Promise<Transcript>;
  close(): void;
}

/** So little is read at once, in some 20 ms, and can't take much memory whatever it holds. */
const SMALL_BYTES = 1_000_000;
const LIMITS = { processes: 2, waiting: 50, heapMb: 1_536, patienceMs: 20_000 };

/** How much is read at a time: more transcripts wait their turn, and more than `waiting` are sent away. */
export interface ReadingLimits extends ReaderLimits {
  readonly processes: number;
  readonly waiting: number;
}

/**
 * Reads transcripts beside everything else that this process does: all but small ones in a process of their own, whose
 * memory is limited. A thread would not do: JSON that needs more memory than a thread may take ends the whole process.
 */
export class TranscriptReading {
  readonly #turns: Turns;

  constructor(private readonly limits: ReadingLimits = LIMITS) {
    this.#turns = new Turns(limits.processes, limits.waiting);
  }

  /**
   * Looks some files through.
   * @throws ReadingFailed when a file needs too much memory or time, TooManyWaiting, and the signal's reason.
   */
  async open(source: ReadingSource, signal: AbortSignal): Promise<Transcripts> {
    if (isSmall(source.files)) {
      const shelf = new TranscriptShelf(source.files);
      return { survey: shelf.survey, take: async (index) => shelf.take(index), close: () => undefined };
    }
    const done = await this.#turns.take(signal);
    const reader = new ReaderProcess(source.descriptor, this.limits, signal, done);
    try {
      const survey = await reader.survey(source.files);
      return { survey, take: (index) => reader.take(index), close: () => reader.close() };
    } catch (error) {
      reader.close();
      throw error;
    }
  }
}

/** What is packed may be big whatever its size. */
const isSmall = (files: readonly PlacedFile[]): boolean =>
  files.reduce((sum, { size }) => sum + size, 0) <= SMALL_BYTES && !files.some(({ bytes }) => isZstd(bytes));
