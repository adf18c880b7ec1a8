import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { TestDaemon } from '#libs/testing/daemon.js';
import { MAX_MESSAGE_BYTES } from './daemon.messages.js';

const PATH = '/api/v1/daemons/connect';
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

/** An answer to a request that asks for an upgrade; 101 when it was granted. */
async function handshake(url: string, path: string, headers: Record<string, string>, method = 'GET') {
  const asked = request(`${url}${path}`, { method, headers });
  asked.end();
  const answered = once(asked, 'response').then(async ([response]) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const { statusCode, headers: given } = response as {
      statusCode: number;
      headers: Record<string, string>;
    };
    return {
      status: statusCode,
      headers: given,
      body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown,
    };
  });
  const upgraded = once(asked, 'upgrade').then(([, socket]) => {
    (socket as { destroy(): void }).destroy();
    return { status: 101, headers: {}, body: {} };
  });
  answered.catch(() => undefined);
  upgraded.catch(() => undefined);
  return Promise.race([answered, upgraded]);
}

describe("the daemons' gateway", () => {
  let app: TestApp;
  let key: TestCaller;

  beforeAll(async () => {
    app = await startTestApp({ leaseMs: 1_000 });
    key = await app.key('daemon');
  });
  afterAll(() => app.close());

  const bearer = ({ token }: TestCaller) => ({ authorization: `Bearer ${token}` });

  it('opens for a key that may, and for nobody else', async () => {
    expect((await handshake(app.url, PATH, { ...HANDSHAKE, ...bearer(key) })).status).toBe(101);
    const user = await app.key('user');
    const refused = [
      [{}, 401, 'UNAUTHENTICATED'],
      [{ authorization: `Bearer ${key.token.slice(0, -1)}x` }, 401, 'UNAUTHENTICATED'],
      [bearer(user), 403, 'FORBIDDEN'],
      [{ ...bearer(key), 'x-makima-owner': randomUUID() }, 403, 'FORBIDDEN'],
    ] as const;
    for (const [headers, status, code] of refused) {
      const answer = await handshake(app.url, PATH, { ...HANDSHAKE, ...headers });
      expect(answer).toMatchObject({ status, body: { code } });
      expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json' });
    }
  });

  it('leaves what is no handshake to the routes', async () => {
    const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', ...bearer(key) };
    expect((await handshake(app.url, '/api/v1/access/whoami', h2c)).body).toMatchObject({ kind: 'daemon' });
    const elsewhere = await handshake(app.url, '/api/v1/nothing', { ...HANDSHAKE, ...bearer(key) });
    expect(elsewhere).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await key.call('GET', PATH)).toMatchObject({ status: 426, body: { code: 'UPGRADE_REQUIRED' } });
    expect((await app.call('POST', PATH)).status).toBe(405);
    const old = await handshake(app.url, PATH, {
      ...HANDSHAKE,
      'sec-websocket-version': '1',
      ...bearer(key),
    }).catch((error: Error) => error);
    expect(old).not.toMatchObject({ status: 101 });
  });

  const hello = {
    type: 'hello',
    protocol: 1,
    daemonId: randomUUID(),
    name: 'n',
    version: '1',
    hostname: 'h',
    capacity: 1,
    runners: [],
  };
  const beat = { type: 'heartbeat', tasks: [] };

  it.each([
    ['no JSON', 'hello', 'MALFORMED_JSON'],
    ['nothing', '', 'MALFORMED_JSON'],
    ['no object', '[]', 'MESSAGE_UNKNOWN'],
    ['an unknown type', { type: 'goodbye' }, 'MESSAGE_UNKNOWN'],
    ['a type of every object', { type: 'constructor' }, 'MESSAGE_UNKNOWN'],
    ['a heartbeat first', beat, 'MESSAGE_UNEXPECTED'],
    ['too deep a message', '['.repeat(5_000), 'TOO_DEEP'],
    ['an unknown field', { ...hello, more: 1 }, 'VALIDATION_FAILED'],
    ['a prototype', `{"__proto__":{},${JSON.stringify(hello).slice(1)}`, 'VALIDATION_FAILED'],
    ['a forged id', { ...hello, daemonId: '../../etc' }, 'VALIDATION_FAILED'],
    ['a name with an escape', { ...hello, name: 'a\u001b[2J' }, 'VALIDATION_FAILED'],
    ['a capacity without bound', { ...hello, capacity: 1e9 }, 'VALIDATION_FAILED'],
    ['another protocol', { ...hello, protocol: 2 }, 'PROTOCOL_UNSUPPORTED'],
  ])('refuses %s, and closes', async (_, message, code) => {
    const daemon = await TestDaemon.open(app.url, key);
    daemon.say(message);
    expect(await daemon.next('refused')).toMatchObject({ code, detail: expect.any(String) });
    expect(await daemon.closed).toBe(1008);
  });

  it.each([
    ['hello again', hello, 'MESSAGE_UNEXPECTED'],
    ['tasks that are none', { ...beat, tasks: [{ taskId: 'x', epoch: 0 }] }, 'VALIDATION_FAILED'],
    [
      'too many tasks',
      { ...beat, tasks: Array.from({ length: 1_001 }, () => ({ taskId: randomUUID(), epoch: 1 })) },
      'VALIDATION_FAILED',
    ],
  ])('refuses %s from a daemon that it knows', async (_, message, code) => {
    const daemon = await TestDaemon.connect(app.url, key);
    daemon.say(message);
    expect(await daemon.next('refused')).toMatchObject({ code });
    expect(await daemon.closed).toBe(1008);
  });

  it('refuses bytes, and more than a message may hold', async () => {
    const binary = await TestDaemon.open(app.url, key);
    binary.socket.send(Buffer.from(JSON.stringify(hello)));
    expect(await binary.next('refused')).toMatchObject({ code: 'MESSAGE_INVALID' });
    const large = await TestDaemon.open(app.url, key);
    large.say(' '.repeat(MAX_MESSAGE_BYTES + 1));
    expect(await large.closed).toBe(1009);
  });

  it('refuses a flood', async () => {
    const daemon = await TestDaemon.connect(app.url, key);
    for (let n = 0; n < 1_000; n += 1) daemon.beat();
    expect(await daemon.next('refused')).toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    await daemon.closed;
  });

  it('survives frames that are none, and a socket that is cut', async () => {
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    const head = Object.entries({ host: 'x', ...HANDSHAKE, ...bearer(key) }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    socket.write(`GET ${PATH} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
    await once(socket, 'data');
    socket.write(Buffer.alloc(200, 0xff));
    await once(socket, 'close');
    const cut = await TestDaemon.connect(app.url, key);
    cut.vanish();
    await cut.closed;
    expect((await app.call('GET', '/health')).status).toBe(200);
  });

  it('drops who says nothing, before hello and after', async () => {
    const silent = await TestDaemon.open(app.url, key);
    const sleeping = await TestDaemon.connect(app.url, key);
    const alive = await TestDaemon.connect(app.url, key, { beatsMs: 100 });
    expect([await silent.closed, await sleeping.closed]).toEqual([1006, 1006]);
    expect(alive.socket.readyState).toBe(alive.socket.OPEN);
    await alive.close();
  });

  it('lets the newest connection of a daemon speak for it', async () => {
    const older = await TestDaemon.connect(app.url, key);
    const newer = await TestDaemon.connect(app.url, key, { id: older.id });
    older.beat();
    expect(await older.next('refused')).toMatchObject({ code: 'DAEMON_REPLACED' });
    await older.closed;
    newer.beat();
    expect(await newer.next('heartbeat')).toEqual({ type: 'heartbeat', stale: [] });
    await app.caughtUp();
    expect(await app.get(`/api/v1/daemons/${newer.id}`)).toMatchObject({ status: 'connected' });
    await newer.close();
  });

  it('closes a connection whose key is revoked, at its next heartbeat', async () => {
    const doomed = await app.key('daemon');
    const daemon = await TestDaemon.connect(app.url, doomed);
    daemon.beat();
    await daemon.next('heartbeat');
    await app.call('DELETE', `/api/v1/access/keys/${doomed.token.split('_')[2]!}`);
    daemon.beat();
    expect(await daemon.next('refused')).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await daemon.closed).toBe(1008);
  });

  it("knows no daemon of another owner, and does not say that it is one's", async () => {
    const mine = await TestDaemon.connect(app.url, key, { beatsMs: 100 });
    const other = await app.secondOwner(`other ${randomUUID()}`);
    const theirKey = await app.post<{ token: string }>(
      '/api/v1/access/keys',
      { name: 'theirs', kind: 'daemon' },
      { 'x-makima-owner': other.ownerId },
    );
    const theirs = await TestDaemon.open(app.url, { ...key, ...theirKey }, mine.id);
    theirs.hello({ name: 'stolen' });
    expect(await theirs.next('refused')).toMatchObject({ code: 'NOT_FOUND' });
    await theirs.closed;
    await app.caughtUp();
    expect(await app.get(`/api/v1/daemons/${mine.id}`)).toMatchObject({
      name: 'a daemon',
      status: 'connected',
    });
    const [foreign, unknown] = await Promise.all([
      other.call('GET', `/api/v1/daemons/${mine.id}`),
      other.call('GET', `/api/v1/daemons/${randomUUID()}`),
    ]);
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    expect(await other.get('/api/v1/daemons')).toEqual({ daemons: [] });
    await mine.close();
  });

  it('records what a daemon is once, and again when it has changed', async () => {
    const first = await TestDaemon.connect(app.url, key);
    await first.close();
    await (await TestDaemon.connect(app.url, key, { id: first.id })).close();
    await (await TestDaemon.connect(app.url, key, { id: first.id, version: '0.2.0' })).close();
    const audit = await app.get<{ events: readonly { type: string; body: object }[] }>(
      `/api/v1/audit/streams/daemon-${first.id}`,
    );
    expect(audit.events.map(({ type, body }) => [type, body])).toMatchObject([
      ['DaemonRegistered', { version: '0.1.0' }],
      ['DaemonRegistered', { version: '0.2.0' }],
    ]);
    await app.caughtUp();
    expect(await app.get(`/api/v1/daemons/${first.id}`)).toMatchObject({
      name: 'a daemon',
      hostname: 'a machine',
      version: '0.2.0',
      status: 'lost',
      capacity: 2,
      runners: ['command', 'replay'],
      tasks: [],
      refusedOutputs: 0,
      lastRefused: null,
    });
  });

  it('closes every connection when the server stops', async () => {
    const own = await startTestApp();
    const daemon = await TestDaemon.connect(own.url, await own.key('daemon'));
    const [code] = await Promise.all([daemon.closed, own.close()]);
    expect(code).toBe(1001);
  });
});
