import { isUtf8 } from 'node:buffer';

/** A line that a program printed, without its end. */
export interface ProgramLine {
  /** 1-based, within its stream. */
  readonly number: number;
  readonly text: string;
  /** Of the whole line, also of what was cut. */
  readonly bytes: number;
  /** The line was longer than it may be: `text` is its beginning. */
  readonly isCut: boolean;
  /** The line was not UTF-8: its wrong bytes are U+FFFD in `text`. */
  readonly isReplaced: boolean;
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** Makes lines of the pieces in which a program's output comes. It never holds more than one line of `maxBytes`. */
export class LineSplitter {
  #number = 0;
  #pieces: Buffer[] = [];
  #held = 0;
  #bytes = 0;

  constructor(private readonly maxBytes: number) {}

  *push(chunk: Buffer): Generator<ProgramLine> {
    let start = 0;
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, start);
      if (newline === -1) break;
      this.#add(chunk.subarray(start, newline));
      yield this.#line();
      start = newline + 1;
    }
    this.#add(chunk.subarray(start));
  }

  /** What came after the last line end, if anything: a last line without one. */
  *end(): Generator<ProgramLine> {
    if (this.#bytes > 0) yield this.#line();
  }

  #add(piece: Buffer): void {
    this.#bytes += piece.length;
    const room = this.maxBytes - this.#held;
    if (room <= 0 || piece.length === 0) return;
    // A copy: the piece is a view of a chunk that may be far larger than the line.
    const kept = Buffer.from(piece.subarray(0, room));
    this.#pieces.push(kept);
    this.#held += kept.length;
  }

  #line(): ProgramLine {
    const isCut = this.#bytes > this.#held;
    const whole = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    const kept = isCut ? withoutHalfCharacter(whole) : withoutReturn(whole);
    const line = {
      number: (this.#number += 1),
      text: kept.toString('utf8'),
      bytes: this.#bytes,
      isCut,
      isReplaced: !isUtf8(kept),
    };
    this.#pieces = [];
    this.#held = 0;
    this.#bytes = 0;
    return line;
  }
}

const withoutReturn = (line: Buffer): Buffer =>
  line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;

/** Cutting must not make a wrong byte of a good character: its first bytes go too. */
function withoutHalfCharacter(line: Buffer): Buffer {
  for (let back = 1; back <= Math.min(4, line.length); back += 1) {
    const byte = line[line.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? line.subarray(0, -back) : line;
  }
  return line;
}

/** The line's text, which says when it was cut. */
export const shownLine = (line: ProgramLine): string =>
  line.isCut
    ? `${line.text} [cut: the line has ${line.bytes} bytes, these are its first ${Buffer.byteLength(line.text)}]`
    : line.text;
