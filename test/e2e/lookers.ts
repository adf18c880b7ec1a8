import type { TestCaller } from '#libs/testing/app.js';
import type { Operation } from './api-document.js';
import { bodiesOf, pathOf, requiredQuery, urlOf, type ApiRequest } from './requests.js';
import type { send } from './send.js';
import type { World } from './world.js';

/** Somebody who looks for what is not theirs. */
export interface Looker {
  readonly name: string;
  readonly caller: TestCaller;
  readonly scopes: readonly string[];
  /** Whose things they must not see. */
  readonly strangers: readonly World[];
}

/** An answer as it came. */
export type Sent = Awaited<ReturnType<typeof send>>;

export const textOf = ({ body }: Sent): string => body.toString('utf8');
/** What stands in a world and nowhere else. */
const secretsOf = ({ marker, ids }: World): readonly string[] => [
  marker,
  ...Object.entries(ids).flatMap(([name, id]) => (name === 'position' ? [] : [id])),
];

/** An answer without what differs between two requests anyway. */
export function comparable({ status, mediaType, body, headers }: Sent, ...worlds: readonly World[]): unknown {
  let text = body.toString('utf8');
  for (const { ids, ownerId } of worlds) {
    for (const id of [ownerId, ...Object.values(ids)].toSorted((a, b) => b.length - a.length))
      text = text.replaceAll(/^\d+$/.test(id) ? new RegExp(`\\b${id}\\b`, 'g') : id, '<id>');
  }
  text = text.replace(/"traceId":"\w+"/, '');
  return { status, mediaType, text, headers: [...headers.keys()].sort() };
}

/** A caller, with what its key says of itself. */
export async function lookerOf(
  name: string,
  caller: TestCaller,
  strangers: readonly World[],
): Promise<Looker> {
  const { body } = await caller.call<{ scopes: readonly string[] }>('GET', '/api/v1/access/whoami');
  return { name, caller, scopes: body.scopes, strangers };
}

/** Whether a key holds what a route asks for. */
export const may = ({ scopes }: Looker, operation: Operation): boolean =>
  (operation.scopes ?? []).every((scope) => scopes.includes(scope));

/** A route's request about a world; of several bodies the harmless one. */
export const requestOf = (operation: Operation, world: World, query = {}): ApiRequest => ({
  operation,
  path: pathOf(operation, world),
  query: { ...requiredQuery(operation, world), ...query },
  ...bodiesOf(operation, world)[0],
});

/** @throws Error naming what an answer shows of strangers. */
export function expectNothingOf(strangers: readonly World[], request: ApiRequest, answer: Sent): void {
  for (const secret of strangers.flatMap(secretsOf)) {
    if (!textOf(answer).includes(secret)) continue;
    throw new Error(`${urlOf(request)} shows ${secret}: ${textOf(answer).slice(0, 2_000)}`);
  }
}
