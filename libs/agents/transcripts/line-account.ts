import type { RecordLine, SourceLine } from './line-reader.js';
import type { InvalidLine, LineReport } from './transcript.js';

/** What became of one line. */
export type Fate =
  | { readonly as: 'imported'; readonly into: Counted }
  | { readonly as: 'raw'; readonly what: string }
  | { readonly as: 'skipped'; readonly what: string };

/** What lines become entries of. */
export interface Counted {
  /** Lines that became or joined its entries. */
  lines: number;
}

export const imported = (into: Counted): Fate => ({ as: 'imported', into });
export const raw = (what: string): Fate => ({ as: 'raw', what });
export const skipped = (what: string): Fate => ({ as: 'skipped', what });

const MAX_INVALID_LINES = 1_000;
const MAX_KINDS = 200;
const MAX_KIND_LENGTH = 80;

/** Counts where every line of a transcript went. The sum is kept: a line is counted exactly once. */
export class LineAccount {
  #lines = 0;
  #imported = 0;
  #blank = 0;
  readonly #raw = new Tally();
  readonly #skipped = new Tally();
  readonly #notes = new Tally();
  readonly #invalid: InvalidLine[] = [];
  #invalidCount = 0;

  /** Counts lines that hold nothing to read, and returns the others to be read and counted by `count`. */
  *records(lines: Iterable<SourceLine>, file: string): Generator<RecordLine> {
    for (const line of lines) {
      if (line.kind === 'record') {
        if (line.replacedBytes) this.note('not_utf8');
        yield line;
      } else {
        this.#lines += 1;
        if (line.kind === 'blank') this.#blank += 1;
        else if (line.kind === 'comment') this.#skipped.add('comment');
        else {
          const { number, byteOffset, reason } = line;
          this.#invalidCount += 1;
          if (this.#invalid.length < MAX_INVALID_LINES)
            this.#invalid.push({ line: number, byteOffset, reason, file });
        }
      }
    }
  }

  count(fate: Fate): void {
    this.#lines += 1;
    if (fate.as === 'imported') {
      this.#imported += 1;
      fate.into.lines += 1;
    } else if (fate.as === 'raw') this.#raw.add(fate.what);
    else this.#skipped.add(fate.what);
  }

  /** An oddity that lost nothing. */
  note(kind: string, times = 1): void {
    if (times > 0) this.#notes.add(kind, times);
  }

  report(): LineReport {
    return {
      lines: this.#lines,
      imported: this.#imported,
      raw: this.#raw.counts(),
      skipped: this.#skipped.counts(),
      blank: this.#blank,
      invalid: this.#invalid,
      invalidCount: this.#invalidCount,
      notes: this.#notes.counts(),
    };
  }
}

const OTHERS = 'others';
const shortKind = (name: string): string =>
  name.length > MAX_KIND_LENGTH ? `${name.slice(0, MAX_KIND_LENGTH)}…` : name;

/** Under which name a report counts lines of a type. */
export const kindIn = (counts: Readonly<Record<string, number>>, name: string): string =>
  Object.hasOwn(counts, shortKind(name)) ? shortKind(name) : OTHERS;

/** Counts by name. The names come from the files, so their number and length are bounded. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string, times = 1): void {
    const short = shortKind(name);
    const key = this.#counts.has(short) || this.#counts.size < MAX_KINDS ? short : OTHERS;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + times);
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
