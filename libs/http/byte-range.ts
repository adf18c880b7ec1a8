import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { setContentTag } from './etag.js';
import { HttpProblem } from './problem-answer.js';

/** Bytes that never change, of which any part can be read. */
export interface ByteSource {
  readonly size: number;
  /** Names the content, and no other. */
  readonly tag: string;
  /** @param from inclusive; @param to exclusive. */
  readonly open: (from: number, to: number) => Readable;
}

/**
 * Sends bytes, or the part of them that the request's Range asks for (RFC 9110 §14): one part; of several that are asked
 * for, the whole. Nothing if the client has them.
 * @throws Problem RANGE_NOT_SATISFIABLE
 */
export async function sendBytes(response: Response, { size, tag, open }: ByteSource): Promise<void> {
  setContentTag(response, tag);
  response.setHeader('Accept-Ranges', 'bytes');
  const { req: request } = response;
  // Clients that send If-None-Match themselves often say no-cache too: of this content there is nothing newer.
  delete request.headers['cache-control'];
  if (request.fresh) {
    response.status(304).end();
    return;
  }
  const [from, to] = rangeOf(response, size, tag) ?? [0, size];
  const isPart = from > 0 || to < size;
  if (isPart) response.status(206).setHeader('Content-Range', `bytes ${from}-${to - 1}/${size}`);
  response.setHeader('Content-Length', to - from);
  if (request.method === 'HEAD' || from === to) {
    response.end();
    return;
  }
  await pipeline(open(from, to), response).catch((error: unknown) => response.destroy(error as Error));
}

/** The one part that is asked for, its end exclusive; null: the whole. */
function rangeOf({ req: request }: Response, size: number, tag: string): readonly [number, number] | null {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== `"${tag}"`) return null;
  const ranges = request.range(size);
  if (ranges === -1)
    throw new HttpProblem(
      'RANGE_NOT_SATISFIABLE',
      `The file has ${size} bytes: ask for a range within them.`,
      { 'Content-Range': `bytes */${size}` },
    );
  if (ranges === undefined || ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return null;
  return ranges.map(({ start, end }) => [start, end + 1] as const)[0]!;
}
