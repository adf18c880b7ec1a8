/** Where the server is, and a key for it; asked anew for each request, because a restart may change it. */
export type Door = () => { readonly url: string; readonly token: string };

export interface ApiAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const PATIENCE_MS = 20_000;

/** One request. @throws whatever `fetch` throws when no answer came. */
export async function request(door: Door, method: string, path: string, body?: object): Promise<ApiAnswer> {
  const { url, token } = door();
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** One request that must succeed. */
export async function expectOk(
  door: Door,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const answer = await request(door, method, path, body);
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
