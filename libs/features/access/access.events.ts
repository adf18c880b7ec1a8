// Stream `owner-<id>`: an owner, and who may reach its data: the audit trail of access.
// Starts with OwnerCreated. Never ends: keys are revoked, never forgotten.
// The tables `owners` and `access_keys` are the working truth; these events say how it came about, and by whom.
import type { Actor } from '#libs/kernel/event.js';

export type AccessEvent =
  | { readonly type: 'OwnerCreated'; readonly data: { readonly ownerId: string; readonly name: string } }
  | {
      readonly type: 'AccessKeyCreated';
      readonly data: {
        readonly keyId: string;
        readonly kind: Exclude<Actor['kind'], 'system'>;
        readonly name: string;
        readonly scopes: readonly string[];
        /** For tool keys: the one contract that the key reaches. */
        readonly contractId: string | null;
        /** ISO 8601, UTC; null: never. */
        readonly expiresAt: string | null;
      };
    }
  | { readonly type: 'AccessKeyRevoked'; readonly data: { readonly keyId: string } }
  | {
      /** A key of another owner, holding `all-owners`, was used on this owner's data. */
      readonly type: 'ForeignDataRead';
      readonly data: {
        readonly keyId: string;
        readonly homeOwnerId: string;
        readonly method: string;
        readonly path: string;
      };
    };

export const ownerStream = (ownerId: string): string => `owner-${ownerId}`;
