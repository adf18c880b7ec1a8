import type { IncomingMessage } from 'node:http';
import {
  applyDecorators,
  Injectable,
  SetMetadata,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiExtension } from '@nestjs/swagger';
import type { Request } from 'express';
import { isUuid } from '#libs/kernel/ids.js';
import { notFound, type Caller } from '#libs/kernel/caller.js';
import { Problem } from '#libs/kernel/problem.js';
import { stateOf, unauthenticated } from './request-state.js';

export const OWNER_HEADER = 'X-Makima-Owner';
const ACCESS = 'makima:access';
/** Where a route's scopes stand until the OpenAPI document turns them into its security. */
export const ACCESS_EXTENSION = 'x-makima-access';
const PUBLIC = 'public';

/** What a caller with `all-owners` is about to do with another owner's data. */
export interface ForeignAccess {
  readonly method: string;
  /** With the query, without the host. */
  readonly path: string;
  readonly traceId: string;
  readonly at: Date;
}

/** Knows keys. The access feature provides it. */
export abstract class KeyAuthenticator {
  /** Who a key is; null if it is forged, unknown, revoked or expired. */
  abstract authenticate(token: string): Promise<Caller | null>;
  /**
   * The same caller on another owner's data, after that has been put on record; null if there is no such owner. The
   * guard asks only for callers that hold `all-owners`.
   */
  abstract asOwner(caller: Caller, ownerId: string, access: ForeignAccess): Promise<Caller | null>;
}

type Access = typeof PUBLIC | readonly string[];

const declareAccess = (access: Access): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(ACCESS, access), ApiExtension(ACCESS_EXTENSION, access));

/** The route answers without a key. */
export const Public = (): MethodDecorator & ClassDecorator => declareAccess(PUBLIC);

/** The route answers callers who hold all of these scopes; with none given, everyone who has a key. */
export const Requires = (...scopes: readonly string[]): MethodDecorator & ClassDecorator =>
  declareAccess(scopes);

/** Decides who makes a request, and whether they may. */
@Injectable()
export class Admission {
  constructor(private readonly keys: KeyAuthenticator) {}

  /** @throws Problem UNAUTHENTICATED, FORBIDDEN, or NOT_FOUND for an owner that there is not. */
  async admit(request: IncomingMessage, required: readonly string[]): Promise<Caller> {
    const caller = await this.#authenticate(request);
    const missing = required.filter((scope) => !caller.scopes.includes(scope));
    if (missing.length > 0) throw forbidden(missing);
    return this.#onOwner(request, caller);
  }

  async #authenticate(request: IncomingMessage): Promise<Caller> {
    const header = request.headers.authorization;
    if (header === undefined) throw unauthenticated('Send your key as `Authorization: Bearer mk_…`.');
    const token = /^bearer +([\x21-\x7e]{1,512})$/i.exec(header)?.[1];
    const caller = token === undefined ? null : await this.keys.authenticate(token);
    if (!caller) {
      throw unauthenticated(
        'The key is not valid: mistyped, revoked or expired. Create another one.',
        'invalid_token',
      );
    }
    return caller;
  }

  async #onOwner(request: IncomingMessage, caller: Caller): Promise<Caller> {
    const header = request.headers[OWNER_HEADER.toLowerCase()];
    if (header === undefined || header === caller.ownerId) return caller;
    if (!caller.scopes.includes('all-owners')) throw forbidden(['all-owners']);
    const ownerId = typeof header === 'string' ? header.toLowerCase() : '';
    const { traceId, receivedAt } = stateOf(request);
    const { originalUrl = request.url ?? '' } = request as Partial<Request>;
    const access = { method: request.method ?? '', path: originalUrl, traceId, at: receivedAt };
    const foreign = isUuid(ownerId) ? await this.keys.asOwner(caller, ownerId, access) : null;
    if (!foreign) throw notFound('owner', JSON.stringify(ownerId));
    return foreign;
  }
}

/** Asks every request for a key, except on public routes, and checks its scopes. A route that declares nothing fails. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly admission: Admission,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const targets = [execution.getHandler(), execution.getClass()];
    const required = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, targets);
    if (required === PUBLIC) return true;
    if (!required)
      throw new Error(`${targets[1]!.name}.${targets[0]!.name} declares neither @Public nor @Requires`);
    const request = execution.switchToHttp().getRequest<Request>();
    stateOf(request).caller = await this.admission.admit(request, required);
    return true;
  }
}

const forbidden = (missing: readonly string[]): Problem =>
  new Problem('FORBIDDEN', `Your key lacks ${missing.join(', ')}. Use a key that has it.`, {
    context: { missing },
  });
