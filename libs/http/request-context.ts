import { createHash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { CommandContext } from '#libs/commands/command-context.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import { newId } from '#libs/kernel/ids.js';
import { parseAsOf, parsePosition } from '#libs/kernel/position.js';
import { invalidField } from '#libs/kernel/problem.js';
import type { ReadContext } from '#libs/projections/read-models.js';
import { parseIfMatch } from './etag.js';
import { callerOf, stateOf } from './request-state.js';

/** What a command and a query need to know, and what else a request says. */
export interface RequestContext extends CommandContext, ReadContext {
  /** 22 characters of SHA-256 over method, path with query, and the body as sent: the same key with another hash is misused. */
  readonly requestHash: string;
  readonly traceId: string;
  /** The control version of If-Match; absent without the header and for `*`. */
  readonly ifMatch?: number;
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** @throws Problem VALIDATION_FAILED if the header is not 1 to 255 visible ASCII characters. */
function idempotencyKey(request: Request): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key;
  throw invalidField('Idempotency-Key', 'must be 1 to 255 visible ASCII characters without spaces');
}

/** One query parameter that every route shares. It may be given once. */
function shared<T>(
  request: Request,
  name: string,
  parse: (text: string) => T | undefined,
  must: string,
): T | undefined {
  const raw = request.query[name];
  if (raw === undefined) return undefined;
  const value = typeof raw === 'string' ? parse(raw) : undefined;
  if (value === undefined) throw invalidField(name, must);
  return value;
}

function hashOf(request: Request): string {
  const hash = createHash('sha256').update(`${request.method} ${request.originalUrl}\n`);
  const { bodyHash } = stateOf(request);
  if (bodyHash) hash.update(bodyHash);
  return hash.digest('base64url').slice(0, 22);
}

/** The context of an authenticated request. @throws Problem for a malformed header or shared parameter. */
export function contextOf(request: Request): RequestContext {
  const state = stateOf(request);
  const caller = callerOf(request);
  const key = idempotencyKey(request);
  const ifMatch = parseIfMatch(request);
  const minPosition = shared(request, 'minPosition', parsePosition, 'must be a position that an answer gave');
  const asOf = shared(request, 'asOf', parseAsOf, 'must be a position, or an ISO 8601 date-time with a zone');
  return {
    caller,
    actor: caller.actor,
    ownerId: caller.ownerId,
    commandId:
      key === undefined ? newId() : deriveId('command', caller.ownerId, request.method, request.path, key),
    idempotent: key !== undefined,
    requestHash: hashOf(request),
    now: state.receivedAt,
    traceId: state.traceId,
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(minPosition === undefined ? {} : { minPosition }),
    ...(asOf === undefined ? {} : { asOf }),
  };
}

/** Hands a controller's method the RequestContext. */
export const Context = createParamDecorator((_: unknown, execution: ExecutionContext) =>
  contextOf(execution.switchToHttp().getRequest<Request>()),
);
