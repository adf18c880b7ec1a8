import { createServer, type AddressInfo, type Socket } from 'node:net';
import { EventStoreDbServer } from '#libs/testing/eventstoredb-server.js';
import { rejection } from '../contract/fixtures.contract.js';
import { EventStoreDbEventStore } from './eventstoredb-event-store.js';

describe('EventStoreDB adapter without a server', () => {
  it('says within ten seconds what it cannot reach, without the password', async () => {
    const server = await new EventStoreDbServer().start();
    server.stop();
    const started = Date.now();
    const url = server.url.replace('esdb://', 'esdb://admin:secret@');
    const error = await rejection(EventStoreDbEventStore.open({ url, connectMs: 1_000 }));
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(String(error)).toContain(`127.0.0.1:${server.port}`);
    expect(String(error)).toContain('ECONNREFUSED');
    expect(String(error)).not.toContain('secret');
  });

  it('gives up on a server that accepts connections and says nothing', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const url = `esdb://127.0.0.1:${port}?tls=false`;
    const started = Date.now();
    await expect(EventStoreDbEventStore.open({ url, connectMs: 500 })).rejects.toThrow('does not answer');
    expect(Date.now() - started).toBeLessThan(5_000);
    sockets.forEach((socket) => socket.destroy());
    silent.close();
  });
});
