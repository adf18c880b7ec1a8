import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { Database, isConnectionError } from './database.js';
import { sql } from './sql.js';

/** A message of Postgres' protocol: its type, its length, its content. */
function message(type: string, content: Buffer | string): Buffer {
  const body = Buffer.from(content as string);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}
const READY = [message('R', Buffer.alloc(4)), message('Z', 'I')];
const TERMINATED = message('E', 'SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0');

let server: Server;
let database: Database;
let connections: number;
beforeEach(async () => {
  connections = 0;
  // Lets everybody in and ends the connection at once, in the same packet: as a server does that is told to stop.
  server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.concat([...READY, TERMINATED])));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  database = new Database({ url: `postgres://somebody@127.0.0.1:${port}/history` });
});
afterEach(async () => {
  await database.close();
  server.close();
});

describe('a connection that ends the moment it is ready', () => {
  it.each(['query', 'transaction', 'withConnection'] as const)(
    'fails a %s, and nothing else',
    async (way) => {
      const work = {
        query: () => database.query(sql`SELECT 1`),
        transaction: () => database.transaction((connection) => connection.query(sql`SELECT 1`)),
        withConnection: () => database.withConnection((connection) => connection.query(sql`SELECT 1`)),
      };
      for (const attempt of [1, 2]) {
        const error: unknown = await work[way]().catch((failure: unknown) => failure);
        expect(isConnectionError(error)).toBe(true);
        expect(connections).toBe(attempt);
      }
    },
  );
});
