import type { Actor } from './event.js';
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

/** Whether a caller reaches what belongs to a contract (null: to none): a tool key its own contract only, others all. */
export function reaches(caller: Caller, contractId: string | null): boolean {
  const bound = caller.kind === 'tool' || caller.contractId !== undefined;
  return !bound || caller.contractId === contractId;
}

/**
 * Keeps a tool key inside its own contract; keys of other kinds pass. Not for what is inside of the contract: the answer
 * names the contract.
 * @throws Problem NOT_FOUND, as if the other contract did not exist.
 */
export function assertContract(caller: Caller, contractId: string | null): void {
  if (!reaches(caller, contractId)) throw notFound('contract', contractId ?? 'here');
}

/** The answer for what does not exist and for what belongs to somebody else: nobody can tell them apart. */
export const notFound = (noun: string, id: string): Problem =>
  new Problem(
    'NOT_FOUND',
    `There is no ${noun} ${id}. Check the id, and that your key belongs to its owner.`,
  );
