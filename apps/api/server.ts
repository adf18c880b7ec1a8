import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Database } from '#libs/database/database.js';
import { migrate } from '#libs/database/migrate.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { PostgresEventStore } from '#libs/event-store/postgres/postgres-event-store.js';
import { AccessBootstrap } from '#libs/features/access/bootstrap.js';
import { configureHttp, HTTP_APPLICATION_OPTIONS } from '#libs/http/http.module.js';
import { ProjectionRunner } from '#libs/projections/runner.js';
import { AppModule } from './app.module.js';

export interface ServerOptions {
  readonly databaseUrl: string;
  readonly eventStoreUrl?: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly cursorKey: Buffer;
  readonly snapshotEvery: number;
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

/** Migrations, log, projections and API in this process. The caller owns the database server. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { databaseUrl: url, log } = options;
  await migrate(url);
  const system = new Database({ url, max: 12, applicationName: 'makima-system' });
  const reader = new Database({ url, max: 12, role: 'makima_app', applicationName: 'makima-reader' });
  const store = await openStore(options);
  const { cursorKey, snapshotEvery } = options;
  const application = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot({ system, reader, store, cursorKey, snapshotEvery, log }),
    { ...HTTP_APPLICATION_OPTIONS, logger: ['error', 'warn'], abortOnError: false },
  );
  configureHttp(application);
  await application.init();
  const runner = application.get(ProjectionRunner);
  await runner.start();
  const created = await application.get(AccessBootstrap).ensure(options.token);
  await application.listen(options.port, options.host);
  const close = async (): Promise<void> => {
    await application.close();
    await runner.stop();
    await store.close();
    await Promise.all([system.close(), reader.close()]);
  };
  return {
    url: urlOf(application, options.host),
    token: created?.token ?? options.token!,
    application,
    close,
  };
}

async function openStore({ databaseUrl, eventStoreUrl }: ServerOptions): Promise<EventStore> {
  if (!eventStoreUrl) return new PostgresEventStore({ url: databaseUrl });
  // Loaded only where it is used: its client brings a gRPC stack along.
  const { EventStoreDbEventStore } =
    await import('#libs/event-store/eventstoredb/eventstoredb-event-store.js');
  return EventStoreDbEventStore.open({ url: eventStoreUrl });
}

function urlOf(application: NestExpressApplication, host: string): string {
  const address = application.getHttpServer().address() as { readonly port: number };
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${address.port}`;
}
