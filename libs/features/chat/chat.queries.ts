import type { Queryable } from '#libs/database/database.js';
import { nothing, sql, type Sql } from '#libs/database/sql.js';
import { unescapeJson, unescapeText } from '#libs/database/text-escape.js';
import type { LongText } from '#libs/kernel/blob-reference.js';
import type { BlobStore } from '#libs/event-store/blob-store.js';
import { hydrate } from '#libs/event-store/long-values.js';
import type { Actor } from '#libs/kernel/event.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import { heldAt } from '#libs/projections/held-at.js';
import type { ChatMessage, ChatResponse, PendingQuestionAnswer } from './chat.answers.dto.js';
import type { ChatScope } from './chat.decider.js';
import type { ChatKind, ChatRole, ChatToolCall, ContextType, PendingQuestion } from './chat.events.js';

type Question = PendingQuestion & Omit<PendingQuestionAnswer, keyof PendingQuestion>;

/** A chat's message as its row says, its long values in their blobs. */
type Message = Omit<ChatMessage, 'content' | 'pendingQuestions'> & {
  readonly content: LongText;
  readonly pendingQuestions: readonly Question[];
};

interface ChatRow {
  chat_id: string;
  kind: ChatKind;
  contract_id: string | null;
  name: string;
  status: 'open' | 'closed';
  is_active: boolean;
  messages: bigint;
  asked: bigint;
  answered: bigint;
  created_at: Date;
  updated_at: Date;
}

const UNBOUNDED = Number.MAX_SAFE_INTEGER;

const inScope = ({ kind, contractId }: ChatScope): Sql =>
  contractId === null
    ? sql`c.kind = ${kind} AND c.owner_id = makima_owner()`
    : sql`c.contract_id = ${contractId}`;

/** Chats with what a list shows of them. `chosen` picks and orders rows `c` of chat_states. */
function selectChats(chosen: Sql, at: bigint | null): Sql {
  const until = at ?? UNBOUNDED;
  return sql`
    SELECT c.chat_id, c.kind, c.contract_id, c.name, c.status, a.chat_id IS NOT NULL AS is_active, c.created_at,
           greatest(c.updated_at, m.last_at) AS updated_at, coalesce(m.messages, 0) AS messages,
           coalesce(m.asked, 0) AS asked, q.answered
    FROM (${chosen}) c
    LEFT JOIN active_chats a ON a.scope_id = coalesce(c.contract_id, c.owner_id) AND a.chat_id = c.chat_id AND ${heldAt('a', at)}
    CROSS JOIN LATERAL (
      SELECT count(*) AS messages, max(m.created_at) AS last_at, sum(m.asked) AS asked
      FROM chat_messages m WHERE m.chat_id = c.chat_id AND m.position <= ${until}) m
    CROSS JOIN LATERAL (
      SELECT count(*) AS answered FROM chat_answers q WHERE q.chat_id = c.chat_id AND q.position <= ${until}) q
    ORDER BY c.created_at DESC, c.chat_id DESC`;
}

/** A chat of a scope, as it stands or stood; null if there is none of this id. */
export async function chatOf(
  db: Queryable,
  scope: ChatScope,
  chatId: string,
  at: bigint | null,
): Promise<ChatResponse | null> {
  const chosen = sql`SELECT c.* FROM chat_states c WHERE c.chat_id = ${chatId} AND ${inScope(scope)} AND ${heldAt('c', at)}`;
  const [row] = await db.query<ChatRow>(selectChats(chosen, at));
  return row ? toChat(row) : null;
}

export interface ChatFilters {
  readonly active?: boolean | undefined;
  readonly status?: string | undefined;
  readonly limit: number;
  /** Created before this chat was (exclusive), for the next page. */
  readonly after?: readonly [createdAt: string, id: string] | undefined;
}

/** The chats of a scope, newest first. */
export async function chatsBy(
  db: Queryable,
  scope: ChatScope,
  { active, status, limit, after }: ChatFilters,
  at: bigint | null,
): Promise<readonly ChatResponse[]> {
  const chosen = sql`
    SELECT c.* FROM chat_states c WHERE ${inScope(scope)} AND ${heldAt('c', at)}
      ${status === undefined ? nothing : sql`AND c.status = ${status}`}
      ${
        active === undefined
          ? nothing
          : sql`AND ${active} = EXISTS (
        SELECT FROM active_chats a WHERE a.scope_id = coalesce(c.contract_id, c.owner_id) AND a.chat_id = c.chat_id AND ${heldAt('a', at)})`
      }
      ${after === undefined ? nothing : sql`AND (c.created_at, c.chat_id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`}
    ORDER BY c.created_at DESC, c.chat_id DESC LIMIT ${limit}`;
  return (await db.query<ChatRow>(selectChats(chosen, at))).map(toChat);
}

const toChat = (row: ChatRow): ChatResponse => ({
  id: row.chat_id,
  kind: row.kind,
  contractId: row.contract_id,
  name: unescapeText(row.name),
  status: row.status,
  isActive: row.is_active,
  messageCount: Number(row.messages),
  openQuestions: Number(row.asked) - Number(row.answered),
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

interface MessageRow {
  chat_id: string;
  version: bigint;
  message_id: string;
  position: bigint;
  role: ChatRole;
  content: string;
  context_type: ContextType;
  context_task_id: string | null;
  tool_calls: string | null;
  questions: string | null;
  extra: string | null;
  created_at: Date;
}

interface AnswerRow {
  question_id: string;
  answer: string;
  actor: string;
  answered_at: Date;
}

export interface MessagePageOptions {
  readonly order: 'oldest' | 'newest';
  readonly limit: number;
  /** The last message of the former page, as the chat's version at it (exclusive). */
  readonly after: number | null;
}

export interface MessagePage {
  readonly messages: readonly ChatMessage[];
  /** For `after`; null after the last page. */
  readonly next: number | null;
}

/** A page of a chat's messages; long texts come from their blobs. */
export async function chatMessages(
  db: Queryable,
  blobs: BlobStore,
  ownerId: string,
  chatId: string,
  { order, limit, after }: MessagePageOptions,
  at: bigint | null,
): Promise<MessagePage> {
  const newest = order === 'newest';
  const beyond = after === null ? nothing : sql`AND m.version ${newest ? sql`<` : sql`>`} ${after}`;
  const rows = await db.query<MessageRow>(sql`
    SELECT * FROM chat_messages m WHERE m.chat_id = ${chatId} AND m.position <= ${at ?? UNBOUNDED} ${beyond}
    ORDER BY m.version ${newest ? sql`DESC` : sql`ASC`} LIMIT ${limit + 1}`);
  const page = rows.slice(0, limit);
  const answers = await answersTo(db, chatId, page, at);
  const messages = await hydrate(
    blobs,
    ownerId,
    page.map((row) => toMessage(row, answers)),
  );
  return { messages, next: rows.length > limit ? Number(page.at(-1)!.version) : null };
}

/** One message of a chat; null if it has none of this id. */
export async function chatMessage(
  db: Queryable,
  blobs: BlobStore,
  ownerId: string,
  chatId: string,
  messageId: string,
): Promise<ChatMessage | null> {
  const rows = await db.query<MessageRow>(
    sql`SELECT * FROM chat_messages m WHERE m.message_id = ${messageId} AND m.chat_id = ${chatId}`,
  );
  const [message] = await hydrate(
    blobs,
    ownerId,
    rows.map((row) => toMessage(row, new Map())),
  );
  return message ?? null;
}

async function answersTo(
  db: Queryable,
  chatId: string,
  rows: readonly MessageRow[],
  at: bigint | null,
): Promise<ReadonlyMap<string, AnswerRow>> {
  if (rows.every((row) => row.questions === null)) return new Map();
  const answers = await db.query<AnswerRow>(sql`
    SELECT question_id, answer, actor, answered_at FROM chat_answers WHERE chat_id = ${chatId} AND position <= ${at ?? UNBOUNDED}`);
  return new Map(answers.map((row) => [row.question_id, row]));
}

function toMessage(row: MessageRow, answers: ReadonlyMap<string, AnswerRow>): Message {
  const extra = row.extra === null ? {} : (fromColumnJson(row.extra) as { readonly content?: LongText });
  const questions = row.questions === null ? [] : (fromColumnJson(row.questions) as PendingQuestion[]);
  return {
    id: row.message_id,
    conversationId: row.chat_id,
    role: row.role,
    content: extra.content ?? unescapeText(row.content),
    contextType: row.context_type,
    contextTaskId: row.context_task_id,
    toolCalls: row.tool_calls === null ? [] : (fromColumnJson(row.tool_calls) as ChatToolCall[]),
    pendingQuestions: questions.map((question) => {
      const answer = answers.get(question.id);
      return {
        ...question,
        answer: answer ? unescapeText(answer.answer) : null,
        answeredAt: answer?.answered_at.toISOString() ?? null,
        answeredBy: answer ? (unescapeJson(answer.actor) as Actor) : null,
      };
    }),
    createdAt: row.created_at.toISOString(),
    position: row.position.toString(),
  };
}
