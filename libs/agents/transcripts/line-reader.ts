import { isUtf8 } from 'node:buffer';

import { isRecord } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';

interface LineBase {
  /** 1-based. */
  readonly number: number;
  /** Of the line's first byte, from the beginning of the file. */
  readonly byteOffset: number;
}

/** A line that holds one JSON object. `text` is the line without its end; `replacedBytes`: it was not UTF-8. */
export interface RecordLine extends LineBase {
  readonly kind: 'record';
  readonly text: string;
  readonly value: JsonRecord;
  readonly replacedBytes: boolean;
}

export interface BlankLine extends LineBase {
  readonly kind: 'blank';
}

export interface CommentLine extends LineBase {
  readonly kind: 'comment';
}

export interface UnreadableLine extends LineBase {
  readonly kind: 'invalid';
  /** Never quotes the line: it may hold anything. */
  readonly reason: string;
}

export type SourceLine = RecordLine | BlankLine | CommentLine | UnreadableLine;

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads JSON lines and never throws: tolerates a byte order mark, CRLF, blank lines, `//` comments, a missing last line
 * end and bytes that are not UTF-8 (they become U+FFFD). What it cannot read it returns as an `invalid` line.
 */
export function* readLines(bytes: Uint8Array): Generator<SourceLine> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wellEncoded = isUtf8(buffer);
  let start = 0;
  for (let number = 1; start < buffer.length; number += 1) {
    const newline = buffer.indexOf(NEWLINE, start);
    const end = newline === -1 ? buffer.length : newline;
    yield readLine(buffer.subarray(start, end), { number, byteOffset: start }, wellEncoded, newline === -1);
    start = end + 1;
  }
}

function readLine(line: Buffer, at: LineBase, wellEncoded: boolean, isCut: boolean): SourceLine {
  const bytes = withoutFrame(line, at.byteOffset === 0);
  if (bytes.length === 0) return { ...at, kind: 'blank' };
  let text: string;
  try {
    text = bytes.toString('utf8');
  } catch {
    return { ...at, kind: 'invalid', reason: 'the line is too long to read' };
  }
  const first = text.trimStart();
  if (first === '') return { ...at, kind: 'blank' };
  if (first.startsWith('//')) return { ...at, kind: 'comment' };
  if (!first.startsWith('{')) return { ...at, kind: 'invalid', reason: 'not a JSON object' };
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return { ...at, kind: 'invalid', reason: 'not a JSON object' };
    return { ...at, kind: 'record', text, value, replacedBytes: !wellEncoded && !isUtf8(bytes) };
  } catch (error) {
    return { ...at, kind: 'invalid', reason: isCut ? 'the file ends within this line' : notJson(error) };
  }
}

function withoutFrame(line: Buffer, isFirst: boolean): Buffer {
  const start = isFirst && line.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  const end =
    line.length > start && line[line.length - 1] === CARRIAGE_RETURN ? line.length - 1 : line.length;
  return line.subarray(start, end);
}

function notJson(error: unknown): string {
  const position = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? 'not JSON' : `not JSON: unexpected character at position ${position}`;
}
