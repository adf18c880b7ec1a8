import { isUtf8 } from 'node:buffer';
import type { PlacedFile } from '#libs/agents/transcripts/transcript-reading.js';
import { invalidField, type Problem } from '#libs/kernel/problem.js';
import type { Upload } from './upload.js';

/** Bytes that can be read piece by piece. */
type Bytes = Pick<Upload, 'size' | 'read'>;

const MAX_FILES = 20_000;
const MAX_HEAD_BYTES = 8_192;
const MAX_NAME_LENGTH = 1_000;
const NEWLINE = 0x0a;

/** A body that is one file. Its bytes are read when they are asked for. */
export const oneFile = (upload: Bytes, name: string): readonly PlacedFile[] => [
  fileAt(upload, name, 0, upload.size),
];

/**
 * A body of several files: for each, a line of JSON `{"name": …, "bytes": …}`, then its bytes, and so on to the end.
 * @throws Problem VALIDATION_FAILED that says which of them cannot be read.
 */
export function severalFiles(upload: Bytes): readonly PlacedFile[] {
  const files: PlacedFile[] = [];
  const names = new Set<string>();
  for (let at = 0; at < upload.size;) {
    if (files.length >= MAX_FILES) throw invalidField('body', `must hold at most ${MAX_FILES} files`);
    const head = upload.read(at, MAX_HEAD_BYTES);
    const end = head.indexOf(NEWLINE);
    const { name, bytes } = headOf(head.subarray(0, Math.max(end, 0)), files.length + 1);
    if (names.has(name)) throw wrong(files.length + 1, 'has the name of another one');
    at += end + 1;
    if (bytes > upload.size - at) throw wrong(files.length + 1, 'is shorter than its head says');
    names.add(name);
    files.push(fileAt(upload, name, at, bytes));
    at += bytes;
  }
  if (files.length === 0) throw invalidField('body', 'must hold at least one file');
  return files;
}

const fileAt = (upload: Bytes, name: string, from: number, size: number): PlacedFile => ({
  name,
  from,
  size,
  get bytes() {
    return upload.read(from, size);
  },
});

function headOf(line: Buffer, number: number): { readonly name: string; readonly bytes: number } {
  const head = isUtf8(line) ? parsed(line.toString('utf8')) : undefined;
  if (typeof head !== 'object' || head === null) {
    throw wrong(
      number,
      `must begin with a line of JSON of at most ${MAX_HEAD_BYTES} bytes: its name and bytes`,
    );
  }
  const { name, bytes } = head as { readonly name?: unknown; readonly bytes?: unknown };
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME_LENGTH) {
    throw wrong(number, `must have a name of 1 to ${MAX_NAME_LENGTH} characters`);
  }
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw wrong(number, 'must say how many bytes it has');
  }
  return { name, bytes };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const wrong = (number: number, what: string): Problem => invalidField('body', `file ${number} ${what}`);
