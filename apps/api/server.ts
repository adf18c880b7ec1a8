import 'reflect-metadata';
import { once } from 'node:events';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { PATIENT } from '#libs/database/connection.js';
import { Database } from '#libs/database/database.js';
import { migrate } from '#libs/database/migrate.js';
import { openEventStore, type LogPlace } from '#libs/event-store/open-event-store.js';
import { AccessBootstrap } from '#libs/features/access/bootstrap.js';
import type { SnapshotPolicy } from '#libs/features/snapshot/snapshot.decider.js';
import { WaitingRewinds } from '#libs/features/rewind/waiting-rewinds.process.js';
import { configureHttp, HTTP_APPLICATION_OPTIONS } from '#libs/http/http.module.js';
import { ProjectionRunner } from '#libs/projections/runner.js';
import { AppModule } from './app.module.js';

export interface ServerOptions extends LogPlace {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly cursorKey: Buffer;
  /** The folder of the hubs: the code of checkpoints. It is made when it is needed. */
  readonly hubs: string;
  readonly snapshots: SnapshotPolicy;
  /** Milliseconds of silence after which a daemon loses its leases (default 30,000). */
  readonly leaseMs?: number;
  /** False: other processes move the projections (default true). */
  readonly projects?: boolean;
  /** The token of `credentials.json`, if there is one. */
  readonly token?: string;
  readonly log: (line: string) => void;
}

export interface RunningServer {
  readonly url: string;
  /** A token that works here: the one given, or a new one. */
  readonly token: string;
  readonly application: NestExpressApplication;
  close(): Promise<void>;
}

/** How long requests under way may take when the server stops, in milliseconds; then their connections are cut. */
const GRACE_MS = 2_000;

/**
 * Migrations, log, projections and API in this process. The caller owns the database server.
 * @throws UnusableDatabase (also for EventStoreDB), and the system's error when the address cannot be listened on.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  await migrate(options.databaseUrl);
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse())
      await end().catch((error: Error) => options.log(`while stopping: ${error.message}`));
  };
  try {
    return { ...(await open(options, opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens one thing after the other, and notes how each is closed. */
async function open(
  options: ServerOptions,
  opened: (() => Promise<void>)[],
): Promise<Omit<RunningServer, 'close'>> {
  const { databaseUrl: url, log } = options;
  const system = new Database({ url, max: 12, applicationName: 'makima-system' });
  const patient = new Database({ url, max: 6, applicationName: 'makima-rebuild', timeouts: PATIENT });
  const reader = new Database({ url, max: 12, role: 'makima_app', applicationName: 'makima-reader' });
  opened.push(
    () => system.close(),
    () => patient.close(),
    () => reader.close(),
  );
  const store = await openEventStore(options);
  opened.push(() => store.close());
  const { cursorKey, hubs, snapshots, projects = true, leaseMs = 30_000 } = options;
  const application = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot({ system, patient, reader, store, cursorKey, hubs, snapshots, projects, leaseMs, log }),
    { ...HTTP_APPLICATION_OPTIONS, logger: ['error', 'warn'], abortOnError: false },
  );
  configureHttp(application);
  const runner = application.get(ProjectionRunner);
  opened.push(
    () => runner.stop(),
    () => closeApplication(application),
  );
  await application.init();
  await runner.start();
  await application.get(WaitingRewinds).goOnAfterStart();
  const created = await application.get(AccessBootstrap).ensure(options.token);
  await listen(application, options);
  return {
    url: urlOf(application, options.host),
    token: created?.token ?? options.token!,
    application,
  };
}

/** Nest's own listen also prints the error that it rejects with. */
async function listen(application: NestExpressApplication, { port, host }: ServerOptions): Promise<void> {
  const server = application.getHttpServer();
  server.listen(port, host);
  await once(server, 'listening');
}

/** A client that sends half a request, or nothing at all, would hold the server open for as long as it likes. */
async function closeApplication(application: NestExpressApplication): Promise<void> {
  const server = application.getHttpServer();
  const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  try {
    await application.close();
  } finally {
    clearTimeout(cut);
  }
}

function urlOf(application: NestExpressApplication, host: string): string {
  const address = application.getHttpServer().address() as { readonly port: number };
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${address.port}`;
}
