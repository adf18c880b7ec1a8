import { deriveId } from '#libs/event-store/event-hash.js';
import type { Actor } from '#libs/kernel/event.js';

/** Who gives a command, when, and how a repetition of it is recognised. */
export interface CommandContext {
  /** What events are signed with. */
  readonly actor: Actor;
  /** UUID of the owner whose data this is about. */
  readonly ownerId: string;
  readonly now: Date;
  readonly commandId: string;
  /** The client chose the command's id (Idempotency-Key), so it may have been carried out before. */
  readonly idempotent: boolean;
  /** Short hash of what the client sent. */
  readonly requestHash?: string;
  /** 32 hex digits. */
  readonly traceId?: string;
}

/** An id for something that a command creates: the same again when the command is repeated. */
export const createdId = (context: Pick<CommandContext, 'commandId'>, what: string): string =>
  deriveId('created', context.commandId, what);

/** The context of another command that a request gives besides its first: of the same caller and moment, with an id of its own. */
export const following = <C extends CommandContext>(context: C, what: string): C => ({
  ...context,
  commandId: deriveId('command', context.commandId, what),
  idempotent: false,
});
