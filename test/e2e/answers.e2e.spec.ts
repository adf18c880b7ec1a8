import { Database } from '#libs/database/database.js';
import { sql } from '#libs/database/sql.js';
import { buildDocument } from '#libs/http/openapi.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { TestDaemon } from '#libs/testing/daemon.js';
import { committedDocument, operationsOf, type ApiDocument, type Operation } from './api-document.js';
import { AnswerCheck } from './answer-check.js';
import {
  bodiesOf,
  CURSOR,
  REFUSED,
  pathOf,
  queryParametersOf,
  queryValue,
  requiredQuery,
  type ApiRequest,
} from './requests.js';
import { send } from './send.js';
import { buildWorld, newOwner, type World } from './world.js';

const committed = committedDocument();

/** A closed chat takes no messages: closing comes last. */
const lastly = ({ path }: Operation): number => (path.endsWith('/close') ? 1 : 0);
const operations = operationsOf(committed).toSorted((a, b) => lastly(a) - lastly(b));

describe('every answer is what the document says', () => {
  let app: TestApp;
  let world: World;
  let check: AnswerCheck;

  beforeAll(async () => {
    app = await startTestApp();
    world = await buildWorld(app, await newOwner(app, 'answers'), 'marked-answers');
    check = new AnswerCheck(committed);
  });
  afterAll(() => app.close());

  it('knows every route of the running API', () => {
    const running = buildDocument(app.server.application, 'any') as unknown as ApiDocument;
    expect(Object.keys(running.paths)).toEqual(Object.keys(committed.paths));
    expect({ ...running, info: null }).toEqual({ ...committed, info: null });
  });

  const callerFor = ({ scopes }: Operation) => {
    if (scopes?.includes('all-owners')) return app;
    if (scopes?.includes('daemon:work')) return world.keys.daemon;
    return scopes?.includes('admin:projections') ? world.keys.admin : world.keys.user;
  };

  /** Every body with no query, then every parameter of the query by itself. */
  function requestsOf(operation: Operation): readonly ApiRequest[] {
    const path = pathOf(operation, world);
    const queries = queryParametersOf(operation).map(({ name }) => ({
      ...requiredQuery(operation, world),
      [name]: queryValue(operation, name, world),
    }));
    return [
      ...bodiesOf(operation, world).map((body) => ({
        operation,
        path,
        query: requiredQuery(operation, world),
        ...body,
      })),
      ...queries.map((query) => ({ operation, path, query, ...bodiesOf(operation, world)[0] })),
    ];
  }

  async function expectDocumented(request: ApiRequest, headers = {}): Promise<Buffer> {
    const { operation } = request;
    const answer = await send(callerFor(operation), request, headers);
    const mistake = check.mistakeIn(operation, answer);
    const what = `${JSON.stringify({ ...request, operation: operation.id }).slice(0, 400)}`;
    if (mistake !== undefined) throw new Error(`${what}: ${mistake}`);
    const code = REFUSED[operation.id];
    if (answer.status < 300 && code === undefined) return answer.body;
    const problem = answer.body.toString('utf8');
    if (code !== undefined && problem.includes(`"${code}"`)) return answer.body;
    throw new Error(`${what}: ${answer.status} ${problem}`);
  }

  /** The second page of a list, by the cursor of the first. */
  async function expectNextPage(first: ApiRequest): Promise<void> {
    const query = { ...first.query, limit: '1' };
    const page = JSON.parse((await expectDocumented({ ...first, query })).toString('utf8')) as {
      readonly cursor?: string;
    };
    if (!page.cursor) throw new Error(`${first.operation.id}: one of several is no first page`);
    await expectDocumented({ ...first, query: { ...query, cursor: page.cursor } });
  }

  it.each(operations.map((operation) => [operation.id, operation] as const))('%s', async (_, operation) => {
    const releases = /\/(skip|retry)$/.test(operation.path);
    if (releases) await stopProjection(app, world);
    const requests = releases
      ? releaseRequests(operation, world)
      : HELD.test(operation.path)
        ? [await heldRequest(app, operation, world)]
        : requestsOf(operation);
    for (const request of requests) await expectDocumented(request);
    const lines = Object.values(operation.answers).some((content) => 'application/x-ndjson' in content);
    if (lines) await expectDocumented(requests[0]!, { accept: 'application/x-ndjson' });
    if (operation.parameters.some(({ name }) => name === CURSOR)) await expectNextPage(requests[0]!);
  });

  it('would not let an answer hold what the document does not say', async () => {
    const operation = operations.find(({ id }) => id === 'get /api/v1/access/whoami')!;
    const answer = await send(app, { operation, path: {}, query: {} });
    const body = JSON.parse(answer.body.toString('utf8')) as object;
    const mistakeWith = (changed: object): string | undefined =>
      check.mistakeIn(operation, { ...answer, body: Buffer.from(JSON.stringify({ ...body, ...changed })) });
    expect(mistakeWith({})).toBeUndefined();
    expect(mistakeWith({ secret: 1 })).toContain('"additionalProperty":"secret"');
    expect(mistakeWith({ kind: 'nobody' })).toContain('/kind');
    expect(mistakeWith({ ownerId: undefined })).toContain('ownerId');
    expect(check.mistakeIn(operation, { ...answer, mediaType: 'text/html' })).toContain('text/html');
  });
});

/** Routes about a task that a daemon is about to take, or holds. */
const HELD = /\/(stop|lease|lease\/release)$/;

/** Such a task, of a daemon that is there. */
async function heldRequest(app: TestApp, operation: Operation, { keys, marker }: World): Promise<ApiRequest> {
  const { path } = operation;
  const daemon = await TestDaemon.connect(app.url, keys.daemon);
  const plan = { name: marker, plan: marker, isSupervisor: false };
  const { id: taskId } = await keys.user.post<{ id: string }>('/api/v1/mesh/tasks', plan);
  await keys.user.post(`/api/v1/mesh/tasks/${taskId}/start`, { runner: { name: 'codex', model: 'm' } });
  await app.caughtUp();
  const { epoch } = path.endsWith('/lease') ? { epoch: 0 } : await daemon.lease(taskId);
  const body = path.endsWith('/stop')
    ? { status: 'paused' }
    : path.endsWith('/lease')
      ? { daemonId: daemon.id }
      : { daemonId: daemon.id, epoch, status: 'failed' };
  return { operation, path: { taskId }, query: {}, body };
}

/** Puts a stop on record, as a poison event does; the projection itself goes on. */
async function stopProjection(app: TestApp, { ids }: World): Promise<void> {
  const database = new Database({ url: app.databaseUrl, max: 1 });
  const error = { eventId: ids.message, position: '7', type: 'MessageRecorded', message: 'no' };
  await database.query(
    sql`UPDATE projections SET error = ${JSON.stringify(error)} WHERE name = 'checkpoint' AND status = 'live'`,
  );
  await database.close();
}

const releaseRequests = (operation: Operation, { ids }: World): readonly ApiRequest[] => [
  { operation, path: { name: 'checkpoint' }, query: {}, body: { eventId: ids.message, dryRun: true } },
];
