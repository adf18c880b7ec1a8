import { lengthOf } from '#libs/kernel/blob-reference.js';
import type { ChatEvent } from '../chat/chat.events.js';
import type { ContractEvent } from '../contract/contract.events.js';
import type { TaskEvent } from '../task/task.events.js';

/** The SPEC's kinds of history entry (§2.1). */
export const ENTRY_KINDS = [
  'task_event',
  'chat_message',
  'phase_change',
  'checkpoint',
  'file_change',
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export type TimelineEvent = ContractEvent | TaskEvent | ChatEvent;

/** What an event adds to a timeline. */
export interface Entry {
  readonly kind: EntryKind;
  readonly subtype: string;
  readonly failed?: boolean;
  /** The message it stands for; its text is not repeated here. */
  readonly seq?: number;
  readonly taskId?: string;
  readonly data?: unknown;
}

/** The entries of one event, in order; the first one has the event's id. */
export function entriesOf(event: TimelineEvent): readonly Entry[] {
  switch (event.type) {
    case 'ContractCreated':
    case 'ContractPhaseChanged':
    case 'ContractStatusChanged':
    case 'ContractSupervisorSet':
      return [contractEntry(event)];
    case 'MessageRecorded':
      return [
        {
          kind: 'chat_message',
          subtype: event.data.role,
          seq: event.data.seq,
          failed: event.data.origin === 'error',
        },
      ];
    case 'ToolResultRecorded': {
      const { seq, isError, toolName, files } = event.data;
      const result: Entry = { kind: 'chat_message', subtype: 'tool', seq, failed: isError };
      return lengthOf(files) > 0 ? [result, fileChange(files, { toolName, seq })] : [result];
    }
    case 'MessageAmended':
    case 'TranscriptImported':
    case 'CheckpointSecured':
    case 'CheckpointRequestAnswered':
    case 'RewindPrepared':
      return [];
    case 'TaskFilesChanged':
      return [fileChange(event.data.files, {})];
    case 'CheckpointRecorded': {
      const { filesChanged, ...checkpoint } = event.data;
      const entry: Entry = {
        kind: 'checkpoint',
        subtype: 'checkpoint',
        data: { ...checkpoint, filesChanged },
      };
      return lengthOf(filesChanged) > 0
        ? [
            entry,
            fileChange(filesChanged, {
              checkpointId: checkpoint.checkpointId,
              checkpointNumber: checkpoint.number,
            }),
          ]
        : [entry];
    }
    case 'ChatOpened':
    case 'ChatClosed':
    case 'ChatReopened':
    case 'ChatRenamed':
    case 'ChatQuestionAnswered':
      return [];
    case 'ChatMessageRecorded':
      return [{ kind: 'chat_message', subtype: event.data.role }];
    default:
      return [taskEvent(event)];
  }
}

function contractEntry(event: ContractEvent): Entry {
  switch (event.type) {
    case 'ContractCreated':
      return {
        kind: 'phase_change',
        subtype: 'contract_created',
        data: { newPhase: event.data.phase, name: event.data.name },
      };
    case 'ContractPhaseChanged':
      return { kind: 'phase_change', subtype: 'phase_change', data: event.data };
    case 'ContractStatusChanged':
      return { kind: 'phase_change', subtype: 'contract_status', data: event.data };
    case 'ContractSupervisorSet':
      return { kind: 'task_event', subtype: 'supervisor_set', taskId: event.data.taskId, data: event.data };
  }
}

const fileChange = (filesChanged: unknown, origin: Readonly<Record<string, unknown>>): Entry => ({
  kind: 'file_change',
  subtype: 'file_change',
  data: { ...origin, filesChanged },
});

type PlainTaskEvent = Exclude<
  TimelineEvent,
  | ContractEvent
  | ChatEvent
  | {
      type:
        | 'MessageRecorded'
        | 'ToolResultRecorded'
        | 'MessageAmended'
        | 'TranscriptImported'
        | 'TaskFilesChanged'
        | 'CheckpointRecorded'
        | 'CheckpointSecured'
        | 'CheckpointRequestAnswered'
        | 'RewindPrepared';
    }
>;

const SUBTYPES: Readonly<Record<PlainTaskEvent['type'], string>> = {
  TaskCreated: 'task_created',
  TaskForked: 'task_forked',
  TaskStatusChanged: 'status_change',
  TaskOutputRecorded: 'output',
  TaskPendingTasksChanged: 'pending_tasks',
  AgentLineKept: 'agent_line',
  TaskContinueRequested: 'task_continue_requested',
  TaskReassigned: 'task_reassigned',
  TaskStartRequested: 'task_start_requested',
  TaskLeased: 'task_leased',
  TaskLeaseEnded: 'task_lease_ended',
  CheckpointRequested: 'checkpoint_requested',
  CheckpointTested: 'checkpoint_tested',
  RewindRequested: 'rewind_requested',
  RewindCommitted: 'rewind_committed',
  RewindDeferred: 'rewind_deferred',
  RewindCompleted: 'rewind_completed',
  RewindAborted: 'rewind_aborted',
  RewindFailed: 'rewind_failed',
  BranchCreated: 'branch_created',
  ConversationRewound: 'conversation_rewound',
  ConversationRewindUndone: 'rewind_undone',
  ConversationSnapshotTaken: 'snapshot',
};

function taskEvent(event: PlainTaskEvent): Entry {
  if (event.type === 'ConversationRewound' && event.data.point.kind === 'snapshot')
    return { kind: 'task_event', subtype: 'snapshot_restored', data: event.data };
  if (event.type !== 'TaskStatusChanged')
    return { kind: 'task_event', subtype: SUBTYPES[event.type], data: event.data };
  const { newStatus } = event.data;
  const ended = newStatus === 'completed' || newStatus === 'failed' || newStatus === 'cancelled';
  return {
    kind: 'task_event',
    subtype: ended ? `task_${newStatus}` : 'status_change',
    failed: newStatus === 'failed',
    data: event.data,
  };
}
