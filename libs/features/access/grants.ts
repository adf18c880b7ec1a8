import { refuse, type Refusal } from '#libs/kernel/decider.js';
import type { Caller, CallerKind } from '#libs/kernel/caller.js';
import { DEFAULT_SCOPES, POSSIBLE_SCOPES } from './scopes.js';

/** The key that somebody asks for. */
export interface KeyRequest {
  readonly kind: CallerKind;
  readonly scopes?: readonly string[] | undefined;
  readonly contractId?: string | undefined;
}

/** What the key will be able to do. */
export interface Grant {
  readonly scopes: readonly string[];
  readonly contractId: string | null;
}

export type GrantRefusal = Refusal<
  'KEY_KIND_NOT_ALLOWED' | 'SCOPE_NOT_HELD' | 'SCOPE_INVALID' | 'CONTRACT_MISSING' | 'CONTRACT_NOT_EXPECTED'
>;

const ADMIN_KINDS: readonly CallerKind[] = ['admin', 'daemon'];

/** Whether a caller may create or revoke keys of a kind: users and admins do, and admins' and daemons' keys admins only. */
export const mayManage = (caller: Pick<Caller, 'kind'>, kind: CallerKind): boolean =>
  caller.kind === 'admin' || (caller.kind === 'user' && !ADMIN_KINDS.includes(kind));

/**
 * Decides what a new key may do. Nobody gives away a scope that they don't hold, except that admins equip daemons.
 * Without named scopes a key gets its kind's default ones, as far as the caller holds them.
 */
export function grant(
  caller: Pick<Caller, 'kind' | 'scopes'>,
  { kind, scopes, contractId }: KeyRequest,
): Grant | GrantRefusal {
  if (!mayManage(caller, kind)) {
    return refuse('KEY_KIND_NOT_ALLOWED', `A ${caller.kind} key cannot create ${kind} keys. Ask an admin.`);
  }
  if (kind === 'tool' && contractId === undefined) {
    return refuse('CONTRACT_MISSING', 'Name the contract that the tool key is for.');
  }
  if (kind !== 'tool' && contractId !== undefined) {
    return refuse('CONTRACT_NOT_EXPECTED', 'Leave the contract out: only tool keys are bound to one.');
  }
  const possible: readonly string[] = POSSIBLE_SCOPES[kind];
  const impossible = scopes?.filter((scope) => !possible.includes(scope)) ?? [];
  if (impossible.length > 0) {
    return refuse('SCOPE_INVALID', `A ${kind} key cannot hold ${impossible.join(', ')}.`, { possible });
  }
  const held = (scope: string): boolean =>
    caller.scopes.includes(scope) || (kind === 'daemon' && caller.kind === 'admin');
  const lacking = scopes?.filter((scope) => !held(scope)) ?? [];
  if (lacking.length > 0) {
    return refuse('SCOPE_NOT_HELD', `Leave out ${lacking.join(', ')}: your own key lacks it.`, { lacking });
  }
  const granted = scopes ?? DEFAULT_SCOPES[kind].filter(held);
  return { scopes: [...new Set(granted)].sort(), contractId: contractId ?? null };
}
