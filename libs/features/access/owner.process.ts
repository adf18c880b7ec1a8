import { Inject, Injectable } from '@nestjs/common';
import { deriveId } from '#libs/event-store/event-hash.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { positionToken } from '#libs/kernel/position.js';
import { Problem } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { AccessDatabases } from './access-databases.js';
import { insertOwner } from './access-tables.js';
import { AccessTrail, type TrailContext } from './access-trail.js';
import type { CreatedOwner, NewOwner, OwnerPage, OwnerPageQuery } from './access.dto.js';
import { ownerNamed, ownerOf, ownersBy, type OwnerRow } from './access.queries.js';

/** Creates and lists owners. */
@Injectable()
export class Owners {
  constructor(
    @Inject(AccessDatabases) private readonly databases: AccessDatabases,
    private readonly trail: AccessTrail,
    private readonly cursors: CursorCodec,
  ) {}

  async create({ name }: NewOwner, context: RequestContext): Promise<CreatedOwner> {
    if (context.caller.kind !== 'admin') {
      throw new Problem('FORBIDDEN', 'Only admins create owners. Use an admin key with all-owners.');
    }
    const id = deriveId('owner', context.commandId);
    if (context.idempotent) await this.trail.recorded(id, 'created', context.requestHash);
    const owner = await this.ensure(id, name, context);
    if (owner.id !== id)
      throw new Problem(
        'OWNER_NAME_TAKEN',
        `There is an owner named ${JSON.stringify(name)}. Choose another name.`,
      );
    return owner;
  }

  /**
   * The owner of a name, created under an id if there is none. The row comes first, because it decides whose the name is;
   * a repetition records the event that an interruption left out.
   */
  async ensure(id: string, name: string, context: TrailContext): Promise<CreatedOwner> {
    const created: OwnerRow = { id, name, created_at: context.now };
    await insertOwner(this.databases.system, created);
    const owner =
      (await ownerNamed(this.databases.system, name)) ??
      (await ownerOf(this.databases.system, id)) ??
      created;
    const event = { type: 'OwnerCreated', data: { ownerId: owner.id, name: owner.name } } as const;
    const { position } = await this.trail.record(owner.id, event, 'created', context);
    return {
      id: owner.id,
      name: owner.name,
      createdAt: owner.created_at.toISOString(),
      position: positionToken(position),
    };
  }

  async list(query: OwnerPageQuery, { ownerId }: RequestContext): Promise<OwnerPage> {
    const binding = { ownerId, route: 'owners/1', filters: query };
    const after =
      query.cursor === undefined ? undefined : String(this.cursors.open(binding, query.cursor)[0]);
    const rows = await ownersBy(this.databases.system, { limit: query.limit + 1, after });
    const shown = rows.slice(0, query.limit);
    const last = shown.at(-1);
    return {
      owners: shown.map(({ id, name, created_at }) => ({ id, name, createdAt: created_at.toISOString() })),
      cursor: rows.length > query.limit && last ? this.cursors.seal(binding, [last.name]) : null,
    };
  }
}
