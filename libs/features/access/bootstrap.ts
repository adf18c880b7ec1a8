import { Inject, Injectable } from '@nestjs/common';
import { newId } from '#libs/kernel/ids.js';
import { AccessDatabases } from './access-databases.js';
import { issueKey, keyIdOf } from './access-key.js';
import { insertKey } from './access-tables.js';
import { AccessTrail } from './access-trail.js';
import { KeyAuthenticator } from '#libs/http/auth.guard.js';
import { Owners } from './owner.process.js';
import { ALL_SCOPES } from './scopes.js';

/** The owner whose data a new installation holds. */
export const LOCAL_OWNER = 'local';

/** What `credentials.json` needs. */
export interface LocalCredentials {
  readonly ownerId: string;
  /** An admin key of the owner `local` with all scopes. */
  readonly token: string;
}

/** Lets whoever starts the server in. */
@Injectable()
export class AccessBootstrap {
  constructor(
    @Inject(AccessDatabases) private readonly databases: AccessDatabases,
    private readonly trail: AccessTrail,
    private readonly owners: Owners,
    private readonly keys: KeyAuthenticator,
  ) {}

  /**
   * Makes sure that there is an owner `local`, and that the server's home has a key for it. So a start that was
   * interrupted before its credentials were written, and a lost credentials file, need no repair by hand.
   * @param token the one in `credentials.json`, if there is one.
   * @returns new credentials to be written there, or null if the token works.
   */
  async ensure(token: string | undefined, now: Date = new Date()): Promise<LocalCredentials | null> {
    if (token !== undefined && (await this.keys.authenticate(token))) return null;
    const commandId = newId(now.getTime());
    const context = { actor: { kind: 'system', id: 'bootstrap' }, now, commandId } as const;
    const { id: ownerId } = await this.owners.ensure(newId(now.getTime()), LOCAL_OWNER, context);
    const issued = issueKey('admin', keyIdOf(commandId));
    const scopes = [...ALL_SCOPES].sort();
    const data = {
      keyId: issued.id,
      kind: 'admin',
      name: 'local start',
      scopes,
      contractId: null,
      expiresAt: null,
    } as const;
    await this.trail.record(ownerId, { type: 'AccessKeyCreated', data }, `created:${issued.id}`, context);
    await insertKey(this.databases.system, {
      id: issued.id,
      owner_id: ownerId,
      kind: 'admin',
      scopes,
      contract_id: null,
      name: data.name,
      secret_hash: issued.secretHash,
      created_at: now,
      expires_at: null,
    });
    return { ownerId, token: issued.token };
  }
}
