import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { UsageError } from '../usage-error.js';

/** A file to import: where it is, what it is called there, and how big it is. */
export interface FoundFile {
  readonly path: string;
  /** Relative to what was named on the command line; with slashes. */
  readonly name: string;
  readonly bytes: number;
}

const TRANSCRIPT = /\.(jsonl|json|jsonl\.zst|json\.zst)$/;
const SPILLED = /(?:^|\/)tool-results\/[^/]+$/;

/**
 * The transcripts that a path means: a file with the folder of its sub-agents beside it, or all files of a folder that
 * may be transcripts. Links are not followed.
 * @throws UsageError if there is nothing.
 */
export async function transcriptFiles(path: string): Promise<readonly FoundFile[]> {
  const start = resolve(path);
  const about = await stat(start).catch(() => undefined);
  if (!about) throw new UsageError(`there is no file or folder ${path}`);
  const files = about.isDirectory()
    ? await below(start, dirname(start))
    : await withCompanions(start, about.size);
  if (files.length === 0)
    throw new UsageError(`${path} holds no transcripts`, [
      'transcripts are .jsonl, .jsonl.zst or .json files',
    ]);
  return files;
}

async function withCompanions(file: string, bytes: number): Promise<readonly FoundFile[]> {
  const parent = dirname(file);
  const folder = file.replace(/\.jsonl(\.zst)?$/, '');
  const companions = folder === file ? [] : await below(folder, parent).catch(() => []);
  return [{ path: file, name: basename(file), bytes }, ...companions];
}

async function below(folder: string, root: string): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== '.git') found.push(...(await below(path, root)));
      continue;
    }
    const name = relative(root, path).split(sep).join('/');
    if (entry.isFile() && (TRANSCRIPT.test(entry.name) || SPILLED.test(name))) {
      found.push({ path, name, bytes: (await stat(path)).size });
    }
  }
  return found;
}

/** What one request carries: the server takes 2 GB and 20,000 files. */
const BATCH = { bytes: 1_000_000_000, files: 10_000 };

/**
 * Splits files into requests, nearly always one. A session stays together with its sub-agents and spilled outputs,
 * because the server puts together what comes together.
 */
export async function batchesOf(
  files: readonly FoundFile[],
  most = BATCH,
): Promise<readonly (readonly FoundFile[])[]> {
  const sessions = new Map<string, FoundFile[]>();
  const mains = new Set(files.map(({ name }) => sessionOf(name)));
  for (const file of files) {
    const key = await keyOf(file, mains);
    sessions.set(key, [...(sessions.get(key) ?? []), file]);
  }
  const batches: FoundFile[][] = [];
  let room = 0;
  for (const session of sessions.values()) {
    const bytes = session.reduce((sum, file) => sum + file.bytes, 0);
    const fits = bytes <= room && (batches.at(-1)?.length ?? 0) + session.length <= most.files;
    if (!fits) {
      batches.push([]);
      room = most.bytes;
    }
    batches.at(-1)!.push(...session);
    room -= bytes;
  }
  return batches;
}

/** `<folder>/<session>` of a session's own file, its sub-agents' and its spilled outputs. */
const sessionOf = (name: string): string =>
  /^(.*)\/(?:subagents|tool-results)\//.exec(name)?.[1] ?? name.replace(/\.(jsonl|json)(\.zst)?$/, '');

async function keyOf(file: FoundFile, mains: ReadonlySet<string>): Promise<string> {
  const key = sessionOf(file.name);
  // Older versions of Claude Code kept sub-agents beside their session; their first line names it.
  if (!/^agent-[^/]+\.jsonl$/.test(basename(file.name))) return key;
  const session = await namedSession(file.path);
  const folder = file.name.includes('/') ? `${dirname(file.name)}/` : '';
  return session !== undefined && mains.has(folder + session) ? folder + session : key;
}

const HEAD = 65_536;

async function namedSession(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return /"sessionId"\s*:\s*"([0-9A-Za-z-]{1,100})"/.exec(buffer.toString('utf8', 0, bytesRead))?.[1];
  } finally {
    await file.close();
  }
}

/**
 * Files as the body of a request: for each a line of JSON with its name and size, then its bytes. A file that grows
 * meanwhile, because its agent is still at work, is sent as long as it was when it was found.
 * @param onBytes told how many bytes of the files each piece has.
 */
export async function* filesBody(
  files: readonly FoundFile[],
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { name, path, bytes } of files) {
    yield Buffer.from(`${JSON.stringify({ name, bytes })}\n`);
    let left = bytes;
    if (bytes === 0) continue;
    for await (const piece of createReadStream(path, {
      end: bytes - 1,
      highWaterMark: 262_144,
    }) as AsyncIterable<Buffer>) {
      left -= piece.length;
      onBytes(piece.length);
      yield piece;
    }
    if (left > 0) throw new UsageError(`${path} became shorter while it was read: import it again`);
  }
}
