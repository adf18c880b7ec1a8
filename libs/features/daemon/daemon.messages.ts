import { parseJson } from '#libs/http/body.js';
import { isObject } from '#libs/http/field.js';
import { IsId, IsName, IsOneOf, IsWhole } from '#libs/http/fields.js';
import { IsNestedList, IsTexts } from '#libs/http/structured-fields.js';
import { readDto } from '#libs/http/validation.js';
import { Problem } from '#libs/kernel/problem.js';

// What a daemon and the server say to each other over the WebSocket: JSON, one object a message.

/** The version of this protocol. */
export const PROTOCOL = 1;
/** Bytes of a message at most. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

const MAX_BYTES = Number.MAX_SAFE_INTEGER;

/** The first message of a connection. */
export class Hello {
  @IsOneOf(['hello'], { description: 'Kind of the message.' })
  type!: 'hello';

  @IsWhole({ min: 1, max: 1_000, description: 'Version of the protocol that the daemon speaks.' })
  protocol!: number;

  @IsId({ description: 'The id that the daemon keeps in its home.' })
  daemonId!: string;

  @IsName({ description: 'For people.' })
  name!: string;

  @IsName({ max: 100, description: 'Version of the daemon.' })
  version!: string;

  @IsName({ max: 255, description: 'Name of its machine.' })
  hostname!: string;

  @IsWhole({ min: 0, max: 1_000, description: 'Agents that it runs at once.' })
  capacity!: number;

  @IsTexts({ max: 100, maxItems: 50, description: 'Names of the runners that it has.' })
  runners!: string[];
}

/** A task that a daemon works in, by the epoch of its lease. */
export class HeldTask {
  @IsId({ description: 'Id of the task.' })
  taskId!: string;

  @IsWhole({ min: 1, max: Number.MAX_SAFE_INTEGER, description: 'Epoch of the lease.' })
  epoch!: number;
}

/** That the daemon is alive, and what it works at. */
export class Heartbeat {
  @IsOneOf(['heartbeat'], { description: 'Kind of the message.' })
  type!: 'heartbeat';

  @IsNestedList(() => HeldTask, { maxItems: 1_000, description: 'The tasks that it works in.' })
  tasks!: HeldTask[];

  @IsWhole({ min: 0, max: MAX_BYTES, description: 'Bytes free on its disk.', optional: true })
  freeBytes?: number;

  @IsWhole({
    min: 0,
    max: MAX_BYTES,
    description: "Bytes that it has taken for tasks' folders.",
    optional: true,
  })
  usedBytes?: number;
}

export type ServerMessage =
  | { readonly type: 'welcome'; readonly heartbeatMs: number; readonly leaseMs: number }
  /** Answers a heartbeat: of its tasks those that the daemon does not hold any more. */
  | { readonly type: 'heartbeat'; readonly stale: readonly string[] }
  /** Something may be there to do: ask. */
  | { readonly type: 'work'; readonly position: string }
  /** The connection closes after it. */
  | { readonly type: 'refused'; readonly code: string; readonly detail: string };

/** @throws Problem MESSAGE_INVALID, MESSAGE_UNKNOWN, and what is wrong with JSON and its fields. */
export function messageOf(bytes: Buffer, isBinary: boolean): Hello | Heartbeat {
  if (isBinary) throw new Problem('MESSAGE_INVALID', 'Send messages as text, each one JSON object.');
  const plain = parseJson(bytes);
  const type = isObject(plain) ? plain['type'] : undefined;
  if (type === 'hello') return readDto(Hello, plain);
  if (type === 'heartbeat') return readDto(Heartbeat, plain);
  throw new Problem('MESSAGE_UNKNOWN', 'Send messages of type hello or heartbeat.');
}
