import type { RequestContext } from '#libs/http/request-context.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import type { CommandContext } from './decider-handler.js';

/** The command context of a request. */
export const commandOf = ({
  caller,
  now,
  commandId,
  idempotent,
  requestHash,
  traceId,
}: RequestContext): CommandContext => ({
  actor: caller.actor,
  ownerId: caller.ownerId,
  now,
  commandId,
  idempotent,
  requestHash,
  traceId,
});

/** An id for something that a command creates: the same again when the command is repeated. */
export const createdId = (context: Pick<CommandContext, 'commandId'>, what: string): string =>
  deriveId('created', context.commandId, what);
