import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Problem } from '#libs/kernel/problem.js';

/** A request as far as its body goes. */
type Body = Readable & { readonly headers: IncomingHttpHeaders };

/** What was sent, on disk: read piece by piece, gone when it is closed or the process ends. */
export class Upload {
  readonly #file: number;
  #size = 0;

  constructor() {
    const path = join(tmpdir(), `makima-import-${randomUUID()}`);
    this.#file = openSync(path, 'wx+', 0o600);
    // Nobody can open it any more, and nothing is left of it after a crash.
    unlinkSync(path);
  }

  /** Of the open file. */
  get descriptor(): number {
    return this.#file;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Takes in a request's body.
   * @throws Problem BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE for another encoding than gzip, MALFORMED_REQUEST for
   * damaged gzip data, UNAVAILABLE when the disk is full.
   */
  async receive(request: Body, limit: number): Promise<void> {
    const source = decoded(request);
    try {
      for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (this.#size + chunk.length > limit) throw tooLarge(limit);
        this.#write(chunk);
      }
    } catch (error) {
      if (error instanceof Problem || source === request) throw error;
      throw new Problem('MALFORMED_REQUEST', 'The body is no gzip data: compress it again.', {
        cause: error,
      });
    } finally {
      // What is left is read and thrown away, so that the answer reaches a client that is still sending.
      request.unpipe().resume();
    }
  }

  /** @returns as many bytes as there are, from a place on. */
  read(from: number, length: number): Buffer {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.#size - from)));
    let at = 0;
    while (at < bytes.length) {
      const count = readSync(this.#file, bytes, at, bytes.length - at, from + at);
      if (count === 0) break;
      at += count;
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(chunk: Buffer): void {
    try {
      for (let at = 0; at < chunk.length;)
        at += writeSync(this.#file, chunk, at, chunk.length - at, this.#size + at);
      this.#size += chunk.length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      throw new Problem('UNAVAILABLE', 'The disk is too full for what was sent. Nothing was imported.', {
        cause: error,
      });
    }
  }
}

const tooLarge = (limit: number): Problem =>
  new Problem(
    'BODY_TOO_LARGE',
    `Send at most ${limit} bytes in one request; import a part of the files at a time.`,
  );

function decoded(request: Body): Readable {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return request;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new Problem('UNSUPPORTED_MEDIA_TYPE', 'Send the body as it is, or compressed by gzip.');
  }
  const decoder = createGunzip();
  request.on('error', (error) => decoder.destroy(error));
  return request.pipe(decoder);
}
