import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can lose everything which is sent along it, as a network does without a word, or break. */
export interface TcpProxy {
  /** The server's address, by way of the proxy. */
  readonly url: string;
  /** Loses what is sent from now on, in both directions; connections stay open and new ones are taken. */
  swallow(): void;
  /** Lets new connections through again. Those that lost something stay lost. */
  pass(): void;
  /** Does something when so many further chunks of any connection have come, before the last of them is sent on. */
  atChunk(count: number, act: () => void): void;
  /** Breaks every connection that there is; what is on its way is lost. */
  cut(): void;
  close(): Promise<void>;
}

export async function tcpProxy(serverUrl: string): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let swallows = false;
  let awaited: { left: number; readonly act: () => void } | undefined;
  const count = (): void => {
    if (!awaited || --awaited.left > 0) return;
    const { act } = awaited;
    awaited = undefined;
    act();
  };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    track(near);
    const far = track(connect(Number(target.port), target.hostname));
    let lost = swallows;
    const forward = (from: Socket, to: Socket): void => {
      from.on('data', (chunk) => {
        count();
        lost ||= swallows;
        if (!lost && !to.destroyed) to.write(chunk);
      });
      from.on('close', () => {
        lost ||= swallows;
        if (!lost) to.destroy();
      });
    };
    forward(near, far);
    forward(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.toString(),
    swallow: () => void (swallows = true),
    pass: () => void (swallows = false),
    atChunk: (left, act) => void (awaited = { left, act }),
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
