import type { Queryable, Row } from '#libs/database/database.js';
import { escapeJson, escapeText } from '#libs/database/text-escape.js';
import { isBlobReference } from '#libs/kernel/blob-reference.js';
import type { Recorded } from '#libs/kernel/event.js';
import { columnJson, columnText } from '#libs/projections/column-text.js';
import { currentStates } from '#libs/projections/current-states.js';
import { projection } from '#libs/projections/projection.js';
import { insert, supersede, type RowOperation } from '#libs/projections/row-operation.js';
import type { Table } from '#libs/projections/table.js';
import { chatStream, type ChatEvent } from './chat.events.js';

/** A chat as it stood from one position to another. */
const states: Table = {
  name: 'chat_states',
  columns: {
    chat_id: 'uuid',
    from_position: 'int8',
    to_position: 'int8?',
    owner_id: 'uuid',
    kind: 'text',
    contract_id: 'uuid?',
    name: 'text',
    status: 'text',
    created_at: 'timestamptz',
    updated_at: 'timestamptz',
  },
  key: ['chat_id', 'from_position'],
  indexes: [
    '(chat_id) WHERE to_position IS NULL',
    '(owner_id, kind, created_at) WHERE to_position IS NULL',
    '(contract_id, created_at) WHERE to_position IS NULL AND contract_id IS NOT NULL',
  ],
};

/** Which chat is the active one (null: none): of a contract, or of an owner's mesh, whose id is then the owner's. */
const activeChats: Table = {
  name: 'active_chats',
  columns: {
    scope_id: 'uuid',
    from_position: 'int8',
    to_position: 'int8?',
    owner_id: 'uuid',
    chat_id: 'uuid?',
  },
  key: ['scope_id', 'from_position'],
};

/** Every message once; its place in the chat is its event's version. */
const messages: Table = {
  name: 'chat_messages',
  columns: {
    chat_id: 'uuid',
    version: 'int8',
    owner_id: 'uuid',
    position: 'int8',
    message_id: 'uuid',
    role: 'text',
    content: 'text',
    context_type: 'text',
    context_task_id: 'uuid?',
    tool_calls: 'text?',
    questions: 'text?',
    asked: 'int4',
    extra: 'text?',
    created_at: 'timestamptz',
  },
  key: ['chat_id', 'version'],
  indexes: ['(message_id)'],
};

const answers: Table = {
  name: 'chat_answers',
  columns: {
    chat_id: 'uuid',
    question_id: 'text',
    owner_id: 'uuid',
    position: 'int8',
    answer: 'text',
    actor: 'text',
    answered_at: 'timestamptz',
  },
  key: ['chat_id', 'question_id'],
};

interface Lookup {
  readonly chats: Map<string, Row>;
  /** By scope. */
  readonly active: Map<string, Row>;
}

const conversations = (kind: string, contract: string): string =>
  `SELECT c.chat_id AS id, c.owner_id, ${contract}c.name, a.chat_id IS NOT NULL AS is_active, c.created_at,
     greatest(c.updated_at, (SELECT m.created_at FROM {schema}.chat_messages m WHERE m.chat_id = c.chat_id
       ORDER BY m.version DESC LIMIT 1)) AS updated_at
   FROM {schema}.chat_states c LEFT JOIN {schema}.active_chats a
     ON a.scope_id = coalesce(c.contract_id, c.owner_id) AND a.chat_id = c.chat_id AND a.to_position IS NULL
   WHERE c.kind = '${kind}' AND c.to_position IS NULL`;

/** SPEC §1.1; a pending question carries its answer once it has one. */
const conversationMessages = (kind: string): string =>
  `SELECT m.message_id AS id, m.chat_id AS conversation_id, m.role, m.content, m.context_type, m.context_task_id,
     m.tool_calls::jsonb AS tool_calls,
     (SELECT jsonb_agg(q.value || jsonb_build_object('answer', a.answer) ORDER BY q.ordinality)
      FROM jsonb_array_elements(m.questions::jsonb) WITH ORDINALITY q LEFT JOIN {schema}.chat_answers a
        ON a.chat_id = m.chat_id AND a.question_id = q.value ->> 'id') AS pending_questions,
     m.created_at, m.owner_id
   FROM {schema}.chat_messages m JOIN {schema}.chat_states c ON c.chat_id = m.chat_id AND c.to_position IS NULL
   WHERE c.kind = '${kind}'`;

export const chatProjection = projection<Lookup>({
  name: 'chat',
  version: 1,
  tables: [states, activeChats, messages, answers],
  views: {
    chat_states: 'SELECT * FROM {schema}.chat_states',
    active_chats: 'SELECT * FROM {schema}.active_chats',
    chat_messages: 'SELECT * FROM {schema}.chat_messages',
    chat_answers: 'SELECT * FROM {schema}.chat_answers',
    mesh_chat_conversations: conversations('mesh', ''),
    mesh_chat_messages: conversationMessages('mesh'),
    contract_chat_conversations: conversations('contract', 'c.contract_id, '),
    contract_chat_messages: conversationMessages('contract'),
  },
  handles: [
    'ChatOpened',
    'ChatMessageRecorded',
    'ChatRenamed',
    'ChatQuestionAnswered',
    'ChatReopened',
    'ChatClosed',
  ],
  load: loadChats,
  project: (batch, lookup) =>
    (batch as readonly Recorded<ChatEvent>[]).flatMap((recorded) => operationsOf(recorded, lookup)),
});

const PREFIX = chatStream('');
const chatIdOf = ({ stream }: Recorded): string => stream.slice(PREFIX.length);
const scopeOf = (chat: Row): string => (chat['contract_id'] ?? chat['owner_id']) as string;

async function loadChats(connection: Queryable, schema: string, batch: readonly Recorded[]): Promise<Lookup> {
  const chats = await currentStates(connection, schema, states, batch.map(chatIdOf));
  const scopes = new Set([...chats.values()].map(scopeOf));
  for (const { event, metadata } of batch as readonly Recorded<ChatEvent>[]) {
    if (event.type === 'ChatOpened') scopes.add(event.data.contractId ?? metadata.ownerId);
  }
  return { chats, active: await currentStates(connection, schema, activeChats, [...scopes]) };
}

function operationsOf(recorded: Recorded<ChatEvent>, lookup: Lookup): readonly RowOperation[] {
  const { event, metadata, position } = recorded;
  const chatId = chatIdOf(recorded);
  const place = { chat_id: chatId, owner_id: metadata.ownerId, position };
  switch (event.type) {
    case 'ChatMessageRecorded':
      return [
        insert(messages, {
          ...place,
          version: recorded.version,
          ...messageColumns(event.data),
          created_at: metadata.occurredAt,
        }),
      ];
    case 'ChatQuestionAnswered': {
      const { questionId, answer } = event.data;
      return [
        insert(answers, {
          ...place,
          question_id: escapeText(questionId),
          answer: escapeText(answer),
          actor: escapeJson(metadata.actor),
          answered_at: metadata.occurredAt,
        }),
      ];
    }
    default:
      return stateChanged(recorded, chatId, event, lookup);
  }
}

type StateEvent = Exclude<ChatEvent, { type: 'ChatMessageRecorded' | 'ChatQuestionAnswered' }>;

function stateChanged(
  { metadata, position }: Recorded,
  chatId: string,
  event: StateEvent,
  { chats, active }: Lookup,
): readonly RowOperation[] {
  const row = next(chats.get(chatId), event, metadata);
  if (!row) return [];
  chats.set(chatId, row);
  const changed = supersede(states, { chat_id: chatId }, row, position);
  const scope = scopeOf(row);
  const now = active.get(scope)?.['chat_id'] ?? null;
  const then =
    event.type === 'ChatRenamed' ? now : event.type === 'ChatClosed' ? (now === chatId ? null : now) : chatId;
  if (then === now) return [changed];
  const activated = { owner_id: metadata.ownerId, chat_id: then };
  active.set(scope, activated);
  return [changed, supersede(activeChats, { scope_id: scope }, activated, position)];
}

function next(
  row: Row | undefined,
  event: StateEvent,
  { ownerId, occurredAt }: Recorded['metadata'],
): Row | null {
  if (event.type === 'ChatOpened') {
    const { kind, contractId, name } = event.data;
    return {
      owner_id: ownerId,
      kind,
      contract_id: contractId,
      name: escapeText(name),
      status: 'open',
      created_at: occurredAt,
      updated_at: occurredAt,
    };
  }
  if (!row) return null;
  const changed = { ...row, updated_at: occurredAt };
  switch (event.type) {
    case 'ChatRenamed':
      return { ...changed, name: escapeText(event.data.name) };
    case 'ChatReopened':
      return { ...changed, status: 'open' };
    case 'ChatClosed':
      return { ...changed, status: 'closed' };
  }
}

function messageColumns(data: Extract<ChatEvent, { type: 'ChatMessageRecorded' }>['data']): Row {
  const { content, toolCalls, pendingQuestions } = data;
  return {
    message_id: data.messageId,
    role: data.role,
    content: columnText(content),
    context_type: data.contextType,
    context_task_id: data.contextTaskId,
    tool_calls: toolCalls.length > 0 ? columnJson(toolCalls) : null,
    questions: pendingQuestions.length > 0 ? columnJson(pendingQuestions) : null,
    asked: pendingQuestions.length,
    // Of a text in a blob the column holds the beginning, `extra` the reference.
    extra: isBlobReference(content) ? columnJson({ content }) : null,
  };
}
