import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { testDatabase, type TestDatabase } from '#libs/testing/postgres.js';
import { eventually, MakimaHomes, type LaunchOptions, type MakimaProcess } from '../faults/makima-process.js';

// Two API processes that leave the projections alone, and the projector that moves them, on one database.
jest.setTimeout(180_000);

const at = new MakimaHomes();
let database: TestDatabase;
let one: MakimaProcess;
let other: MakimaProcess;
let projector: MakimaProcess;

const env = (): Record<string, string> => ({ DATABASE_URL: database.url });
const api = (name: string): Promise<MakimaProcess> =>
  at.start({ home: at.path(name), env: { ...env(), MAKIMA_PROJECTIONS: 'off' } });
const newProjector = (): Promise<MakimaProcess> => at.start({ program: 'projector', env: env() });

beforeAll(async () => {
  database = await testDatabase();
  one = await api('one');
  other = await api('other');
  projector = await newProjector();
});
afterAll(async () => {
  await at.remove();
  await database.drop();
});

async function call(server: MakimaProcess, path: string, body?: object) {
  const { url, token } = server.credentials;
  const response = await fetch(`${url}/api/v1${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

let task: string;
let said = 0;
/** Writes a message through a process. @returns where to read it. */
async function say(server: MakimaProcess): Promise<string> {
  said += 1;
  const message = { id: randomUUID(), kind: 'message', role: 'user', content: `message ${said}` };
  const { status, body } = await call(server, `/mesh/tasks/${task}/activity`, { items: [message] });
  expect(status).toBeLessThan(300);
  return `/mesh/tasks/${task}/conversation?minPosition=${body['position'] as string}`;
}

/** The last message, or why there is no answer. */
async function lastOf(server: MakimaProcess, path: string): Promise<string | undefined> {
  const { status, body } = await call(server, path);
  if (status !== 200) return body['code'] as string;
  return (body['messages'] as readonly { readonly content: string }[]).at(-1)?.content;
}

it('lets each process read at once what another wrote', async () => {
  const { status, body } = await call(one, '/mesh/tasks', { name: 'task', plan: 'be read' });
  expect(status).toBe(201);
  task = body['id'] as string;
  expect(await lastOf(other, await say(one))).toBe('message 1');
  expect(await lastOf(one, await say(other))).toBe('message 2');
});

it('is what moves the projections: while it is gone, what is written is not read', async () => {
  await projector.kill();
  const path = await say(one);
  expect(await lastOf(one, path)).toBe('READ_MODEL_BEHIND');
  projector = await newProjector();
  await eventually(
    async () => (await lastOf(other, path)) === 'message 3',
    () => 'the projector does not go on',
  );
});

it('takes over from another one', async () => {
  const standby = await newProjector();
  await projector.kill();
  projector = standby;
  expect(await lastOf(other, await say(one))).toBe('message 4');
});

it.each(['SIGTERM', 'SIGINT'] as const)('ends at %s', async (signal) => {
  const ending = await newProjector();
  ending.signalGroup(signal);
  expect(await ending.ended).toEqual({ code: 0, signal: null });
  expect(ending.output).toBe('makima projector ready');
});

describe('settings that do not go together', () => {
  const refusals: readonly [
    string,
    Partial<LaunchOptions> & { readonly env: Record<string, string> },
    string,
  ][] = [
    ['a projector without a database', { program: 'projector', env: {} }, 'DATABASE_URL must say'],
    [
      'a projector that may not project',
      { program: 'projector', env: { DATABASE_URL: 'postgres://x/y', MAKIMA_PROJECTIONS: 'off' } },
      'is for API processes',
    ],
    ['an API on its own Postgres', { env: { MAKIMA_PROJECTIONS: 'off' } }, 'needs DATABASE_URL'],
    ['a word that means nothing', { env: { MAKIMA_PROJECTIONS: 'no' } }, 'is neither on nor off'],
    [
      'a projector whose database is not there',
      { program: 'projector', env: { DATABASE_URL: 'postgres://127.0.0.1:1/none' } },
      'cannot be reached',
    ],
  ];
  it.each(refusals)('%s: one line, and an exit', async (_, options, line) => {
    const refused = at.launch({ home: at.path('refused'), ...options });
    expect(await refused.ended).toEqual({ code: 1, signal: null });
    expect(refused.stderr).toEqual([expect.stringContaining(line)]);
  });
});
