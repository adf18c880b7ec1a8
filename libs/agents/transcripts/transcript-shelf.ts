import { readTranscripts } from './read-transcripts.js';
import { outlineOf, type Outline } from './transcript-outline.js';
import type { Transcript, TranscriptFile } from './transcript.js';

export interface SizedFile extends TranscriptFile {
  /** Bytes. */
  readonly size: number;
}

/** The transcripts among some files, and the files that are none with the reason. */
export interface Survey {
  readonly found: readonly Outline[];
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

/** Files of so many bytes together are read once and kept, and so is a single file; others are read again in their turn. */
const KEPT_BYTES = 32_000_000;

/** The transcripts among some files: all are looked through at once, and then handed out one by one. */
export class TranscriptShelf {
  readonly survey: Survey;
  readonly #kept = new Map<number, Transcript>();

  constructor(private readonly files: readonly SizedFile[]) {
    const keeps = files.length === 1 || files.reduce((sum, { size }) => sum + size, 0) <= KEPT_BYTES;
    const found: Outline[] = [];
    const refused: Survey['refused'][number][] = [];
    for (const result of readTranscripts(files)) {
      if (result.kind === 'refused') {
        refused.push({ name: result.name, reason: result.reason });
        continue;
      }
      const outline = outlineOf(result.files, result.transcript);
      if (outline) found.push(outline);
      else for (const name of result.files) refused.push({ name, reason: 'nobody says anything in it' });
      if (outline && keeps) this.#kept.set(found.length - 1, result.transcript);
    }
    this.survey = { found, refused };
  }

  /** One of those found, once. @throws Error when its files changed meanwhile. */
  take(index: number): Transcript {
    const kept = this.#kept.get(index);
    this.#kept.delete(index);
    return kept ?? this.#again(new Set(this.survey.found[index]?.files));
  }

  #again(names: ReadonlySet<string>): Transcript {
    for (const result of readTranscripts(this.files.filter(({ name }) => names.has(name)))) {
      if (result.kind === 'transcript') return result.transcript;
    }
    throw new Error(`${[...names][0] ?? ''} could not be read a second time`);
  }
}
