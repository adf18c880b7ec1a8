import type { Row } from '#libs/database/database.js';
import { escapeJson } from '#libs/database/text-escape.js';
import type { Recorded } from '#libs/kernel/event.js';
import { columnText } from '#libs/projections/column-text.js';
import { projection } from '#libs/projections/projection.js';
import { insert, update, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { TaskEvent } from '../task/task.events.js';
import type { MessagePlace } from './conversation.events.js';
import { formerMessages, loadAmended, SAID, type AmendedMessages } from './former-messages.js';
import { loadLatestTimes, type LatestTimes } from './latest-times.js';
import { messageColumns, resultColumns } from './message-columns.js';

/**
 * Every message once, under the task and number at which it was recorded. A tool result is a message of role `tool`.
 * `latest_at`: see LatestTimes.
 */
const messages: Table = {
  name: 'messages',
  columns: {
    task_id: 'uuid',
    seq: 'int4',
    owner_id: 'uuid',
    position: 'int8',
    message_id: 'uuid',
    ...SAID,
    call_seq: 'int4?',
    call_task_id: 'uuid?',
    occurred_at: 'timestamptz',
    latest_at: 'timestamptz',
  },
  key: ['task_id', 'seq'],
  // The second one finds the tasks whose transcripts begin with the same message: forks of each other.
  indexes: ['(message_id)', '(source_id) WHERE seq = 1 AND source_id IS NOT NULL'],
};

/** The lines of a conversation's tree: after which message each goes on, when and why it began, and where it was left. */
const branches: Table = {
  name: 'conversation_branches',
  columns: {
    task_id: 'uuid',
    branch: 'int4',
    owner_id: 'uuid',
    position: 'int8',
    previous_branch: 'int4?',
    from_seq: 'int4',
    after_task: 'uuid?',
    after_seq: 'int4?',
    kept_messages: 'int4',
    kind: 'text',
    point: 'text?',
    reason: 'text?',
    actor: 'text',
    hidden_messages: 'int4',
    undone_branch: 'int4?',
    left_position: 'int8?',
    left_seq: 'int4?',
    created_at: 'timestamptz',
  },
  key: ['task_id', 'branch'],
  indexes: ['(task_id, from_seq, branch)'],
};

/** What a batch must know of the rows before it. */
interface Known {
  readonly amended: AmendedMessages;
  readonly times: LatestTimes;
}

export const conversationProjection = projection<Known>({
  name: 'conversation',
  version: 3,
  tables: [messages, formerMessages, branches],
  views: {
    messages: 'SELECT * FROM {schema}.messages',
    former_messages: 'SELECT * FROM {schema}.former_messages',
    conversation_branches: 'SELECT * FROM {schema}.conversation_branches',
  },
  handles: [
    'TaskCreated',
    'TaskForked',
    'MessageRecorded',
    'ToolResultRecorded',
    'MessageAmended',
    'ConversationRewound',
    'ConversationRewindUndone',
  ],
  load: async (connection, schema, batch) => {
    const events = batch as readonly Recorded<TaskEvent>[];
    const [amended, times] = await Promise.all([
      loadAmended(connection, schema, events),
      loadLatestTimes(connection, schema, events),
    ]);
    return { amended, times };
  },
  project: (batch, known) =>
    (batch as readonly Recorded<TaskEvent>[]).flatMap((recorded) => operationsOf(recorded, known)),
});

function operationsOf(recorded: Recorded<TaskEvent>, known: Known): readonly RowOperation[] {
  const { event, stream } = recorded;
  const { amended, times } = known;
  const taskId = stream.slice('task-'.length);
  switch (event.type) {
    case 'TaskCreated':
      return [insert(branches, branchRow(recorded, START))];
    case 'TaskForked': {
      const { after, keptMessages } = event.data;
      return [insert(branches, branchRow(recorded, { ...START, kind: 'fork', after, keptMessages }))];
    }
    case 'MessageRecorded':
      return [messageInserted(recorded, event.data.seq, messageColumns(event.data), known)];
    case 'ToolResultRecorded': {
      const { callSeq: call_seq, callTaskId: call_task_id = null } = event.data;
      const columns = { ...resultColumns(event.data), call_seq, call_task_id };
      return [messageInserted(recorded, event.data.seq, columns, known)];
    }
    case 'MessageAmended': {
      const { seq } = event.data;
      const columns = event.data.kind === 'message' ? messageColumns(event.data) : resultColumns(event.data);
      const former = amended.amended(taskId, seq, columns, recorded);
      return [...former, update(messages, { task_id: taskId, seq }, columns)];
    }
    case 'ConversationRewound':
    case 'ConversationRewindUndone':
      times.branch(taskId);
      return branchStarted(recorded, event);
    default:
      return [];
  }
}

/** A new branch is shown, and the former one ends where it stood. */
function branchStarted(
  recorded: Recorded,
  event: Extract<TaskEvent, { type: 'ConversationRewound' | 'ConversationRewindUndone' }>,
): readonly RowOperation[] {
  const { branch, previousBranch, after, keptMessages, seq, hiddenMessages } = event.data;
  const rewound = event.type === 'ConversationRewound' ? event.data : null;
  const kind = rewound ? (rewound.point.kind === 'snapshot' ? 'restore' : 'rewind') : 'undo';
  const row = {
    ...branchRow(recorded, { branch, kind, fromSeq: seq + 1, after, keptMessages }),
    previous_branch: previousBranch,
    hidden_messages: hiddenMessages,
    point: rewound ? escapeJson(rewound.point) : null,
    reason: rewound?.reason == null ? null : columnText(rewound.reason),
    undone_branch: event.type === 'ConversationRewindUndone' ? event.data.undoneBranch : null,
  };
  const left = { left_position: recorded.position, left_seq: seq };
  return [
    insert(branches, row),
    update(branches, { task_id: recorded.stream.slice('task-'.length), branch: previousBranch }, left),
  ];
}

interface BranchBegun {
  readonly branch: number;
  readonly kind: string;
  readonly fromSeq: number;
  readonly after: MessagePlace | null;
  readonly keptMessages: number;
}

const START: BranchBegun = { branch: 0, kind: 'start', fromSeq: 1, after: null, keptMessages: 0 };

function branchRow(
  { stream, position, metadata }: Recorded,
  { branch, kind, fromSeq, after, keptMessages }: BranchBegun,
): Row {
  return {
    task_id: stream.slice('task-'.length),
    branch,
    owner_id: metadata.ownerId,
    position,
    previous_branch: null,
    from_seq: fromSeq,
    after_task: after?.taskId ?? null,
    after_seq: after?.seq ?? null,
    kept_messages: keptMessages,
    kind,
    point: null,
    reason: null,
    actor: escapeJson(metadata.actor),
    hidden_messages: 0,
    undone_branch: null,
    left_position: null,
    left_seq: null,
    created_at: metadata.occurredAt,
  };
}

function messageInserted(
  { id, stream, position, metadata }: Recorded,
  seq: number,
  columns: Row,
  { amended, times }: Known,
): RowOperation {
  const taskId = stream.slice('task-'.length);
  const { ownerId, occurredAt } = metadata;
  amended.recorded(taskId, seq, columns);
  return insert(messages, {
    ...columns,
    task_id: taskId,
    seq,
    owner_id: ownerId,
    position,
    message_id: id,
    occurred_at: occurredAt,
    latest_at: times.add(taskId, occurredAt),
  });
}
