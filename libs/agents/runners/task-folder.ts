import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, unlink } from 'node:fs/promises';
import { join, posix, win32 } from 'node:path';
import { isRecord, textAt } from '../transcripts/json-fields.js';

/** An edit that cannot be made. The message is what an agent would be told. */
export class EditFailed extends Error {
  override readonly name = 'EditFailed';
}

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } = constants;

/** More than that no agent edits. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * The folder in which a recording is played, by the paths that the recording names. Nothing outside of it is ever read or
 * written, nor anything of git's own inside it: a transcript is somebody else's text, and a hook would run as us.
 */
export class TaskFolder {
  private constructor(
    private readonly root: string,
    private readonly recordedIn: string | undefined,
  ) {}

  /** @param recordedIn the folder in which the recording was made; without it only relative paths are known. */
  static async at(folder: string, recordedIn: string | undefined): Promise<TaskFolder> {
    return new TaskFolder(await realpath(folder), recordedIn);
  }

  /**
   * The path within the folder, with `/`, of a path as the recording names it.
   * @param from the recording's folder that a relative path starts from, if not the one it was made in.
   * @throws EditFailed when it leaves the folder.
   */
  locate(path: string, from?: string): string {
    const base = this.recordedIn ?? '/';
    const style = /^[A-Za-z]:[\\/]/.test(base) ? win32 : posix;
    if (this.recordedIn === undefined && style.isAbsolute(path)) {
      throw refused(path, 'the recording does not say in which folder it was made');
    }
    const inside = style.relative(base, style.resolve(base, from ?? '', path)).replaceAll('\\', '/');
    const segments = inside.split('/');
    if (inside === '' || segments[0] === '..' || style.isAbsolute(inside) || path.includes('\0')) {
      throw refused(path, 'it leaves the folder');
    }
    if (segments.some(isGits)) throw refused(path, "it is git's own");
    return inside;
  }

  /** The file's bytes; undefined where there is none. @throws EditFailed */
  async read(path: string): Promise<Buffer | undefined> {
    await this.#check(path);
    try {
      const file = await open(join(this.root, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      try {
        const stat = await file.stat();
        if (!stat.isFile()) throw refused(path, 'it is no file');
        if (stat.size > MAX_FILE_BYTES) throw refused(path, 'it is too large to edit');
        return await file.readFile();
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isRecord(error) && textAt(error, 'code') === 'ENOENT') return undefined;
      throw asFailure(path, error);
    }
  }

  /** Writes the file whole, with the folders that it needs; its mode stays. @throws EditFailed */
  async write(path: string, bytes: Buffer): Promise<void> {
    await this.#check(path);
    try {
      await mkdir(join(this.root, path, '..'), { recursive: true });
      const flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK;
      const file = await open(join(this.root, path), flags, 0o666);
      try {
        await file.writeFile(bytes);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw asFailure(path, error);
    }
  }

  /** @throws EditFailed */
  async remove(path: string): Promise<void> {
    await this.#check(path);
    await unlink(join(this.root, path)).catch((error: unknown) => {
      throw asFailure(path, error);
    });
  }

  /** Every folder on the way is a folder, and what is at its end is a file or nothing: never a link. */
  async #check(path: string): Promise<void> {
    const segments = path.split('/');
    for (let depth = 1; depth <= segments.length; depth += 1) {
      const stat = await lstat(join(this.root, ...segments.slice(0, depth))).catch(() => undefined);
      if (!stat) return;
      if (stat.isSymbolicLink()) throw refused(path, 'a symbolic link is on its way');
      const isLast = depth === segments.length;
      if (isLast && !stat.isFile()) throw refused(path, 'it is no file');
      if (!isLast && !stat.isDirectory()) throw refused(path, 'a file is on its way');
    }
  }
}

/** Also as it is written on file systems that fold case, drop trailing dots and spaces or pass invisible characters over. */
const isGits = (segment: string): boolean => /^\.git[. ]*$/i.test(segment.replace(/\p{Cf}/gu, ''));

const refused = (path: string, why: string): EditFailed =>
  new EditFailed(`Refused to touch ${path}: ${why}.`);

function asFailure(path: string, error: unknown): EditFailed {
  if (error instanceof EditFailed) return error;
  const code = isRecord(error) ? textAt(error, 'code') : undefined;
  if (code === 'ELOOP') return refused(path, 'a symbolic link is on its way');
  return new EditFailed(`${path} could not be changed: ${code ?? String(error)}.`);
}
