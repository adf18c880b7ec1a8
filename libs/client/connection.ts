import { makimaHome, readCredentials } from './makima-home.js';

/** Where the server is and what to show it. */
export interface Connection {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
}

/** There is no way to know where the server is, or the address is no address. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

const DEFAULT_URL = 'http://127.0.0.1:7420';

/**
 * MAKIMA_URL and MAKIMA_TOKEN, else what the server on this machine left in its home. A token from there is only ever
 * sent to the server that it belongs to.
 * @throws ConnectionError for an address that is none, HomeError for damaged credentials.
 */
export function connectionFrom(env: NodeJS.ProcessEnv = process.env): Connection {
  const chosen = env.MAKIMA_URL?.trim();
  const token = env.MAKIMA_TOKEN?.trim();
  if (chosen && token) return { url: baseOf(chosen), token };
  const stored = readCredentials(makimaHome(env));
  const url = baseOf(chosen || (stored?.url ?? DEFAULT_URL));
  const own = stored && baseOf(stored.url) === url ? stored.token : undefined;
  return { url, token: token || own };
}

function baseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new ConnectionError(
      `MAKIMA_URL is ${JSON.stringify(text)}, which is no address such as ${DEFAULT_URL}`,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
