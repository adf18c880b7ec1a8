import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a database that can lose everything which is sent along it, as a network does: without a word. */
export interface TcpProxy {
  /** The database's address, by way of the proxy. */
  readonly url: string;
  /** Loses what is sent from now on, in both directions; connections stay open and new ones are taken. */
  swallow(): void;
  /** Lets new connections through again. Those that lost something stay lost. */
  pass(): void;
  close(): Promise<void>;
}

export async function tcpProxy(databaseUrl: string): Promise<TcpProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let swallows = false;
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
        lost ||= swallows;
        if (!lost) to.write(chunk);
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
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.toString(),
    swallow: () => void (swallows = true),
    pass: () => void (swallows = false),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
