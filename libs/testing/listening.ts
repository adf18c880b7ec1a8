import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Module, type ModuleMetadata } from '@nestjs/common';
import { KeyAuthenticator } from '#libs/http/auth.guard.js';
import type { Caller } from '#libs/kernel/caller.js';
import type { HttpOptions } from '#libs/http/http-options.js';
import { configureHttp, HTTP_APPLICATION_OPTIONS, HttpModule } from '#libs/http/http.module.js';

/** A server on a port of its own, for specs. */
export interface Listening {
  readonly url: string;
  readonly application: NestExpressApplication;
  /** A request with the first caller's key; the body, if any, is sent as JSON. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
  close(): Promise<void>;
}

export const ALICE: Caller = {
  ownerId: '00000000-0000-7000-8000-00000000000a',
  kind: 'user',
  keyId: 'alice',
  scopes: ['history:read', 'history:write', 'all-owners'],
  actor: { kind: 'user', id: 'alice' },
};

/** Knows keys by heart: the token is the key's id. */
export class KnownCallers extends KeyAuthenticator {
  /** What was put on record, as `<key> <owner> <method> <path>`. */
  readonly foreign: string[] = [];

  constructor(private readonly callers: readonly Caller[]) {
    super();
  }

  override async authenticate(token: string): Promise<Caller | null> {
    return this.callers.find((caller) => caller.keyId === token) ?? null;
  }

  override async asOwner(
    caller: Caller,
    ownerId: string,
    access: { readonly method: string; readonly path: string },
  ): Promise<Caller | null> {
    if (!this.callers.some((known) => known.ownerId === ownerId)) return null;
    this.foreign.push(`${caller.keyId} ${ownerId} ${access.method} ${access.path}`);
    return { ...caller, ownerId };
  }
}

export interface ListenOptions extends Pick<ModuleMetadata, 'controllers' | 'providers' | 'imports'> {
  /** Who knows the keys; or that one of the imports provides it. */
  readonly keys?: KeyAuthenticator | 'provided elsewhere';
  readonly http?: Partial<HttpOptions>;
}

/** Starts a Nest application with this library around some controllers. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const keys = options.keys ?? new KnownCallers([ALICE]);
  class Keys {}
  const provider = { provide: KeyAuthenticator, useValue: keys };
  Module(keys === 'provided elsewhere' ? {} : { providers: [provider], exports: [KeyAuthenticator] })(Keys);
  class Root {}
  Module({
    imports: [
      { module: Keys, global: true },
      HttpModule.forRoot({ cursorKey: Buffer.alloc(32, 7), ...options.http }),
      ...(options.imports ?? []),
    ],
    controllers: options.controllers ?? [],
    providers: options.providers ?? [],
  })(Root);
  const application = await NestFactory.create<NestExpressApplication>(Root, {
    ...HTTP_APPLICATION_OPTIONS,
    logger: false,
  });
  configureHttp(application);
  await application.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${(application.getHttpServer().address() as AddressInfo).port}`;
  return {
    url,
    application,
    call: (method, path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${ALICE.keyId}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    close: () => application.close(),
  };
}
