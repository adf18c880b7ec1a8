import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { committedDocument, operationsOf, parametersIn, type Operation } from './api-document.js';
import { nobodyLike, slotsOf, type Slot } from './foreign-ids.js';
import { CURSOR, queryParametersOf, queryValue, REFUSED } from './requests.js';
import {
  comparable,
  expectNothingOf,
  lookerOf,
  may,
  requestOf,
  textOf,
  type Looker,
  type Sent,
} from './lookers.js';
import { send } from './send.js';
import { buildWorld, keyOf, newOwner, type World } from './world.js';

const document = committedDocument();
const operations = operationsOf(document);
const named = (some: readonly Operation[]) => some.map((operation) => [operation.id, operation] as const);

/** Routes that answer their caller's own ids with something else than success. */
const NEVER: Readonly<Record<string, string>> = {
  ...REFUSED,
  'post /api/v1/mesh/tasks/{taskId}/lease': 'DAEMON_LOST',
  'post /api/v1/mesh/tasks/{taskId}/stop': 'TASK_NOT_RUNNING',
  'post /api/v1/admin/projections/{name}/skip': 'NOT_STOPPED_THERE',
  'post /api/v1/admin/projections/{name}/retry': 'NOT_STOPPED_THERE',
};

describe('two owners', () => {
  let app: TestApp;
  let alice: World;
  let bob: World;
  /** Another contract of Bob's, which his tool key is not for. */
  let bobsOther: World;
  let lookers: readonly Looker[];
  let before: readonly string[];

  beforeAll(async () => {
    app = await startTestApp();
    alice = await buildWorld(app, await newOwner(app, 'alice'), 'marked-alice');
    const bobs = await newOwner(app, 'bob');
    bob = await buildWorld(app, bobs, 'marked-bob');
    bobsOther = await buildWorld(app, bobs, 'marked-other');
    const tool = await keyOf(app, bob.ownerId, { kind: 'tool', contractId: bob.ids.contract });
    lookers = await Promise.all([
      lookerOf("Bob's user key", bobs.user, [alice]),
      lookerOf("Bob's admin key", bobs.admin, [alice]),
      lookerOf("Bob's auditor key", bobs.auditor, [alice]),
      lookerOf("Bob's daemon key", bobs.daemon, [alice]),
      lookerOf("Bob's tool key", tool, [alice, bobsOther]),
    ]);
    before = await historyOf(alice);
  });
  afterAll(() => app.close());

  /** Everything that an owner can read of the history, as it is answered. */
  async function historyOf({ keys, ...world }: World): Promise<readonly string[]> {
    const reads = operations.filter(
      ({ method, scopes, answers }) =>
        method === 'GET' && scopes?.join() === 'history:read' && !('text/event-stream' in answers[200]!),
    );
    const answers = [];
    for (const operation of reads)
      answers.push(
        `${operation.id} ${textOf(await send(keys.user, requestOf(operation, { keys, ...world })))}`,
      );
    return answers;
  }

  describe('a route refuses callers without a key that works', () => {
    let revoked: string;
    beforeAll(async () => {
      const key = await keyOf(app, bob.ownerId, { kind: 'user' });
      const id = key.token.split('_')[2]!;
      expect((await bob.keys.user.call('DELETE', `/api/v1/access/keys/${id}`)).status).toBe(204);
      revoked = key.token;
    });

    it.each(named(operations.filter(({ scopes }) => scopes !== null)))('%s', async (_, operation) => {
      const { token } = bob.keys.user;
      const mistyped = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
      const otherKind = token.replace('mk_user', 'mk_admin');
      const wrong = [
        '',
        'Bearer',
        `Basic ${token}`,
        `Bearer ${mistyped}`,
        `Bearer ${otherKind}`,
        `Bearer ${revoked}`,
      ];
      for (const authorization of wrong) {
        const fetch = (path: string, init: RequestInit = {}) =>
          globalThis.fetch(`${app.url}${path}`, {
            ...init,
            headers: {
              ...(init.headers as Record<string, string>),
              ...(authorization ? { authorization } : {}),
            },
          });
        const answer = await send({ fetch }, requestOf(operation, bob));
        expect([authorization, answer.status, answer.headers.get('www-authenticate')]).toEqual([
          authorization,
          401,
          expect.stringContaining('Bearer'),
        ]);
        expect(JSON.parse(textOf(answer))).toMatchObject({ code: 'UNAUTHENTICATED' });
      }
    });
  });

  describe("a route shows nothing of anybody else's", () => {
    const reads = operations.filter(({ method, scopes }) => method === 'GET' && scopes !== null);

    it.each(named(reads))('%s', async (_, operation) => {
      const words = queryParametersOf(operation).map(({ name }) => ({
        [name]: queryValue(operation, name, bob),
      }));
      const everything = operation.answers[200]!['text/event-stream'] ? [{ after: '0' }] : [];
      let seen = 0;
      for (const looker of lookers.filter((one) => may(one, operation))) {
        for (const query of [{}, ...words, ...everything]) {
          const request = requestOf(operation, bob, query);
          if (operation.answers[200]!['text/event-stream'] && !('after' in query)) continue;
          const answer = await send(looker.caller, request);
          if (answer.status === 200) seen += 1;
          expectNothingOf(looker.strangers, request, answer);
        }
      }
      if (seen === 0 && !operation.scopes!.includes('all-owners'))
        throw new Error(`${operation.id}: Bob does not see his own either, so this shows nothing`);
    });
  });

  describe("a route knows no id of anybody else's", () => {
    it.each(named(operations))('%s', async (_, operation) => {
      for (const slot of slotsOf(document, operation, bob).filter(({ opaque }) => !opaque)) {
        await expectOwnAnswered(operation, slot);
        for (const looker of lookers) {
          for (const stranger of looker.strangers) await expectUnknown(operation, slot, looker, stranger);
        }
      }
    });

    /** A request that would fail with Bob's own ids too would prove nothing. */
    async function expectOwnAnswered(operation: Operation, slot: Slot): Promise<void> {
      const owner = lookers.find((one) => may(one, operation));
      if (!owner || operation.method === 'DELETE') return;
      const answer = await send(owner.caller, slot.with(bob));
      const never = NEVER[operation.id];
      if (never ? textOf(answer).includes(never) : answer.status < 300) return;
      throw new Error(`${slot.name}: Bob's own is answered by ${answer.status} ${textOf(answer)}`);
    }

    async function expectUnknown(
      operation: Operation,
      slot: Slot,
      looker: Looker,
      stranger: World,
    ): Promise<void> {
      const nobody = nobodyLike(stranger);
      const request = slot.with(stranger);
      const answer = await send(looker.caller, request);
      const unknown = await send(looker.caller, slot.with(nobody));
      const what = `${looker.name} asks with ${slot.name} of ${stranger.marker}: ${answer.status} ${textOf(answer)}`;
      if (answer.status < 300) expectNothingOf([stranger], request, answer);
      const same =
        JSON.stringify(comparable(answer, stranger)) === JSON.stringify(comparable(unknown, nobody));
      if (!same) throw new Error(`${what}; an unknown id ${unknown.status} ${textOf(unknown)}`);
      if (operation.method === 'GET') {
        const head = await send(looker.caller, { ...request, operation: { ...operation, method: 'HEAD' } });
        expect([slot.name, head.status]).toEqual([slot.name, answer.status]);
      }
      const expected = may(looker, operation) ? 404 : 403;
      if (answer.status !== expected && !(slot.name.startsWith('query') && answer.status === 200))
        throw new Error(what);
    }
  });

  describe("a list takes no cursor of anybody else's", () => {
    const lists = operations.filter((operation) =>
      parametersIn(operation, 'query').some(({ name }) => name === CURSOR),
    );

    it.each(named(lists))('%s', async (_, operation) => {
      const whose = operation.scopes!.includes('all-owners') ? app : alice.keys.user;
      const first = await send(whose, requestOf(operation, alice, { limit: '1' }));
      const { cursor } = JSON.parse(textOf(first)) as { readonly cursor?: string };
      if (!cursor) throw new Error(`${operation.id}: Alice has no second page`);
      const flipped = `${cursor.slice(0, 5)}${cursor[5] === 'A' ? 'B' : 'A'}${cursor.slice(6)}`;
      for (const looker of lookers.filter((one) => may(one, operation))) {
        const answers: Sent[] = [];
        for (const forged of [cursor, flipped, 'garbage'])
          answers.push(await send(looker.caller, requestOf(operation, bob, { limit: '1', cursor: forged })));
        // A tool key reaches no mesh chat, whatever the cursor is.
        expect(answers.map((answer) => comparable(answer))).toEqual(
          answers.map(() => comparable(answers[0]!)),
        );
        expect(looker.name === "Bob's tool key" ? [400, 404] : [400]).toContain(answers[0]!.status);
      }
    });
  });

  it.each(named(operations.filter(({ scopes }) => scopes !== null)))(
    'X-Makima-Owner opens nothing without all-owners: %s',
    async (_, operation) => {
      for (const looker of lookers) {
        const request = requestOf(operation, alice);
        const nobody = nobodyLike(alice);
        const answer = await send(looker.caller, request, { 'x-makima-owner': alice.ownerId });
        const unknown = await send(looker.caller, request, { 'x-makima-owner': nobody.ownerId });
        expect(comparable(answer)).toEqual(comparable(unknown));
        expect(answer.status).toBe(403);
      }
    },
  );

  // Last of those that write: what is taken here stands among Bob's own from then on.
  describe('a field that takes any id says nothing about it', () => {
    it.each(named(operations.filter(({ body }) => body !== null)))('%s', async (_, operation) => {
      const takers = slotsOf(document, operation, bob).filter(({ opaque }) => opaque !== undefined);
      for (const looker of lookers) {
        for (const [slot, stranger] of takers.flatMap((one) =>
          looker.strangers.map((two) => [one, two] as const),
        )) {
          const answer = await send(looker.caller, slot.with(stranger));
          const unknown = await send(looker.caller, slot.with(nobodyLike(stranger)));
          expect([looker.name, slot.name, answer.status]).toEqual([looker.name, slot.name, unknown.status]);
          expect(textOf(answer)).not.toContain(stranger.marker);
        }
      }
    });
  });

  it('fails by name for what this walk does not know how to ask', () => {
    const like = operations.find(({ id }) => id === 'get /api/v1/mesh/tasks')!;
    const path = { name: 'thingId', in: 'path', required: true, schema: {} } as const;
    const query = { name: 'thing_id', in: 'query', required: false, schema: {} } as const;
    const unknown = { ...like, id: 'get /api/v1/things/{thingId}', path: '/api/v1/things/{thingId}' };
    const slots = (more: Partial<Operation>) => () => slotsOf(document, { ...unknown, ...more }, bob);
    expect(slots({ parameters: [path] })).toThrow(
      'get /api/v1/things/{thingId}: nobody says what to put into {thingId}',
    );
    expect(slots({ parameters: [query] })).toThrow('?thing_id=');
    const thing = {
      components: { schemas: { Thing: { properties: { thingId: { type: 'string' } } } } },
      paths: {},
    };
    const body = { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } };
    expect(() => slotsOf(thing, { ...unknown, parameters: [], body }, bob)).toThrow('thingId of Thing');
  });

  it("notices what is somebody else's", async () => {
    const operation = operations.find(({ id }) => id === 'get /api/v1/mesh/tasks/{taskId}')!;
    const request = requestOf(operation, alice);
    const answer = await send(alice.keys.user, request);
    expect(() => expectNothingOf([alice], request, answer)).toThrow('shows');
  });

  it('has left everything of Alice as it was', async () => {
    await app.caughtUp();
    expect(await historyOf(alice)).toEqual(before);
  });
});
