import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request, Response } from 'express';
import { parsePosition } from './position.js';
import { invalidField } from './problem.js';

/** Somebody who follows a live stream whose messages have positions as their ids. */
export interface Following {
  readonly response: Response;
  /** The last message that they have, from Last-Event-ID. */
  readonly lastSeen: bigint | undefined;
}

/** @throws Problem VALIDATION_FAILED if Last-Event-ID is no position. */
function followerOf(execution: ExecutionContext): Following {
  const http = execution.switchToHttp();
  const lastId = http.getRequest<Request>().headers['last-event-id'];
  const lastSeen = typeof lastId === 'string' && lastId !== '' ? parsePosition(lastId) : undefined;
  if (lastId && lastSeen === undefined)
    throw invalidField('Last-Event-ID', 'must be a position that a message had as its id');
  return { response: http.getResponse<Response>(), lastSeen };
}

/** Injects who follows. */
export const Follower = createParamDecorator((_: unknown, execution: ExecutionContext) =>
  followerOf(execution),
);
