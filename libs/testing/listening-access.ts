import { Controller, Get, Module, Post } from '@nestjs/common';
import { Database } from '#libs/database/database.js';
import { MemoryBlobStore } from '#libs/event-store/blob-store.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { PostgresEventStore } from '#libs/event-store/postgres/postgres-event-store.js';
import { Requires } from '#libs/http/auth.guard.js';
import { listen, type Listening } from './listening.js';
import type { Caller } from '#libs/kernel/caller.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { newId } from '#libs/kernel/ids.js';
import { AccessModule } from '#libs/features/access/access.module.js';
import { ownerStream } from '#libs/features/access/access.events.js';
import { AccessBootstrap } from '#libs/features/access/bootstrap.js';

@Controller('thing')
class Thing {
  @Get()
  @Requires('history:read')
  read(@Context() context: RequestContext): unknown {
    return { ownerId: context.ownerId, actor: context.actor };
  }

  @Post()
  @Requires('history:write')
  write(@Context() context: RequestContext): unknown {
    return { ownerId: context.ownerId };
  }
}

/** An answer's status and the fields of its body. */
export type Answer<Body = Readonly<Record<string, unknown>>> = Body & { readonly status: number };

export interface TrailEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly actor: unknown;
}

export const KEYS = '/api/v1/access/keys';
export const OWNERS = '/api/v1/access/owners';

/** The public id in a token. */
export const idOf = (token: string): string => token.split('_')[2]!;

/** A server with the access feature and two routes at `/thing`, on a migrated database, for specs. */
export class ListeningAccess {
  private constructor(
    readonly server: Listening,
    readonly system: Database,
    readonly reader: Database,
    readonly store: PostgresEventStore,
    /** A key with all scopes. */
    readonly root: string,
    /** The root key's owner. */
    readonly ownerId: string,
  ) {}

  static async on(url: string): Promise<ListeningAccess> {
    const system = new Database({ url, max: 5 });
    const reader = new Database({ url, max: 2, role: 'makima_app' });
    const store = new PostgresEventStore({ url });
    const log = [
      { provide: EventStore, useValue: store },
      { provide: EventCodec, useValue: new EventCodec(new MemoryBlobStore()) },
    ];
    class Log {}
    Module({ providers: log, exports: log })(Log);
    const server = await listen({
      keys: 'provided elsewhere',
      imports: [{ module: Log, global: true }, AccessModule.forRoot({ system, reader })],
      controllers: [Thing],
    });
    const credentials = await server.application.get(AccessBootstrap).ensure(undefined);
    return new ListeningAccess(server, system, reader, store, credentials!.token, credentials!.ownerId);
  }

  async close(): Promise<void> {
    await this.server.close();
    await Promise.all([this.store.close(), this.system.close(), this.reader.close()]);
  }

  async call<Body extends object = Readonly<Record<string, unknown>>>(
    token: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<Body>> {
    const response = await this.server.call(method, path, body, {
      authorization: `Bearer ${token}`,
      ...headers,
    });
    const text = await response.text();
    return { ...(JSON.parse(text === '' ? '{}' : text) as Body), status: response.status };
  }

  create(token: string, body: object, headers = {}): Promise<Answer> {
    return this.call(token, 'POST', KEYS, { name: 'a key', ...body }, headers);
  }

  /** A new key's token. */
  async token(body: object, headers = {}): Promise<string> {
    const created = await this.create(this.root, body, headers);
    if (created.status !== 201) throw new Error(JSON.stringify(created));
    return created.token as string;
  }

  /** A new owner's id. */
  async owner(name: string): Promise<string> {
    const created = await this.call(this.root, 'POST', OWNERS, { name });
    if (created.status !== 201) throw new Error(JSON.stringify(created));
    return created.id as string;
  }

  async trail(ownerId: string): Promise<readonly TrailEvent[]> {
    return (await this.store.readStream(ownerStream(ownerId))).map(({ type, body, metadata }) => ({
      type,
      data: JSON.parse(Buffer.from(body).toString()) as TrailEvent['data'],
      actor: metadata.actor,
    }));
  }
}

/** A command that a client named. */
export const commandOf = (caller: Caller): RequestContext => ({
  caller,
  actor: caller.actor,
  ownerId: caller.ownerId,
  commandId: newId(),
  idempotent: true,
  requestHash: 'same',
  now: new Date(),
  traceId: '',
});
