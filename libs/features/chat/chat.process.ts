import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createdId } from '#libs/commands/command-context.js';
import type { Queryable } from '#libs/database/database.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { assertContract, notFound, type Caller } from '#libs/kernel/caller.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { positionToken } from '#libs/kernel/position.js';
import { Problem } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels, type ReadContext } from '#libs/projections/read-models.js';
import { contractOf } from '../contract/contract.queries.js';
import { visibleTask } from '../task/task.guard.js';
import type { ChatResponse } from './chat.answers.dto.js';
import { DispatchChat } from './chat.commands.js';
import type { ChatChange, ChatScope, ChatState } from './chat.decider.js';
import type {
  AnswerQuestionRequest,
  ChatMessagesQuery,
  ChatsQuery,
  NewChatMessageRequest,
  OpenChatRequest,
  RenameChatRequest,
} from './chat.dto.js';
import { messageOf, previewOf } from './chat.message.js';
import { chatMessage, chatMessages, chatOf, chatsBy } from './chat.queries.js';

type Changing = { readonly dryRun: boolean };

/** The chats of the mesh. */
export const MESH: ChatScope = { kind: 'mesh', contractId: null };
/** The chats of a contract. */
export const ofContract = (contractId: string): ChatScope => ({ kind: 'contract', contractId });

const SHOWN_BY = ['chat'];

/** What chats are asked to do over HTTP: those of the mesh and those of a contract alike. */
@Injectable()
export class Chats {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly cursors: CursorCodec,
    @Inject(BlobStore) private readonly blobs: BlobStore,
  ) {}

  async open(scope: ChatScope, { name, dryRun }: OpenChatRequest, context: RequestContext) {
    if (scope.contractId !== null) await this.reads.catchUpWithLog();
    await this.reads.read({ caller: context.caller }, (db) => assertScope(db, scope, context.caller, null));
    const chatId = createdId(context, 'chat');
    const data = { chatId, ...scope, name };
    const { position } = await this.commands.execute(
      new DispatchChat(chatId, { type: 'OpenChat', data }, context, { dryRun }),
    );
    if (!dryRun) return this.#shown(scope, chatId, position, context);
    const now = context.now.toISOString();
    const chat: ChatResponse = {
      id: chatId,
      ...scope,
      name,
      status: 'open',
      isActive: true,
      messageCount: 0,
      openQuestions: 0,
      createdAt: now,
      updatedAt: now,
    };
    return { ...chat, dryRun, position: positionToken(position) };
  }

  async list(scope: ChatScope, query: ChatsQuery, context: ReadContext) {
    const binding = {
      ownerId: context.caller.ownerId,
      route: `chats/${scope.contractId ?? 'mesh'}/1`,
      filters: query,
    };
    const after = query.cursor ? (this.cursors.open(binding, query.cursor) as [string, string]) : undefined;
    const { active, status, limit } = query;
    const chats = await this.reads.read(context, async (db, at) => {
      await assertScope(db, scope, context.caller, at);
      return chatsBy(db, scope, { active, status, limit: limit + 1, after }, at);
    });
    const shown = chats.slice(0, limit);
    const last = chats.length > limit ? shown.at(-1) : undefined;
    return {
      chats: shown,
      ...(last ? { cursor: this.cursors.seal(binding, [last.createdAt, last.id]) } : {}),
    };
  }

  /** @throws Problem NOT_FOUND for a chat of another owner or scope, or outside of a tool key's contract. */
  async show(scope: ChatScope, chatId: string, context: ReadContext): Promise<ChatResponse> {
    return this.reads.read(context, (db, at) => requireChat(db, scope, chatId, context.caller, at));
  }

  async messages(scope: ChatScope, chatId: string, query: ChatMessagesQuery, context: ReadContext) {
    const { ownerId } = context.caller;
    const binding = { ownerId, route: `chat-messages/${chatId}/1`, filters: query };
    const after = query.cursor ? (this.cursors.open(binding, query.cursor)[0] as number) : null;
    return this.reads.read(context, async (db, at) => {
      const { messageCount } = await requireChat(db, scope, chatId, context.caller, at);
      const { order, limit } = query;
      const { messages, next } = await chatMessages(
        db,
        this.blobs,
        ownerId,
        chatId,
        { order, limit, after },
        at,
      );
      return {
        conversationId: chatId,
        messages,
        totalCount: messageCount,
        ...(next === null ? {} : { cursor: this.cursors.seal(binding, [next]) }),
      };
    });
  }

  async record(scope: ChatScope, chatId: string, request: NewChatMessageRequest, context: RequestContext) {
    assertContract(context.caller, scope.contractId);
    const { dryRun, contextTaskId } = request;
    const data = messageOf(scope, createdId(context, `message of ${chatId}`), request);
    if (contextTaskId !== undefined) await this.#assertTask(scope, chatId, contextTaskId, context);
    const { position } = await this.#change(
      scope,
      chatId,
      { type: 'RecordChatMessage', data },
      { dryRun },
      context,
    );
    const { ownerId } = context.caller;
    const recorded = dryRun
      ? null
      : await this.reads.read({ caller: context.caller }, (db) =>
          chatMessage(db, this.blobs, ownerId, chatId, data.messageId),
        );
    return { ...(recorded ?? previewOf(chatId, data, context)), dryRun, position: positionToken(position) };
  }

  async answer(
    scope: ChatScope,
    chatId: string,
    questionId: string,
    { answer, dryRun }: AnswerQuestionRequest,
    context: RequestContext,
  ) {
    const { position } = await this.#change(
      scope,
      chatId,
      { type: 'AnswerQuestion', questionId, answer },
      { dryRun },
      context,
    );
    return { conversationId: chatId, questionId, answer, dryRun, position: positionToken(position) };
  }

  rename(scope: ChatScope, chatId: string, { name, dryRun }: RenameChatRequest, context: RequestContext) {
    return this.#changeState(scope, chatId, { type: 'RenameChat', name }, { dryRun }, context);
  }

  close(scope: ChatScope, chatId: string, request: Changing, context: RequestContext) {
    return this.#changeState(scope, chatId, { type: 'CloseChat' }, request, context);
  }

  /** Makes a chat the active one, whether it was closed or another one is active. */
  async reopen(scope: ChatScope, chatId: string, request: Changing, context: RequestContext) {
    await this.reads.catchUpWithLog();
    const { isActive } = await this.show(scope, chatId, { caller: context.caller });
    return this.#changeState(scope, chatId, { type: 'ReopenChat', active: isActive }, request, context);
  }

  async #changeState(
    scope: ChatScope,
    chatId: string,
    change: ChatChange,
    { dryRun }: Changing,
    context: RequestContext,
  ) {
    const { state, position } = await this.#change(scope, chatId, change, { dryRun }, context);
    if (!dryRun) return this.#shown(scope, chatId, position, context);
    const chat = await this.show(scope, chatId, { caller: context.caller });
    const { kind: status, name } = state as Extract<ChatState, { kind: 'open' | 'closed' }>;
    const isActive = change.type === 'ReopenChat' || (status === 'open' && chat.isActive);
    return { ...chat, name, status, isActive, dryRun, position: positionToken(position) };
  }

  async #change(
    scope: ChatScope,
    chatId: string,
    change: ChatChange,
    { dryRun }: Changing,
    context: RequestContext,
  ) {
    assertContract(context.caller, scope.contractId);
    const outcome = await this.commands.execute(
      new DispatchChat(chatId, { ...change, scope }, context, { dryRun }),
    );
    await this.reads.catchUpWritten(outcome.position, SHOWN_BY, { chatId });
    return outcome;
  }

  async #shown(scope: ChatScope, chatId: string, position: bigint, context: RequestContext) {
    await this.reads.catchUpWritten(position, SHOWN_BY, { chatId });
    return {
      ...(await this.show(scope, chatId, { caller: context.caller })),
      dryRun: false,
      position: positionToken(position),
    };
  }

  /** In a contract's chat only its own tasks can be meant. A chat that is not there is said first. */
  async #assertTask(
    scope: ChatScope,
    chatId: string,
    taskId: string,
    { caller }: RequestContext,
  ): Promise<void> {
    await this.reads.catchUpWithLog();
    const task = await this.reads.read({ caller }, async (db) => {
      await requireChat(db, scope, chatId, caller, null);
      return visibleTask(db, caller, taskId);
    });
    if (scope.contractId === null || task.contractId === scope.contractId) return;
    throw new Problem(
      'TASK_ELSEWHERE',
      `Task ${taskId} does not belong to contract ${scope.contractId}. Name one of its own tasks.`,
    );
  }
}

/**
 * Tool keys reach the chats of their own contract, and none of the mesh.
 * @throws Problem NOT_FOUND for a contract of another owner, or another than a tool key's.
 */
async function assertScope(
  db: Queryable,
  scope: ChatScope,
  caller: Caller,
  at: bigint | null,
): Promise<void> {
  assertContract(caller, scope.contractId);
  if (scope.contractId === null || (await contractOf(db, scope.contractId, at))) return;
  throw notFound('contract', scope.contractId);
}

async function requireChat(
  db: Queryable,
  scope: ChatScope,
  chatId: string,
  caller: Caller,
  at: bigint | null,
): Promise<ChatResponse> {
  await assertScope(db, scope, caller, at);
  const chat = await chatOf(db, scope, chatId, at);
  if (!chat) throw notFound('chat', chatId);
  return chat;
}
