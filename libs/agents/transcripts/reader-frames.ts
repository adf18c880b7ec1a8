import { writeSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import type { Survey } from './transcript-shelf.js';
import type { LineReport, TranscriptEntry, TranscriptSession } from './transcript.js';

/** Where a file's bytes are among those that the reading process gets. */
export interface FilePlace {
  readonly name: string;
  readonly from: number;
  readonly size: number;
}

/** What the reading process is asked for, a line of JSON each: first to look the files through, then for what it found. */
export type ReaderRequest = { readonly files: readonly FilePlace[] } | { readonly take: number };

/**
 * What it answers. A transcript comes in pieces, one entry at a time, so that whoever receives it does other things in
 * between; `opens` is a sign of life and names the file that is to blame if it is the last one.
 */
export type ReaderAnswer =
  | { readonly kind: 'opens'; readonly name: string }
  | { readonly kind: 'survey'; readonly survey: Survey }
  | {
      readonly kind: 'transcript';
      readonly sessions: readonly Omit<TranscriptSession, 'entries'>[];
      readonly report: LineReport;
    }
  | { readonly kind: 'entry'; readonly session: number; readonly entry: TranscriptEntry }
  | { readonly kind: 'end' };

const HEAD_BYTES = 4;
const WRITTEN_AT_ONCE = 256 * 1024;

/** Writes values to a file descriptor, each in V8's own format after its length. Waits while nobody reads. */
export class FrameWriter {
  #pending: Buffer[] = [];
  #size = 0;

  constructor(private readonly file: number) {}

  write(value: ReaderAnswer): void {
    const body = serialize(value);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(body.length);
    this.#pending.push(head, body);
    this.#size += HEAD_BYTES + body.length;
    if (this.#size >= WRITTEN_AT_ONCE) this.flush();
  }

  flush(): void {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#size = 0;
    for (let at = 0; at < bytes.length;) at += writeSync(this.file, bytes, at);
  }
}

/** The values that a FrameWriter wrote. Ends where the stream ends, also within a value. */
export async function* framesIn(
  stream: AsyncIterable<Buffer>,
): AsyncGenerator<ReaderAnswer, void, undefined> {
  let parts: Buffer[] = [];
  let size = 0;
  let wanted = HEAD_BYTES;
  for await (const part of stream) {
    parts.push(part);
    size += part.length;
    if (size < wanted) continue;
    let bytes = parts.length === 1 ? part : Buffer.concat(parts, size);
    for (wanted = wantedOf(bytes); bytes.length >= wanted; wanted = wantedOf(bytes)) {
      yield deserialize(bytes.subarray(HEAD_BYTES, wanted)) as ReaderAnswer;
      bytes = bytes.subarray(wanted);
    }
    parts = [bytes];
    size = bytes.length;
  }
}

/** How many bytes there must be for the next value. */
const wantedOf = (bytes: Buffer): number =>
  HEAD_BYTES + (bytes.length < HEAD_BYTES ? 0 : bytes.readUInt32LE());
