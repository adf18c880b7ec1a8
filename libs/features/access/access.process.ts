import { Inject, Injectable } from '@nestjs/common';
import { contractStream } from '#libs/features/contract/contract.events.js';
import { notFound, type Caller } from '#libs/kernel/caller.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { Problem, RefusalException, invalidField } from '#libs/kernel/problem.js';
import { positionToken } from '#libs/kernel/position.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { isRefusal } from '#libs/kernel/decider.js';
import { AccessDatabases } from './access-databases.js';
import { issueKey, keyIdOf, KEY_ID } from './access-key.js';
import { insertKey, revokeKey, type NewKeyRow } from './access-tables.js';
import { AccessTrail } from './access-trail.js';
import type { CreatedKey, KeyPage, KeyPageQuery, KeyView, NewKey } from './access.dto.js';
import { keyOf, keysBy, otherAdminKeys, type KeyPlace, type KeyRow } from './access.queries.js';
import { grant, mayManage, type Grant } from './grants.js';
import { StoredKeyAuthenticator } from './key-authenticator.js';

/** How long a lost answer can be had again by repeating the request, in milliseconds. */
const SHOWN_MS = 600_000;
const MOST_SHOWN = 100;

/** Creates, lists and revokes keys. */
@Injectable()
export class AccessKeys {
  /** Answers that hold a secret, for a repetition after a lost connection. In memory only. */
  readonly #shown = new Map<string, { readonly answer: CreatedKey; readonly until: number }>();

  constructor(
    @Inject(AccessDatabases) private readonly databases: AccessDatabases,
    private readonly trail: AccessTrail,
    private readonly authenticator: StoredKeyAuthenticator,
    private readonly cursors: CursorCodec,
  ) {}

  /** Creates a key. The event comes first: a key that works stands in the trail, whatever fails in between. */
  async create(request: NewKey, context: RequestContext): Promise<CreatedKey> {
    const granted = grant(context.caller, request);
    if (isRefusal(granted)) throw new RefusalException(granted);
    if (granted.contractId !== null) await this.#assertOwnContract(granted.contractId, context.ownerId);
    if (request.expiresAt && request.expiresAt <= context.now)
      throw invalidField('expiresAt', 'must be in the future');
    const id = keyIdOf(context.commandId);
    if (
      context.idempotent &&
      (await this.trail.recorded(context.ownerId, `created:${id}`, context.requestHash))
    ) {
      const earlier = await this.#createdEarlier(id, context);
      if (earlier) return earlier;
    }
    return this.#write(id, request, granted, context);
  }

  async list(query: KeyPageQuery, { ownerId }: RequestContext): Promise<KeyPage> {
    const binding = { ownerId, route: 'access-keys/1', filters: query };
    const before =
      query.cursor === undefined ? undefined : (this.cursors.open(binding, query.cursor) as KeyPlace);
    const rows = await this.databases.reader.asOwner(ownerId, (db) =>
      keysBy(db, ownerId, { limit: query.limit + 1, before }),
    );
    const shown = rows.slice(0, query.limit);
    const last = shown.at(-1);
    const more = rows.length > query.limit && last;
    return {
      keys: shown.map(toView),
      cursor: more ? this.cursors.seal(binding, [last.created_at.toISOString(), last.id]) : null,
    };
  }

  /**
   * Revokes a key; once more does nothing. The table comes first: when the answer is given the key is dead, and a
   * repetition completes a trail that was interrupted.
   */
  async revoke(id: string, context: RequestContext): Promise<void> {
    const key = KEY_ID.test(id) ? await keyOf(this.databases.system, id) : null;
    if (!key || key.owner_id !== context.ownerId) throw notFound('key', JSON.stringify(id));
    if (!mayManage(context.caller, key.kind) && key.id !== context.caller.keyId) {
      throw new Problem(
        'KEY_KIND_NOT_ALLOWED',
        `A ${context.caller.kind} key cannot revoke ${key.kind} keys. Ask an admin.`,
      );
    }
    if (key.revoked_at === null) await this.#assertNotLast(key, context.now);
    await revokeKey(this.databases.system, id, context.now);
    this.authenticator.forget(id);
    await this.trail.record(
      key.owner_id,
      { type: 'AccessKeyRevoked', data: { keyId: id } },
      `revoked:${id}`,
      context,
    );
  }

  async #write(
    id: string,
    request: NewKey,
    { scopes, contractId }: Grant,
    context: RequestContext,
  ): Promise<CreatedKey> {
    const { kind, name, expiresAt = null } = request;
    const issued = issueKey(kind, id);
    const data = { keyId: id, kind, name, scopes, contractId, expiresAt: expiresAt?.toISOString() ?? null };
    const { position } = await this.trail.record(
      context.ownerId,
      { type: 'AccessKeyCreated', data },
      `created:${id}`,
      context,
    );
    const row: NewKeyRow = {
      id,
      owner_id: context.ownerId,
      kind,
      scopes,
      contract_id: contractId,
      name,
      secret_hash: issued.secretHash,
      created_at: context.now,
      expires_at: expiresAt,
    };
    if (!(await insertKey(this.databases.system, row))) {
      const twin = await this.#createdEarlier(id, context);
      if (twin) return twin;
    }
    const answer = {
      ...toView({ ...row, revoked_at: null, last_used_at: null }),
      token: issued.token,
      position: positionToken(position),
    };
    if (context.idempotent) this.#remember(id, answer, context.now);
    return answer;
  }

  /** The answer that the same command got before; null if it was recorded, but its key was never written. */
  async #createdEarlier(id: string, { now }: RequestContext): Promise<CreatedKey | null> {
    const shown = this.#shown.get(id);
    if (shown && shown.until > now.getTime()) return shown.answer;
    if (!(await keyOf(this.databases.system, id))) return null;
    throw new Problem(
      'SECRET_SHOWN_ALREADY',
      `This request has created key ${id} before, and its secret is shown only once. Revoke it and create another one.`,
      { context: { keyId: id } },
    );
  }

  #remember(id: string, answer: CreatedKey, now: Date): void {
    this.#shown.set(id, { answer, until: now.getTime() + SHOWN_MS });
    if (this.#shown.size > MOST_SHOWN) this.#shown.delete(this.#shown.keys().next().value!);
  }

  async #assertOwnContract(contractId: string, ownerId: string): Promise<void> {
    if ((await this.trail.ownerOfStream(contractStream(contractId))) !== ownerId)
      throw notFound('contract', contractId);
  }

  /** Without any key of an admin nobody could create one again. */
  async #assertNotLast(key: KeyRow, now: Date): Promise<void> {
    if (key.kind !== 'admin' || !key.scopes.includes('all-owners')) return;
    if ((await otherAdminKeys(this.databases.system, key.id, now)) > 0) return;
    throw new Problem(
      'LAST_ADMIN_KEY',
      'This is the last admin key with all-owners. Create another one first.',
    );
  }
}

/** A key without its secret. */
function toView(row: Omit<KeyRow, 'secret_hash'>): KeyView {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    scopes: [...row.scopes],
    contractId: row.contract_id,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
  };
}

/** Who a request's key is. */
export const whoami = ({ caller }: { readonly caller: Caller }) => ({
  ownerId: caller.ownerId,
  kind: caller.kind,
  keyId: caller.keyId,
  scopes: [...caller.scopes],
  contractId: caller.contractId ?? null,
});
