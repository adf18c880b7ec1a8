import type { TestCaller } from '#libs/testing/app.js';
import type { Answer } from './answer-check.js';
import { initOf, urlOf, type ApiRequest } from './requests.js';

const mediaTypeOf = (headers: Headers): string =>
  (headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase();

/** Sends a request; of a live stream it reads up to the message that says that the replay is over. */
export async function send(
  caller: Pick<TestCaller, 'fetch'>,
  request: ApiRequest,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer & { readonly headers: Headers }> {
  const gone = new AbortController();
  const init = initOf(request);
  const response = await caller.fetch(urlOf(request), {
    ...init,
    headers: { ...(init.headers as Record<string, string>), ...headers },
    signal: gone.signal,
  });
  const mediaType = mediaTypeOf(response.headers);
  const live = mediaType === 'text/event-stream';
  const body = live ? await replayOf(response) : Buffer.from(await response.arrayBuffer());
  if (live) gone.abort();
  return { status: response.status, mediaType, body, headers: response.headers };
}

async function replayOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    if (/event: synced\ndata: .*\n\n/.test(Buffer.concat(chunks).toString('utf8'))) break;
  }
  return Buffer.concat(chunks);
}
