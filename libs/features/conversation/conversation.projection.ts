import type { Row } from '#libs/database/database.js';
import { escapeJson, escapeText } from '#libs/database/text-escape.js';
import { isBlobReference } from '#libs/event-store/codec.js';
import type { Recorded } from '#libs/kernel/event.js';
import { projection } from '#libs/projections/projection.js';
import { insert, update, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import type { TaskEvent } from '../task/task.events.js';
import type { MessageContent, ToolResultContent } from './conversation.events.js';

/** Every message once, under the task and number at which it was recorded. A tool result is a message of role `tool`. */
const messages: Table = {
  name: 'messages',
  columns: {
    task_id: 'uuid',
    seq: 'int4',
    owner_id: 'uuid',
    position: 'int8',
    amended_position: 'int8?',
    message_id: 'uuid',
    role: 'text',
    content: 'text',
    tool_calls: 'text?',
    tool_call_id: 'text?',
    tool_name: 'text?',
    call_seq: 'int4?',
    is_error: 'bool?',
    token_count: 'int8?',
    cost_usd: 'float8?',
    origin: 'text?',
    source_id: 'text?',
    extra: 'text?',
    has_blobs: 'bool',
    occurred_at: 'timestamptz',
  },
  key: ['task_id', 'seq'],
  indexes: ['(message_id)'],
};

/** The lines of a conversation's tree: what each shows, when and why it began, and where it was left. */
const branches: Table = {
  name: 'conversation_branches',
  columns: {
    task_id: 'uuid',
    branch: 'int4',
    owner_id: 'uuid',
    position: 'int8',
    previous_branch: 'int4?',
    kind: 'text',
    segments: 'text',
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
};

export const conversationProjection = projection({
  name: 'conversation',
  version: 1,
  tables: [messages, branches],
  views: {
    messages: 'SELECT * FROM {schema}.messages',
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
  project: (batch) => (batch as readonly Recorded<TaskEvent>[]).flatMap(operationsOf),
});

function operationsOf(recorded: Recorded<TaskEvent>): readonly RowOperation[] {
  const { event, position, stream } = recorded;
  const taskId = stream.slice('task-'.length);
  switch (event.type) {
    case 'TaskCreated':
    case 'TaskForked': {
      const inherited = event.type === 'TaskForked' ? event.data.segments : [];
      const segments = [...inherited, { taskId, from: 1, to: null }];
      return [
        insert(
          branches,
          branchRow(recorded, { branch: 0, kind: inherited.length > 0 ? 'fork' : 'start', segments }),
        ),
      ];
    }
    case 'MessageRecorded':
      return [insert(messages, { ...placeOf(recorded, event.data.seq), ...messageColumns(event.data) })];
    case 'ToolResultRecorded':
      return [
        insert(messages, {
          ...placeOf(recorded, event.data.seq),
          ...resultColumns(event.data, event.data.callSeq),
        }),
      ];
    case 'MessageAmended': {
      const columns = event.data.kind === 'message' ? messageColumns(event.data) : resultColumns(event.data);
      return [
        update(
          messages,
          { task_id: taskId, seq: event.data.seq },
          { ...columns, amended_position: position },
        ),
      ];
    }
    case 'ConversationRewound':
    case 'ConversationRewindUndone':
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
  const { branch, previousBranch, segments, hiddenMessages } = event.data;
  const rewound = event.type === 'ConversationRewound' ? event.data : null;
  const kind = rewound ? (rewound.point.kind === 'snapshot' ? 'restore' : 'rewind') : 'undo';
  const row = {
    ...branchRow(recorded, { branch, kind, segments }),
    previous_branch: previousBranch,
    hidden_messages: hiddenMessages,
    point: rewound ? escapeJson(rewound.point) : null,
    reason: rewound?.reason == null ? null : escapeText(rewound.reason),
    undone_branch: event.type === 'ConversationRewindUndone' ? event.data.undoneBranch : null,
  };
  const left = { left_position: recorded.position, left_seq: (segments.at(-1)?.from ?? 1) - 1 };
  return [
    insert(branches, row),
    update(branches, { task_id: recorded.stream.slice('task-'.length), branch: previousBranch }, left),
  ];
}

function branchRow(
  { stream, position, metadata }: Recorded,
  { branch, kind, segments }: { readonly branch: number; readonly kind: string; readonly segments: unknown },
): Row {
  return {
    task_id: stream.slice('task-'.length),
    branch,
    owner_id: metadata.ownerId,
    position,
    previous_branch: null,
    kind,
    segments: JSON.stringify(segments),
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

const placeOf = ({ id, stream, position, metadata }: Recorded, seq: number): Row => ({
  task_id: stream.slice('task-'.length),
  seq,
  owner_id: metadata.ownerId,
  position,
  amended_position: null,
  message_id: id,
  occurred_at: metadata.occurredAt,
});

/** A field as a text column holds it: a long one by its preview, with the reference kept in `extra`. */
function textColumn(value: unknown, name: string, references: Record<string, unknown>): string {
  if (!isBlobReference(value)) return escapeText(String(value));
  references[name] = value;
  return escapeText(value.$blob.preview);
}

const defined = (record: Record<string, unknown>): string | null => {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? escapeJson(Object.fromEntries(entries)) : null;
};

function messageColumns(data: MessageContent): Row {
  const references: Record<string, unknown> = {};
  const { usage, toolCalls } = data;
  const content = textColumn(data.content, 'content', references);
  const calls = toolCalls && toolCalls.length > 0 ? escapeJson(toolCalls) : null;
  const extra = defined({
    thinking: data.thinking,
    model: data.model,
    usage,
    attachments: data.attachments,
    ...references,
  });
  return {
    role: data.role,
    content,
    tool_calls: calls,
    tool_call_id: null,
    tool_name: null,
    call_seq: null,
    is_error: null,
    token_count: usage ? usage.input + usage.output : null,
    cost_usd: data.costUsd ?? null,
    origin: data.origin ?? null,
    source_id: data.sourceId === undefined ? null : escapeText(data.sourceId),
    extra,
    has_blobs: containsReference(calls) || containsReference(extra),
  };
}

function resultColumns(data: ToolResultContent, callSeq?: number | null): Row {
  const references: Record<string, unknown> = {};
  const content = textColumn(data.result, 'content', references);
  const extra = defined({
    outcome: data.outcome,
    files: data.files,
    attachments: data.attachments,
    ...references,
  });
  return {
    role: 'tool',
    content,
    tool_calls: null,
    tool_call_id: escapeText(data.toolCallId),
    tool_name: escapeText(data.toolName),
    ...(callSeq === undefined ? {} : { call_seq: callSeq }),
    is_error: data.isError,
    token_count: null,
    cost_usd: null,
    origin: null,
    source_id: data.sourceId === undefined ? null : escapeText(data.sourceId),
    extra,
    has_blobs: containsReference(extra),
  };
}

const containsReference = (json: string | null): boolean => json?.includes('"$blob"') ?? false;
