import { appendFile, open, readdir, readFile, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { folderOnDisk } from '#libs/git/on-disk.js';

/** A file of lines, each a JSON item, of which `length` bytes are on the disk and whole. */
export interface Segment {
  readonly path: string;
  length: number;
}

const NEWLINE = 0x0a;

/** Files of one epoch are called `<epoch>-<number>.ndjson`, and are read in the order of their numbers. */
export const segmentPath = (folder: string, epoch: number, number: number): string =>
  join(folder, `${epoch}-${String(number).padStart(9, '0')}.ndjson`);

const NAME = /^(\d+)-(\d{9})\.ndjson$/;

/** What a folder holds of an epoch, and the number that no segment has yet. A last line that is not whole counts as not written. */
export async function segmentsIn(
  folder: string,
  epoch: number,
): Promise<{ readonly segments: Segment[]; readonly next: number }> {
  const segments: Segment[] = [];
  let next = 1;
  for (const name of (await readdir(folder)).sort()) {
    const [, of, number] = NAME.exec(name) ?? [];
    if (Number(of) !== epoch || number === undefined) continue;
    next = Number(number) + 1;
    const path = join(folder, name);
    const length = (await readFile(path)).lastIndexOf(NEWLINE) + 1;
    if (length > 0) segments.push({ path, length });
    else await rm(path);
  }
  return { segments, next };
}

/** Epochs of which a folder has something. */
export async function epochsIn(folder: string): Promise<readonly number[]> {
  const found = (await readdir(folder)).flatMap((name) => NAME.exec(name)?.[1] ?? []);
  return [...new Set(found.map(Number))].sort((a, b) => a - b);
}

export interface Lines {
  readonly lines: readonly string[];
  readonly bytes: number;
}

/** Whole lines from a place of a segment on: as many as fit, and at least one. */
export async function linesFrom(
  { path, length }: Segment,
  offset: number,
  most: { readonly lines: number; readonly bytes: number },
): Promise<Lines> {
  const file = await open(path, 'r');
  try {
    for (let want = most.bytes; ; want *= 2) {
      const bytes = Buffer.alloc(Math.min(want, length - offset));
      await file.read(bytes, 0, bytes.length, offset);
      // A line that is longer than a batch is one by itself.
      const found = wholeLines(bytes, want > most.bytes ? 1 : most.lines);
      if (found.bytes > 0 || bytes.length === length - offset) return found;
    }
  } finally {
    await file.close();
  }
}

function wholeLines(bytes: Buffer, most: number): Lines {
  const lines: string[] = [];
  let start = 0;
  while (lines.length < most) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) break;
    lines.push(bytes.toString('utf8', start, end));
    start = end + 1;
  }
  return { lines, bytes: start };
}

/** Puts lines into a file where nobody sends them any more: nothing is destroyed. */
export async function keepAside(folder: string, epoch: number, text: string | Buffer): Promise<void> {
  await appendFile(join(folder, `refused-${epoch}.ndjson`), text, { flush: true, mode: 0o600 });
  await folderOnDisk(folder);
}

/** Opens a file for a new segment. */
export type OpenSegment = (path: string) => Promise<Pick<FileHandle, 'write' | 'datasync' | 'close'>>;

export const openSegment: OpenSegment = (path) => open(path, 'wx', 0o600);
