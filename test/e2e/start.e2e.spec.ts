import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { eventually, MakimaHomes, postmasterOf, type MakimaProcess } from '../faults/makima-process.js';
import { survivorsOf, treeOf } from '../faults/process-tree.js';

// Part 1 of the product: the real process, started and stopped as people do.
jest.setTimeout(180_000);

const at = new MakimaHomes();
afterAll(() => at.remove());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** A request with the token of the home's credentials.json. */
async function call(server: MakimaProcess, method: string, path: string, body?: object): Promise<Answer> {
  const { url, token } = server.credentials;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const newTask = async (server: MakimaProcess): Promise<string> => {
  const { status, body } = await call(server, 'POST', '/api/v1/mesh/tasks', { name: 'kept', plan: 'stay' });
  expect(status).toBe(201);
  return body['id'] as string;
};
const expectTask = async (server: MakimaProcess, id: string): Promise<void> => {
  expect(await call(server, 'GET', `/api/v1/mesh/tasks/${id}`)).toMatchObject({
    status: 200,
    body: { name: 'kept' },
  });
};

/** Stops a server and says how long that took; nothing of it may be left. */
async function stop(server: MakimaProcess, signal: (server: MakimaProcess) => void): Promise<number> {
  const postgres = postmasterOf(server.home);
  const all = [...treeOf(server.pid), ...(postgres ? treeOf(postgres.pid) : [])];
  const begin = Date.now();
  signal(server);
  expect(await server.ended).toEqual({ code: 0, signal: null });
  const took = Date.now() - begin;
  expect(survivorsOf(all)).toEqual([]);
  expect(postmasterOf(server.home)).toBeUndefined();
  expect(existsSync(join(server.home, 'makima.lock'))).toBe(false);
  return took;
}
const ctrlC = (server: MakimaProcess): void => server.signalGroup('SIGINT');

describe('a first start', () => {
  let server: MakimaProcess;
  beforeAll(async () => {
    server = await at.start({ home: at.path('first') });
  });

  it('says where it is ready as its last line, and what took time before it', async () => {
    await delay(300);
    expect(server.stdout).toEqual([expect.stringMatching(/^makima ready at http:\/\/127\.0\.0\.1:\d+$/)]);
    expect(server.notes).toEqual([`making the database in ${join(server.home, 'postgres')}`]);
  });

  it('leaves credentials that work and that only their owner can read', async () => {
    expect(server.credentials.url).toBe(server.url);
    expect(statSync(join(server.home, 'credentials.json')).mode & 0o777).toBe(0o600);
    expect(await call(server, 'GET', '/api/v1/access/whoami')).toMatchObject({ status: 200 });
    expect((await fetch(`${server.url}/api/v1/access/whoami`)).status).toBe(401);
  });

  it('is stopped by Ctrl-C, with all that belongs to it, whoever is connected', async () => {
    const { url, token } = server.credentials;
    const live = await fetch(`${url}/api/v1/timeline/stream`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(live.status).toBe(200);
    const port = Number(new URL(url).port);
    const [silent, half] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    const gone = [silent, half].map((socket) => once(socket, 'close'));
    half.write(
      `POST /api/v1/mesh/tasks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
        'content-type: application/json\r\ncontent-length: 1000\r\n\r\n{"name"',
    );
    await delay(200);
    expect(await stop(server, ctrlC)).toBeLessThan(15_000);
    await live.text(); // ends
    await Promise.all(gone);
  });

  it('is followed by others, with the data and the token that were there, until SIGTERM', async () => {
    const { token } = server.credentials;
    const second = await at.start({ home: server.home });
    const task = await newTask(second);
    await stop(second, (process) => process.signal('SIGTERM'));
    const third = await at.start({ home: server.home });
    expect(third.notes).toEqual([]);
    expect(third.credentials.token).toBe(token);
    await expectTask(third, task);
    await stop(third, ctrlC);
  });
});

describe('after a kill -9', () => {
  let task: string;

  it('of the server, the Postgres that still runs is taken over', async () => {
    const server = await at.start();
    task = await newTask(server);
    const postgres = postmasterOf(server.home);
    await server.kill();
    expect(postmasterOf(server.home)).toEqual(postgres);
    const next = await at.start();
    expect(next.notes).toEqual([
      `took over the Postgres that was left running (process ${String(postgres?.pid)})`,
    ]);
    await expectTask(next, task);
    await stop(next, ctrlC);
  });

  it('of the server and of Postgres, the next start recovers', async () => {
    const server = await at.start();
    const postgres = postmasterOf(server.home);
    process.kill(server.pid, 'SIGKILL');
    process.kill(postgres?.pid ?? Number.NaN, 'SIGKILL');
    await server.ended;
    const next = await at.start();
    await expectTask(next, task);
    await stop(next, ctrlC);
  });

  it('in the middle of the very first start, the next one begins anew', async () => {
    const homes = [1, 2, 3, 4, 5].map((n) => at.path(`interrupted-${n}`));
    const made = (home: string): boolean => existsSync(join(home, 'postgres'));
    for (const home of homes) {
      const first = at.launch({ home });
      await eventually(
        () => first.stderr.length > 0,
        () => first.output,
      );
      first.signal('SIGKILL'); // initdb goes on by itself for a while
      await first.ended;
      if (made(home)) continue; // it was faster than we
      await stop(await at.start({ home }), ctrlC);
      return;
    }
    throw new Error('each start was over too early');
  });

  it('at any time between the start of Postgres and being ready, the next one comes through', async () => {
    const home = at.path('killed-on-its-way');
    let ready = false;
    for (let wait = 0; !ready; wait = 2 * wait || 100) {
      const server = at.launch({ home });
      await eventually(
        () => postmasterOf(home) !== undefined,
        () => server.output,
      );
      await delay(wait);
      ready = server.url !== undefined;
      await server.kill();
    }
    const server = await at.start({ home });
    await expectTask(server, await newTask(server));
    await stop(server, ctrlC);
  });
});

describe('Ctrl-C while it starts', () => {
  const home = at.path('early');
  it.each([
    ['makes its database', (server: MakimaProcess) => server.stderr.length > 0],
    ['starts Postgres', () => postmasterOf(home) !== undefined],
  ])('when it %s ends it quietly', async (_when, reached) => {
    const server = at.launch({ home });
    await eventually(
      () => reached(server),
      () => server.output,
    );
    expect(await stop(server, ctrlC)).toBeLessThan(15_000);
    expect(server.stdout).toEqual([]);
    expect(server.notes.filter((line) => !line.startsWith('making the database'))).toEqual([]);
  });

  it('leaves a home that the next start can use', async () => {
    await stop(await at.start({ home }), ctrlC);
  });
});

describe('two at once', () => {
  it('run side by side with homes and ports of their own, and each home takes one only', async () => {
    const [one, other] = await Promise.all([at.start(), at.start({ home: at.path('other') })]);
    expect(one.url).not.toBe(other.url);
    const task = await newTask(one);
    expect((await call(other, 'GET', `/api/v1/mesh/tasks/${task}`)).status).toBe(404);
    const stranger = await fetch(`${other.url}/api/v1/access/whoami`, {
      headers: { authorization: `Bearer ${one.credentials.token}` },
    });
    expect(stranger.status).toBe(401);

    const again = at.launch();
    expect(await again.ended).toEqual({ code: 1, signal: null });
    expect(again.output).toBe(
      `makima: another makima (process ${one.pid}) uses ${one.home}: stop it, or set MAKIMA_HOME to another folder`,
    );
    await expectTask(one, task);
    await Promise.all([stop(one, ctrlC), stop(other, ctrlC)]);
  });

  it('a taken port is named, and nothing keeps running', async () => {
    const thief = createServer().listen(0, '127.0.0.1');
    await once(thief, 'listening');
    const { port } = thief.address() as AddressInfo;
    const server = at.launch({ port });
    const ending = await server.ended;
    thief.close();
    expect(ending).toEqual({ code: 1, signal: null });
    expect(server.stdout).toEqual([]);
    expect(server.notes).toEqual([
      `makima: port ${port} is taken. Stop what listens there, or choose another: PORT=7421 npm start`,
    ]);
    expect(postmasterOf(server.home)).toBeUndefined();
  });

  it('the log of Postgres is kept in the home', () => {
    expect(readFileSync(join(at.path('home'), 'logs/postgres.log'), 'utf8')).toContain('ready to accept');
  });
});
