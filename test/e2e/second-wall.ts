import type { Queryable } from '#libs/database/database.js';
import { sql, Sql } from '#libs/database/sql.js';
import { PostgresBlobStore } from '#libs/event-store/postgres/postgres-blob-store.js';
import * as access from '#libs/features/access/access.queries.js';
import * as admin from '#libs/features/admin/admin.queries.js';
import * as blame from '#libs/features/blame/blame.queries.js';
import * as blob from '#libs/features/blob/blob.queries.js';
import * as chat from '#libs/features/chat/chat.queries.js';
import * as checkpoint from '#libs/features/checkpoint/checkpoint.queries.js';
import * as compare from '#libs/features/compare/compare.queries.js';
import * as contract from '#libs/features/contract/contract.queries.js';
import * as conversation from '#libs/features/conversation/conversation.queries.js';
import { formerMessagesOf } from '#libs/features/conversation/former-messages.queries.js';
import * as daemon from '#libs/features/daemon/daemon.queries.js';
import * as imports from '#libs/features/import/fork-source.queries.js';
import * as resume from '#libs/features/resume/resume.queries.js';
import * as rewind from '#libs/features/rewind/rewind.queries.js';
import * as snapshot from '#libs/features/snapshot/snapshot.queries.js';
import * as task from '#libs/features/task/task.queries.js';
import * as timeline from '#libs/features/timeline/timeline.queries.js';
import type { World } from './world.js';
import { PROJECTIONS } from '#libs/features/projections.js';

// What the database shows of one owner to another when nothing but row-level security stands between them.

export type Ask = (db: Queryable, of: World) => Promise<unknown>;

const WHOLE = Number.MAX_SAFE_INTEGER;
const YEAR_1 = new Date('0001-01-01T00:00:00Z');
/** The messages of a task as the API would find them, had it let the caller through. */
const shownOf = ({ ids }: World) => [{ taskId: ids.task, from: 1, to: 2 }];
const page = { order: 'oldest', limit: 100, after: null, at: null } as const;

/** Every query of the features, asked with another owner's ids; by file and name. */
export const ASKED: Readonly<Record<string, Ask>> = {
  'access keyOf': (db, { ids }) => access.keyOf(db, ids.key),
  'access keysBy': (db, { ownerId }) => access.keysBy(db, ownerId, { limit: 100 }),
  'access otherAdminKeys': (db) => access.otherAdminKeys(db, 'none', YEAR_1),
  'access ownerOf': (db, { ownerId }) => access.ownerOf(db, ownerId),
  'access ownerNamed': (db) => access.ownerNamed(db, 'alice'),
  'access ownersBy': (db) => access.ownersBy(db, { limit: 100 }),
  'admin projectionStatuses': (db) => admin.projectionStatuses(db, PROJECTIONS, 0n),
  'admin ownerSizes': (db, { ownerId }) => admin.ownerSizes(db, ownerId),
  'blame checkpointsOfCommits': (db, { ids }) => blame.checkpointsOfCommits(db, [ids.commit], ids.contract),
  'blame makersOf': (db, { ids, marker }) =>
    blame.makersOf(db, [{ taskId: ids.task, from: 1, to: 1_000, path: `${marker}.ts` }]),
  'blob isUsedIn': (db, { ids }) => blob.isUsedIn(db, ids.contract, ids.blob),
  'chat chatOf': (db, { ids }) =>
    chat.chatOf(db, { kind: 'contract', contractId: ids.contract }, ids.contractChat, null),
  'chat chatsBy': (db, { ids }) =>
    chat.chatsBy(db, { kind: 'contract', contractId: ids.contract }, { limit: 100 }, null),
  'chat chatMessages': (db, { ids, ownerId }) =>
    chat.chatMessages(
      db,
      new PostgresBlobStore(db),
      ownerId,
      ids.meshChat,
      { order: 'oldest', limit: 100, after: null },
      null,
    ),
  'chat chatMessage': async (db, { ids, ownerId }) => {
    const [row] = await db.query<{ id: string }>(sql`SELECT message_id AS id FROM chat_messages LIMIT 1`);
    return row && chat.chatMessage(db, new PostgresBlobStore(db), ownerId, ids.meshChat, row.id);
  },
  'checkpoint checkpointsOf': (db, { ids }) =>
    checkpoint.checkpointsOf(db, ids.task, { limit: 100, below: null, at: null }),
  'checkpoint checkpointBy': (db, { ids }) => checkpoint.checkpointBy(db, ids.task, ids.checkpoint),
  'checkpoint wholeCheckpoint': (db, { ids, ownerId }) =>
    checkpoint.wholeCheckpoint(db, new PostgresBlobStore(db), {
      taskId: ids.task,
      wanted: ids.checkpoint,
      ownerId,
    }),
  'checkpoint checkpointBefore': (db, { ids }) => checkpoint.checkpointBefore(db, ids.task, 2),
  'checkpoint checkpointOfId': (db, { ids }) => checkpoint.checkpointOfId(db, ids.checkpoint),
  'checkpoint lastGreenOf': (db, { ids }) => checkpoint.lastGreenOf(db, ids.task),
  'checkpoint checkpointWithin': (db, { ids }) =>
    checkpoint.checkpointWithin(db, [{ taskId: ids.task, from: 0, to: 1_000 }], 0),
  'compare effortOf': async (db, of) => (await compare.effortOf(db, shownOf(of), null)).messages,
  'compare toolUseIn': (db, { ids }) =>
    compare.toolUseIn(db, [{ taskId: ids.task, from: 1, to: 1_000 }], { limit: 100, at: null }),
  'compare checkpointsWithin': (db, { ids }) => {
    const own = { taskId: ids.task, branch: 0, seq: 1_000 };
    return compare.checkpointsWithin(db, { segments: [], own, until: null }, null);
  },
  'compare checkpointPosition': (db, { ids }) =>
    compare.checkpointPosition(db, ids.task, { id: ids.checkpoint }, null),
  // Branch 0 is a number that says nothing: what is looked for is whether there is an answer.
  'compare branchOfMessage': async (db, { ids }) => (await compare.branchOfMessage(db, ids.task, 1)) !== null,
  'compare forkLine': (db, { ids }) => compare.forkLine(db, ids.fork, null),
  'contract contractOf': (db, { ids }) => contract.contractOf(db, ids.contract),
  'contract contractsBy': (db) => contract.contractsBy(db, {}),
  'conversation branchesOf': (db, { ids }) => conversation.branchesOf(db, ids.task, null),
  'conversation shownBy': (db, { ids }) => conversation.shownBy(db, ids.task, null, null),
  'conversation shownAt': (db, { ids }) => conversation.shownAt(db, { taskId: ids.task, seq: 1 }),
  'conversation messagesIn': (db, of) => conversation.messagesIn(db, shownOf(of)),
  'conversation callsAnsweredIn': (db, { ids }) =>
    conversation.callsAnsweredIn(db, [{ taskId: ids.task, from: 3, to: 3 }]),
  'conversation callsAndResultsIn': (db, of) => conversation.callsAndResultsIn(db, shownOf(of)),
  'conversation totalsOf': (db, of) => conversation.totalsOf(db, shownOf(of), null),
  'conversation callsOf': (db, { ids }) => conversation.callsOf(db, [{ taskId: ids.task, seq: 2 }], null),
  'conversation placeOf': (db, { ids }) => conversation.placeOf(db, ids.message, []),
  'conversation firstSince': (db, of) => conversation.firstSince(db, shownOf(of), YEAR_1),
  'conversation nthLastWhole': (db, of) => conversation.nthLastWhole(db, shownOf(of), 1),
  'conversation answeredIn': (db, { ids }) =>
    conversation.answeredIn(db, [{ taskId: ids.task, from: 1, to: 3 }], ['call-1']),
  'former-messages formerMessagesOf': async (db, { ids }) => {
    const places = Array.from({ length: 20 }, (_, index) => ({ taskId: ids.importedTask, seq: index + 1 }));
    return [...(await formerMessagesOf(db, places, 0n)).values()];
  },
  'fork-source tasksThatBeginWith': async (db) => {
    const [row] = await db.query<{ id: string }>(
      sql`SELECT source_id AS id FROM messages WHERE seq = 1 AND source_id IS NOT NULL LIMIT 1`,
    );
    return row && imports.tasksThatBeginWith(db, row.id);
  },
  'daemon daemonsBy': (db) => daemon.daemonsBy(db, { leaseMs: WHOLE }),
  'daemon standingsBy': (db, { ids }) => daemon.standingsBy(db, { daemonId: ids.daemon, leaseMs: 1 }),
  'daemon workFor': (db, { ids }) => daemon.workFor(db, ids.daemon),
  'daemon lostDaemons': (db) => daemon.lostDaemons(db, 0),
  'daemon workMarks': (db, { ids, ownerId }) => daemon.workMarks(db, [{ daemonId: ids.daemon, ownerId }]),
  'resume amountIn': async (db, of) => {
    // The rest of the amount is what was asked about.
    const { toolCalls } = await resume.amountIn(db, shownOf(of));
    return toolCalls;
  },
  'resume checkpointInContract': (db, { ids }) => resume.checkpointInContract(db, ids.contract, ids.commit),
  'resume endedTasksOf': (db, { ids }) => resume.endedTasksOf(db, ids.contract, ids.task, 10),
  'resume newestSafe': (db, { ids }) => resume.newestSafe(db, ids.task),
  'resume phasesOf': (db, { ids }) => resume.phasesOf(db, ids.contract),
  'rewind rewindOf': (db, { ids }) => rewind.rewindOf(db, ids.task, ids.rewind),
  'rewind rewindsOf': (db, { ids }) => rewind.rewindsOf(db, ids.task, 100),
  'snapshot snapshotsOf': (db, { ids }) =>
    snapshot.snapshotsOf(db, ids.task, { limit: 100, before: null }, null),
  'snapshot snapshotBy': (db, { ids }) => snapshot.snapshotBy(db, ids.task, ids.snapshot),
  'task taskOf': (db, { ids }) => task.taskOf(db, ids.task),
  'task wholeTask': (db, { ids, ownerId }) =>
    task.wholeTask(db, new PostgresBlobStore(db), { taskId: ids.task, ownerId, at: null }),
  'task tasksBy': (db, { ids }) => task.tasksBy(db, { contractId: ids.contract }),
  'task withSubtasks': async (db, { ids }) =>
    (await task.withSubtasks(db, ids.supervisor)).filter((id) => id !== ids.supervisor),
  'timeline entriesPage': async (db, { ids }) => {
    const scope = { kind: 'contract', contractId: ids.contract } as const;
    return (await timeline.entriesPage(db, { ...page, scope, filters: {} })).entries;
  },
  'timeline countedPage': (db, { ids }) => {
    const scope = { kind: 'contract', contractId: ids.contract } as const;
    return timeline.countedPage(db, { ...page, scope, filters: { text: 'said' } });
  },
  'timeline countEntries': (db, { ids }) =>
    timeline.countEntries(db, { kind: 'tasks', taskIds: [ids.task, ids.supervisor] }, { text: 'said' }, null),
  'timeline entriesAfter': (db, { ids }) =>
    timeline.entriesAfter(db, { kind: 'tasks', taskIds: [ids.task] }, 0n, BigInt(WHOLE), 100),
  'timeline overviewOf': (db, { ids }) =>
    timeline.overviewOf(db, { kind: 'contract', contractId: ids.contract }, { buckets: 3 }, null),
  'blob store': (db, { ids, ownerId }) => new PostgresBlobStore(db).get(ownerId, [ids.blob]),
};

/** What queries answer that say nothing of anybody: sizes, or what a key's own owner has. */
export const HARMLESS: Readonly<Record<string, string>> = {
  'admin tableSizes': "sizes out of Postgres' catalogue",
  'admin databaseSize': "a size out of Postgres' catalogue",
  'conversation extraOf': 'asks no database',
  'former-messages allFormerAt': 'asks no database',
  'former-messages formerAt': 'asks no database',
  'former-messages placeRows': 'asks no database',
};

/** Whether an answer holds nothing: no row, no number, no text. */
export function isNothing(value: unknown): boolean {
  if (value instanceof Map) return value.size === 0;
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isNothing);
  return !value;
}

/** Everything with rows, in every schema that is not Postgres' own. */
export async function relationsOf(db: Queryable): Promise<readonly string[]> {
  const rows = await db.query<{ name: string }>(sql`
    SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY 1`);
  return rows.map(({ name }) => name);
}

/** Rows that a connection sees; null where it may not look. */
export async function rowsIn(db: Queryable, relation: string): Promise<number | null> {
  return unlessRefused(async () => {
    const [row] = await db.query<{ rows: bigint }>(new Sql([`SELECT count(*) AS rows FROM ${relation}`], []));
    return Number(row!.rows);
  });
}

/** The result; null where Postgres says that the role may not. */
export async function unlessRefused<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if ((error as { readonly code?: string }).code === '42501') return null;
    throw error;
  }
}
