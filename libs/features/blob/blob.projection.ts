import { isBlobReference } from '#libs/kernel/blob-reference.js';
import type { Recorded } from '#libs/kernel/event.js';
import { projection } from '#libs/projections/projection.js';
import { upsert, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { ChatEvent } from '../chat/chat.events.js';
import type { ContractEvent } from '../contract/contract.events.js';
import type { TaskEvent } from '../task/task.events.js';

type ReadableEvent = TaskEvent | ContractEvent | ChatEvent;

/** All events of tasks, contracts and chats: any text of one may be in a blob. A new kind does not compile without. */
const READABLE: Readonly<Record<ReadableEvent['type'], true>> = {
  TaskCreated: true,
  TaskForked: true,
  TaskStatusChanged: true,
  TaskOutputRecorded: true,
  TaskPendingTasksChanged: true,
  TaskFilesChanged: true,
  AgentLineKept: true,
  TranscriptImported: true,
  TaskContinueRequested: true,
  TaskReassigned: true,
  TaskStartRequested: true,
  TaskLeased: true,
  TaskLeaseEnded: true,
  CheckpointRequested: true,
  CheckpointRequestAnswered: true,
  RewindRequested: true,
  RewindPrepared: true,
  RewindCommitted: true,
  RewindDeferred: true,
  RewindCompleted: true,
  RewindAborted: true,
  RewindFailed: true,
  MessageRecorded: true,
  ToolResultRecorded: true,
  MessageAmended: true,
  ConversationRewound: true,
  ConversationRewindUndone: true,
  CheckpointRecorded: true,
  CheckpointSecured: true,
  CheckpointTested: true,
  BranchCreated: true,
  ConversationSnapshotTaken: true,
  ContractCreated: true,
  ContractPhaseChanged: true,
  ContractStatusChanged: true,
  ContractSupervisorSet: true,
  ChatOpened: true,
  ChatMessageRecorded: true,
  ChatRenamed: true,
  ChatQuestionAnswered: true,
  ChatReopened: true,
  ChatClosed: true,
};

/** Which streams refer to a blob: whoever may read one of them may fetch it. */
const uses: Table = {
  name: 'blob_uses',
  columns: { sha256: 'text', stream: 'text', owner_id: 'uuid' },
  key: ['sha256', 'stream'],
};

export const blobProjection = projection({
  name: 'blob',
  version: 1,
  tables: [uses],
  views: { blob_uses: 'SELECT * FROM {schema}.blob_uses' },
  handles: Object.keys(READABLE),
  project: (batch) => (batch as readonly Recorded<ReadableEvent>[]).flatMap(usesIn),
});

function usesIn({ event: { data }, stream, metadata }: Recorded<ReadableEvent>): readonly RowOperation[] {
  const hashes = 'attachments' in data ? data.attachments.map(({ sha256 }) => sha256) : [];
  collect(data, hashes);
  return [...new Set(hashes)].map((sha256) => upsert(uses, { sha256, stream, owner_id: metadata.ownerId }));
}

/** What an agent wrote in the form of a reference is none. */
function collect(value: unknown, hashes: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (isBlobReference(value)) hashes.push(value.sha256);
  else for (const inner of Object.values(value)) collect(inner, hashes);
}
