import { binaryArray } from '#libs/database/binary-array.js';
import { nothing, sql, type Sql } from '#libs/database/sql.js';
import { escapeText } from '#libs/database/text-escape.js';
import { ENTRY_KINDS, type EntryKind } from './entries.js';
import { formerAt } from '../conversation/former-messages.queries.js';
import { holds, mayHold } from './text-filter.js';
import type { EntryFilters } from './timeline.dto.js';

// Which entries a request is about, as what follows FROM, up to its WHERE. Each is called `e`.

/** Whose entries: a contract's, some tasks', or all of the owner's. */
export type Scope =
  | { readonly kind: 'contract'; readonly contractId: string }
  | { readonly kind: 'tasks'; readonly taskIds: readonly string[] }
  | { readonly kind: 'owner' };

export const inScope = (scope: Scope): Sql => {
  switch (scope.kind) {
    case 'contract':
      return sql`e.contract_id = ${scope.contractId}`;
    case 'tasks':
      return scope.taskIds.length === 1
        ? sql`e.task_id = ${scope.taskIds[0]}`
        : sql`e.task_id = ANY (${binaryArray('uuid', scope.taskIds)}::uuid[])`;
    case 'owner':
      return sql`e.owner_id = (SELECT makima_owner())`;
  }
};

/** The SPEC's words for kinds of entries besides their own names. */
const KIND_OF: Readonly<Record<string, EntryKind>> = {
  chat: 'chat_message',
  ...Object.fromEntries(ENTRY_KINDS.map((kind) => [kind, kind])),
};

function ofTypes(types: readonly string[] | undefined): Sql {
  if (!types) return nothing;
  const kinds = types.flatMap((type) => (Object.hasOwn(KIND_OF, type) ? [KIND_OF[type]!] : []));
  const subtypes = types.filter((type) => !Object.hasOwn(KIND_OF, type)).map(escapeText);
  return sql`AND (e.kind = ANY (${kinds}::text[]) OR e.subtype = ANY (${subtypes}::text[]))`;
}

// Every scope has an index in the order of time. Where a table was filled so lately that Postgres has no statistics of it,
// these are what makes it read that index, instead of every entry of the scope and sort them.
const EVER_SINCE = sql`'-infinity'::timestamptz`;
const FOR_EVER = sql`'infinity'::timestamptz`;

function conditions(scope: Scope, filters: EntryFilters, at: bigint | null): Sql {
  const { phase, event_types, from, to, failed } = filters;
  return sql`${inScope(scope)}
    ${at === null ? nothing : sql`AND e.position <= ${at}`}
    ${phase === undefined ? nothing : sql`AND e.phase = ${phase}`}
    ${failed === undefined ? nothing : sql`AND ${failedAt(at)} = ${failed}`}
    AND e.occurred_at >= ${from ?? EVER_SINCE} AND e.occurred_at <= ${to ?? FOR_EVER}
    ${ofTypes(event_types)}`;
}

/** Whether an entry had failed at a position: a tool's result may have been amended since. */
export const failedAt = (at: bigint | null): Sql =>
  at === null
    ? sql`e.failed`
    : sql`(CASE WHEN e.subtype = 'tool' THEN coalesce((SELECT f.is_error FROM ${formerAt(at, sql`e.task_id`, sql`e.seq`)} f), e.failed)
        ELSE e.failed END)`;

const AMENDED = sql`LEFT JOIN amended_signatures a ON a.task_id = e.task_id AND a.seq = e.seq`;

/** All entries that the filters match. */
export function matching(scope: Scope, filters: EntryFilters, at: bigint | null): Sql {
  const where = conditions(scope, filters, at);
  if (filters.text === undefined) return sql`timeline_entries e WHERE ${where}`;
  // OFFSET 0: several workers ask all entries for their signatures before any text is looked at.
  return sql`(SELECT e.* FROM timeline_entries e ${AMENDED} WHERE ${where} AND ${mayHold(filters.text, at)} OFFSET 0) e
    WHERE ${holds(filters.text, at)}`;
}

/**
 * Those of them that are among the first entries, before any text is looked at.
 * @param first where these begin, how they are sorted, and how many they are: what follows an AND.
 */
export function matchingAmong(
  first: Sql,
  scope: Scope,
  filters: EntryFilters & { readonly text: string },
  at: bigint | null,
): Sql {
  return sql`(SELECT e.* FROM timeline_entries e WHERE ${conditions(scope, filters, at)} AND ${first}) e ${AMENDED}
    WHERE ${mayHold(filters.text, at)} AND ${holds(filters.text, at)}`;
}
