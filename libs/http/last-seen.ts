import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { parsePosition } from '#libs/kernel/position.js';
import { invalidField } from '#libs/kernel/problem.js';

/** @throws Problem VALIDATION_FAILED if Last-Event-ID is no position. */
function lastSeenOf({ headers }: Request): bigint | undefined {
  const lastId = headers['last-event-id'];
  const position = typeof lastId === 'string' && lastId !== '' ? parsePosition(lastId) : undefined;
  if (lastId && position === undefined)
    throw invalidField('Last-Event-ID', 'must be a position that a message had as its id');
  return position;
}

/** Injects the position of the last message that a follower of a live stream has, from Last-Event-ID; or undefined. */
export const LastSeen = createParamDecorator((_: unknown, execution: ExecutionContext) =>
  lastSeenOf(execution.switchToHttp().getRequest<Request>()),
);
