import { isUtf8 } from 'node:buffer';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Readable } from 'node:stream';
import type { Request } from 'express';
import { Problem } from '#libs/kernel/problem.js';

/** Bytes of a JSON body at most, after Content-Encoding. */
export const MAX_BODY_BYTES = 20_000_000;
/** Objects and lists inside each other at most. */
export const MAX_DEPTH = 200;

const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** True if a request carries a body, of whatever length. */
export const hasBody = (request: Request): boolean =>
  request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;

const tooLarge = (limit: number): Problem =>
  new Problem(
    'BODY_TOO_LARGE',
    `Send at most ${limit} bytes in one request; split what is longer into several.`,
  );

const unsupported = (detail: string): Problem => new Problem('UNSUPPORTED_MEDIA_TYPE', detail);

/** The media type of a request's body in lower case; '' without a Content-Type. */
export const mediaTypeOf = (request: Request): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();

/** @throws Problem UNSUPPORTED_MEDIA_TYPE if the body is not JSON in UTF-8. */
function assertJson(request: Request): void {
  if (!/^application\/(?:[\w.-]+\+)?json$/.test(mediaTypeOf(request))) {
    throw unsupported('Send JSON, with `Content-Type: application/json`.');
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) throw unsupported('Send JSON as UTF-8.');
}

/**
 * The body's bytes after Content-Encoding (gzip, deflate, br).
 * @throws Problem BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE for another encoding, MALFORMED_REQUEST for a damaged one.
 */
async function readBytes(request: Request, limit: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' && declared > limit) throw tooLarge(limit);
  const source = decoded(request, encoding);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Problem || source === request) throw error;
    throw new Problem('MALFORMED_REQUEST', `The body is no ${encoding} data: compress it again.`, {
      cause: error,
    });
  } finally {
    // What is left is read and thrown away, so that the answer reaches a client that is still sending.
    request.unpipe().resume();
  }
  return Buffer.concat(chunks, length);
}

function decoded(request: Request, encoding: string): Readable {
  if (encoding === 'identity') return request;
  if (!Object.hasOwn(DECODERS, encoding))
    throw unsupported('Send the body as it is, or compressed by gzip, deflate or br.');
  const decoder = DECODERS[encoding as keyof typeof DECODERS]();
  request.on('error', (error) => decoder.destroy(error));
  return request.pipe(decoder);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** How deep objects and lists of a JSON text lie in each other; stops counting beyond `most`. Reads bytes, not values. */
export function depthOf(json: Buffer, most: number): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < json.length && deepest <= most; at += 1) {
    const byte = json[at]!;
    if (byte === QUOTE) at = endOfString(json, at);
    // [ and { differ from ] and } in the same bits.
    else if ((byte | 0x20) === 0x7b) deepest = Math.max(deepest, (depth += 1));
    else if ((byte | 0x20) === 0x7d) depth -= 1;
  }
  return deepest;
}

/** Where the string that opens at `start` closes. */
function endOfString(json: Buffer, start: number): number {
  let end = json.indexOf(QUOTE, start + 1);
  while (end !== -1) {
    let slashes = 0;
    while (json[end - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end;
    end = json.indexOf(QUOTE, end + 1);
  }
  return json.length;
}

/** Parses a JSON body. @throws Problem INVALID_UTF8, TOO_DEEP or MALFORMED_JSON. */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes))
    throw new Problem('INVALID_UTF8', 'Send JSON as UTF-8: the body holds bytes that are none.');
  if (depthOf(bytes, MAX_DEPTH) > MAX_DEPTH) {
    throw new Problem('TOO_DEEP', `Send JSON that is at most ${MAX_DEPTH} levels deep.`, {
      errors: [{ field: 'body', code: 'TOO_DEEP', detail: `must be at most ${MAX_DEPTH} levels deep` }],
    });
  }
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (error) {
    const where = /at position (\d+)/.exec((error as Error).message)?.[1];
    const at = where === undefined ? '' : ` near character ${where}`;
    throw new Problem('MALFORMED_JSON', `The body is no JSON${at}: correct it and send it again.`, {
      cause: error,
    });
  }
}

/** Reads a JSON body. @returns its value and its bytes. */
export async function readJson(request: Request, limit: number): Promise<{ value: unknown; bytes: Buffer }> {
  assertJson(request);
  const bytes = await readBytes(request, limit);
  return { value: parseJson(bytes), bytes };
}
