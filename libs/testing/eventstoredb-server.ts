import gossipService from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import serverFeaturesService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { batchAppend } from './eventstoredb/batch-append-call.js';
import { clusterOfOne, supportedMethods } from './eventstoredb/cluster-calls.js';
import { ReadCalls } from './eventstoredb/read-calls.js';
import { RecordedLog } from './eventstoredb/recorded-log.js';
import { WriteCalls, type AppendFault } from './eventstoredb/write-calls.js';

const MAX_MESSAGE_BYTES = 17 * 1024 * 1024;

/**
 * A small server that speaks the gRPC protocol of EventStoreDB 24.10 (streams, server features, gossip) over a log in
 * memory, built from the services that the client package ships. Without TLS and users. It listens on loopback, so
 * that whole-product tests reach it at `url` from other processes; the log outlives a `stop`, for tests of lost
 * connections and restarts. What it proves about a real server is only as good as its rules, which follow the
 * server's published source.
 */
export class EventStoreDbServer {
  readonly #reads: ReadCalls;
  readonly #writes: WriteCalls;
  readonly #calls = new Map<string, number>();
  #server: Server | undefined;
  #port: number;

  /** @param port 0 takes a free one at the first start. */
  constructor(
    readonly log: RecordedLog = new RecordedLog(),
    port = 0,
  ) {
    this.#port = port;
    this.#reads = new ReadCalls(log);
    this.#writes = new WriteCalls(log);
  }

  /** For `EVENTSTORE_URL`; valid once the server was started. */
  get url(): string {
    return `esdb://127.0.0.1:${this.#port}?tls=false`;
  }

  get port(): number {
    return this.#port;
  }

  /** How often a call of the streams service was made: `read`, `append`, `batchAppend`, `delete`, `tombstone`. */
  callsOf(name: string): number {
    return this.#calls.get(name) ?? 0;
  }

  /** Listens on 127.0.0.1: at first on a free port, after a stop on the same one again. */
  async start(): Promise<this> {
    const server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES });
    server.addService(streamsService.StreamsService, {
      read: this.#counted('read', this.#reads.read),
      append: this.#counted('append', this.#writes.append),
      batchAppend: this.#counted('batchAppend', batchAppend(this.log)),
      delete: this.#counted('delete', this.#writes.delete),
      tombstone: this.#counted('tombstone', this.#writes.tombstone),
    });
    server.addService(serverFeaturesService.ServerFeaturesService, {
      getSupportedMethods: (_: unknown, answer: (error: null, value: unknown) => void) =>
        answer(null, supportedMethods()),
    });
    server.addService(gossipService.GossipService, {
      read: (_: unknown, answer: (error: null, value: unknown) => void) =>
        answer(null, clusterOfOne(this.#port)),
    });
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    this.#server = server;
    return this;
  }

  /** Cuts all connections at once. The log stays, for the next start. */
  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  failNextAppends(...faults: readonly AppendFault[]): void {
    this.#writes.failNext(...faults);
  }

  dropSubscriptions(): void {
    this.#reads.dropSubscriptions();
  }

  #counted<Handler extends UntypedHandleCall>(name: string, handler: Handler): Handler {
    const counted = (...parameters: Parameters<Handler>): void => {
      this.#calls.set(name, this.callsOf(name) + 1);
      Reflect.apply(handler, undefined, parameters);
    };
    return counted as Handler;
  }
}
