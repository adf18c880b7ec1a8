import { Inject, Injectable, Logger } from '@nestjs/common';
import { newId } from '#libs/kernel/ids.js';
import { KeyAuthenticator, type ForeignAccess } from '#libs/http/auth.guard.js';
import type { Caller } from '#libs/kernel/caller.js';
import { AccessDatabases } from './access-databases.js';
import { parseToken, sameSecret, type ParsedToken } from './access-key.js';
import { touchKey } from './access-tables.js';
import { AccessTrail } from './access-trail.js';
import { keyOf, ownerOf, type KeyRow } from './access.queries.js';

/** How long a key is believed without a look at the database: another process' revocation counts within this time. */
export const TRUSTED_MS = 5_000;
const TOUCH_MS = 60_000;
const MOST_CACHED = 10_000;
const LONGEST_PATH = 2_000;

interface Known {
  readonly caller: Caller;
  readonly secretHash: Buffer;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** Knows the keys of the table `access_keys`. */
@Injectable()
export class StoredKeyAuthenticator extends KeyAuthenticator {
  readonly #logger = new Logger('access');
  readonly #known = new Map<string, Known>();
  readonly #touched = new Map<string, number>();
  /** Counts revocations: what was looked up before one is not remembered after it. */
  #revocations = 0;

  constructor(
    @Inject(AccessDatabases) private readonly databases: AccessDatabases,
    private readonly trail: AccessTrail,
  ) {
    super();
  }

  override async authenticate(token: string, now: Date = new Date()): Promise<Caller | null> {
    const parsed = parseToken(token);
    if (!parsed) return null;
    const known = this.#known.get(parsed.id);
    const caller =
      known && known.until > now.getTime() ? genuine(known, parsed) : await this.#lookUp(parsed, now);
    if (caller) this.#touch(caller.keyId, now);
    return caller;
  }

  async #lookUp(parsed: ParsedToken, now: Date): Promise<Caller | null> {
    const revocations = this.#revocations;
    const row = await keyOf(this.databases.system, parsed.id);
    if (!row || !usable(row, now)) return null;
    const until = Math.min(now.getTime() + TRUSTED_MS, row.expires_at?.getTime() ?? Infinity);
    const known = { caller: callerOf(row), secretHash: row.secret_hash, until };
    const caller = genuine(known, parsed);
    if (caller && revocations === this.#revocations) this.#remember(row.id, known);
    return caller;
  }

  override async asOwner(caller: Caller, ownerId: string, access: ForeignAccess): Promise<Caller | null> {
    if (!(await ownerOf(this.databases.system, ownerId))) return null;
    const commandId = newId(access.at.getTime());
    const data = {
      keyId: caller.keyId,
      homeOwnerId: caller.ownerId,
      method: access.method,
      path: access.path.slice(0, LONGEST_PATH),
    };
    // Before anything is read: what cannot be put on record does not happen.
    await this.trail.record(ownerId, { type: 'ForeignDataRead', data }, commandId, {
      actor: caller.actor,
      now: access.at,
      commandId,
      traceId: access.traceId,
    });
    this.#logger.warn(
      `key ${caller.keyId} on owner ${ownerId}: ${access.method} ${JSON.stringify(data.path)} trace ${access.traceId}`,
    );
    return { ...caller, ownerId };
  }

  /** Forgets a key that was just revoked. */
  forget(keyId: string): void {
    this.#revocations += 1;
    this.#known.delete(keyId);
  }

  #remember(id: string, known: Known): void {
    if (this.#known.size >= MOST_CACHED) this.#known.clear();
    this.#known.set(id, known);
  }

  /** Not awaited: when a key was last used is worth no request's time, and no request's failure. */
  #touch(id: string, now: Date): void {
    if (now.getTime() - (this.#touched.get(id) ?? -Infinity) < TOUCH_MS) return;
    if (this.#touched.size >= MOST_CACHED) this.#touched.clear();
    this.#touched.set(id, now.getTime());
    touchKey(this.databases.system, id, now).catch(() => this.#touched.delete(id));
  }
}

/** The caller, if the token's kind and secret are the key's. */
const genuine = ({ caller, secretHash }: Known, parsed: ParsedToken): Caller | null =>
  caller.kind === parsed.kind && sameSecret(secretHash, parsed.secretHash) ? caller : null;

const usable = (row: KeyRow, now: Date): boolean =>
  row.revoked_at === null && (row.expires_at === null || row.expires_at.getTime() > now.getTime());

const callerOf = (row: KeyRow): Caller => ({
  ownerId: row.owner_id,
  kind: row.kind,
  keyId: row.id,
  scopes: row.scopes,
  ...(row.contract_id === null ? {} : { contractId: row.contract_id }),
  actor: { kind: row.kind, id: row.id },
});
