import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';

export const NDJSON = 'application/x-ndjson';

/** Whether a request asks for one JSON value a line. */
export const wantsLines = (format: string | undefined, accept: string | undefined): boolean =>
  format === undefined ? (accept ?? '').toLowerCase().includes(NDJSON) : format === 'ndjson';

/**
 * Sends values as they come, one JSON value a line. The source is asked for more only when the client has taken what it
 * was sent. What fails before the first values is answered as any error; a later failure cuts the connection, so that
 * nobody takes a part for the whole.
 */
export async function sendLines(response: Response, source: AsyncIterable<readonly object[]>): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  response.status(200).set({ 'Content-Type': `${NDJSON}; charset=utf-8`, 'X-Accel-Buffering': 'no' });
  try {
    await pipeline(Readable.from(texts(first, iterator), { objectMode: true, highWaterMark: 1 }), response);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

async function* texts(
  first: IteratorResult<readonly object[]>,
  iterator: AsyncIterator<readonly object[]>,
): AsyncGenerator<string> {
  try {
    for (let next = first; !next.done; next = await iterator.next()) {
      if (next.value.length > 0) yield next.value.map((value) => `${JSON.stringify(value)}\n`).join('');
    }
  } finally {
    await iterator.return?.();
  }
}
