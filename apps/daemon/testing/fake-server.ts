import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { problem } from '#libs/client/testing/fake-makima.js';
import { Hub } from '#libs/git/hub.js';
import { packOf } from '#libs/git/packs.js';
import type { ActivityItem, Heartbeat, Hello, Lease, Work } from '../protocol.js';
import { FakeTask, type Asked } from './fake-task.js';

export const KEY = 'mk_daemon_for_specs';

type Body = Readonly<Record<string, unknown>>;

/** Speaks the daemon's protocol over real HTTP and WebSockets, and keeps what it is told in memory. */
export class FakeServer {
  readonly tasks = new Map<string, FakeTask>();
  readonly hellos: Hello[] = [];
  readonly heartbeats: Heartbeat[] = [];
  /** Requests, as `METHOD path`. */
  readonly asked: string[] = [];
  /** Answers requests instead, where it says true. */
  inTheWay: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });

  private constructor(readonly hub: Hub) {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) =>
        problem(response, 500, 'INTERNAL', String(error)),
      );
    });
    this.#server.on('upgrade', (request, socket, head) => {
      if (request.headers.authorization !== `Bearer ${KEY}`)
        return void socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#greet(client));
    });
  }

  /** @param hub folder for the code of checkpoints */
  static async start(hub: string, port = 0): Promise<FakeServer> {
    const fake = new FakeServer(await Hub.open(hub));
    await new Promise<void>((resolve) => fake.#server.listen(port, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A task that waits to be run. */
  add(asked: Asked, code: Partial<Lease['code']> = {}): FakeTask {
    const task = new FakeTask(asked, code);
    this.tasks.set(task.id, task);
    this.wake();
    return task;
  }

  /** Tells all daemons that there may be something to do. */
  wake(): void {
    for (const client of this.#sockets.clients) say(client, { type: 'work', position: '1' });
  }

  get connections(): number {
    return this.#sockets.clients.size;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #greet(client: WebSocket): void {
    client.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Hello | Heartbeat;
      if (message.type === 'hello') {
        this.hellos.push(message);
        return say(client, { type: 'welcome', heartbeatMs: 50, leaseMs: 1_000 });
      }
      this.heartbeats.push(message);
      const stale = message.tasks.filter(({ taskId, epoch }) => !this.tasks.get(taskId)?.isHeldUnder(epoch));
      say(client, { type: 'heartbeat', stale: stale.map(({ taskId }) => taskId) });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake');
    this.asked.push(`${request.method} ${pathname}`);
    if (this.inTheWay(request, response)) return void request.resume();
    const daemonId = /^\/api\/v1\/daemons\/([^/]+)\/work$/.exec(pathname)?.[1];
    if (daemonId) return json(response, this.#work(daemonId));
    const [, taskId = '', rest = ''] = /^\/api\/v1\/mesh\/tasks\/([^/]+)\/(.*)$/.exec(pathname) ?? [];
    const task = this.tasks.get(taskId);
    if (!task) return problem(response, 404, 'NOT_FOUND', `There is no ${pathname}.`);
    const checkpointId = /^checkpoints\/([^/]+)\/pack$/.exec(rest)?.[1];
    if (checkpointId) return this.#pack(task, checkpointId, request, response, searchParams.get('have'));
    const text = await textOf(request);
    command(task, rest, (text === '' ? {} : JSON.parse(text)) as Body, request.headers, response);
  }

  #work(daemonId: string): Work {
    const tasks = [...this.tasks.values()];
    return {
      offers: tasks
        .filter(({ isWanted, holder, order }) => isWanted && holder === null && order === null)
        .map(({ id }) => ({ taskId: id })),
      orders: tasks.flatMap((task) => task.orderFor(daemonId) ?? []),
      held: tasks.filter(({ holder }) => holder === daemonId).map(({ id, epoch }) => ({ taskId: id, epoch })),
    };
  }

  async #pack(
    task: FakeTask,
    checkpointId: string,
    request: IncomingMessage,
    response: ServerResponse,
    have: string | null,
  ): Promise<void> {
    const commit = task.point(checkpointId)?.commitSha;
    if (commit === undefined) {
      request.resume();
      return problem(response, 404, 'NOT_FOUND', `There is no checkpoint ${checkpointId}.`);
    }
    if (request.method === 'GET')
      return void packOf(this.hub.place, commit, have ? have.split(',') : []).pipe(response);
    const ref = `refs/makima/checkpoints/${checkpointId}`;
    try {
      await this.hub.receive(request, { ref, commit });
    } catch (error) {
      return problem(response, 422, 'PACK_INVALID', String(error));
    } finally {
      request.unpipe().resume();
    }
    task.packs.add(checkpointId);
    json(response, {});
  }
}

function command(
  task: FakeTask,
  what: string,
  body: Body,
  headers: IncomingMessage['headers'],
  response: ServerResponse,
): void {
  const [, rewindId, step] = /^rewinds\/([^/]+)\/(\w+)$/.exec(what) ?? [];
  if (rewindId !== undefined && step !== undefined) return rewound(task, rewindId, step, body, response);
  if (what === 'activity') return activity(task, body['items'] as ActivityItem[], headers, response);
  if (what === 'lease') {
    if (task.holder !== null) return problem(response, 409, 'LEASE_TAKEN', 'Somebody works in it.');
    if (!task.isWanted) return problem(response, 409, 'NOTHING_TO_RUN', 'It does not wait.');
    return json(response, task.lease(String(body['daemonId'])), 201);
  }
  if (what === 'lease/release') {
    const { epoch, status, reason } = body as { epoch: number; status: string; reason?: string };
    if (task.isHeldUnder(epoch)) {
      task.holder = null;
      task.ends.push({ epoch, status, ...(reason === undefined ? {} : { reason }) });
    }
    return json(response, {});
  }
  if (!what.startsWith('checkpoint-requests/'))
    return problem(response, 404, 'NOT_FOUND', `There is no ${what}.`);
  task.request = null;
  task.answers.push(String(body['checkpointId']));
  json(response, {});
}

function activity(
  task: FakeTask,
  items: readonly ActivityItem[],
  headers: IncomingMessage['headers'],
  response: ServerResponse,
): void {
  const { 'x-makima-lease': lease, 'x-makima-daemon': daemonId } = headers;
  if (lease !== undefined && !task.isHeldUnder(Number(lease), String(daemonId))) {
    task.stale += items.length;
    return problem(response, 409, 'LEASE_STALE', 'The lease has ended.');
  }
  for (const item of items) {
    const known = task.items.find(({ id }) => id === item.id);
    if (known && JSON.stringify(known) !== JSON.stringify(item))
      return problem(response, 409, 'EVENT_ID_CONFLICT', `${item.id} has another content.`);
    if (known) task.repeated += 1;
    else task.items.push(item);
  }
  json(response, { recorded: items.length });
}

function rewound(task: FakeTask, rewindId: string, step: string, body: Body, response: ServerResponse): void {
  const { order } = task;
  const isDeferred = task.code.rewindId === rewindId;
  if (order?.rewindId !== rewindId && !isDeferred)
    return problem(response, 409, 'REWIND_OVER', 'It is over.');
  if (step !== 'prepared' || !order) {
    task.rewinds.push(`${step} ${String(body[step === 'completed' ? 'tree' : 'reason'])}`);
    if (step === 'failed' && order?.before) task.rewinds.push('code put back');
    task.order = null;
    return json(response, {});
  }
  if (task.holder !== null) return problem(response, 409, 'TASK_RUNNING', 'The agent runs.');
  const before = task.point(String(body['before']));
  if (!before) return problem(response, 422, 'VALIDATION_FAILED', 'There is no such checkpoint.');
  if (order.phase === 'requested') {
    task.rewinds.push('prepared');
    task.befores.push(before.checkpointId);
  }
  task.order = { ...order, phase: 'committed', before };
  json(response, task.order);
}

const say = (client: WebSocket, message: object): void => client.send(JSON.stringify(message));

function json(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
