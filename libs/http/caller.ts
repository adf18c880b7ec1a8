import type { Actor } from '#libs/kernel/event.js';
import { Problem } from './problem.js';

export type CallerKind = 'user' | 'tool' | 'daemon' | 'admin' | 'auditor';

/** Who makes a request, and on whose data. */
export interface Caller {
  /** UUID of the owner whose data the request sees. */
  readonly ownerId: string;
  readonly kind: CallerKind;
  readonly keyId: string;
  readonly scopes: readonly string[];
  /** For tool keys: the one contract that the key reaches. */
  readonly contractId?: string;
  /** What events that the request causes are signed with. */
  readonly actor: Actor;
}

/**
 * Keeps a tool key inside its own contract; keys of other kinds pass.
 * @throws Problem NOT_FOUND, as if the other contract did not exist.
 */
export function assertContract(caller: Caller, contractId: string | null): void {
  const bound = caller.kind === 'tool' || caller.contractId !== undefined;
  if (bound && caller.contractId !== contractId) throw notFound('contract', contractId ?? 'here');
}

/** The answer for what does not exist and for what belongs to somebody else: nobody can tell them apart. */
export const notFound = (noun: string, id: string): Problem =>
  new Problem(
    'NOT_FOUND',
    `There is no ${noun} ${id}. Check the id, and that your key belongs to its owner.`,
  );
