import {
  Body,
  Controller,
  createParamDecorator,
  Get,
  HttpCode,
  Post,
  Query,
  type ExecutionContext,
} from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { Requires } from '#libs/http/auth.guard.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { idOf, IdParam, TextParam } from '#libs/http/validation.js';
import {
  AnswerQuestionRequest,
  ChangeChatRequest,
  ChatMessagesQuery,
  ChatsQuery,
  NewChatMessageRequest,
  OpenChatRequest,
  QUESTION_ID,
  RenameChatRequest,
} from './chat.dto.js';
import type { ChatScope } from './chat.decider.js';
import { Chats, MESH, ofContract } from './chat.process.js';
import {
  ChatChangedResponse,
  ChatMessageRecordedResponse,
  ChatMessagesResponse,
  ChatResponse,
  ChatsResponse,
  QuestionAnsweredResponse,
} from './chat.answers.dto.js';

/** The chats that a path is about: those of the contract that it names, else the mesh's. */
const Scope = createParamDecorator((_: unknown, execution: ExecutionContext): ChatScope => {
  const { contractId } = execution.switchToHttp().getRequest<Request<{ contractId?: string }>>().params;
  return contractId === undefined ? MESH : ofContract(idOf('contractId', contractId));
});

/** What can be done with chats, wherever they are. */
@ApiTags('chat')
abstract class ChatRoutes {
  constructor(private readonly chats: Chats) {}

  @Post()
  @Requires('chat:write')
  @ApiOperation({
    summary: 'Open a chat',
    description: 'It becomes the active one. A tool key opens chats of its own contract only.',
  })
  @ApiCreatedResponse({ type: ChatChangedResponse })
  open(
    @Scope() scope: ChatScope,
    @Body() body: OpenChatRequest,
    @Context() context: RequestContext,
  ): Promise<ChatChangedResponse> {
    return this.chats.open(scope, body, context);
  }

  @Get()
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: 'Chats, newest first',
    description: 'SPEC §1.1 mesh_chat_conversations and contract_chat_conversations.',
  })
  @ApiOkResponse({ type: ChatsResponse })
  list(
    @Scope() scope: ChatScope,
    @Query() query: ChatsQuery,
    @Context() context: RequestContext,
  ): Promise<ChatsResponse> {
    return this.chats.list(scope, query, context);
  }

  @Get(':chatId')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: 'One chat' })
  @ApiOkResponse({ type: ChatResponse })
  show(
    @Scope() scope: ChatScope,
    @IdParam('chatId') chatId: string,
    @Context() context: RequestContext,
  ): Promise<ChatResponse> {
    return this.chats.show(scope, chatId, context);
  }

  @Get(':chatId/messages')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: 'Messages of a chat',
    description:
      'SPEC §1.1 mesh_chat_messages and contract_chat_messages; a question carries its answer once it has one.',
  })
  @ApiOkResponse({ type: ChatMessagesResponse })
  messages(
    @Scope() scope: ChatScope,
    @IdParam('chatId') chatId: string,
    @Query() query: ChatMessagesQuery,
    @Context() context: RequestContext,
  ): Promise<ChatMessagesResponse> {
    return this.chats.messages(scope, chatId, query, context);
  }

  @Post(':chatId/messages')
  @Requires('chat:write')
  @ApiOperation({ summary: 'Record a message in a chat' })
  @ApiCreatedResponse({ type: ChatMessageRecordedResponse })
  record(
    @Scope() scope: ChatScope,
    @IdParam('chatId') chatId: string,
    @Body() body: NewChatMessageRequest,
    @Context() context: RequestContext,
  ): Promise<ChatMessageRecordedResponse> {
    return this.chats.record(scope, chatId, body, context);
  }

  @Post(':chatId/questions/:questionId/answer')
  @HttpCode(200)
  @Requires('chat:write')
  @ApiOperation({
    summary: 'Answer a pending question of a chat',
    description: 'Once; also after the chat was closed.',
  })
  @ApiOkResponse({ type: QuestionAnsweredResponse })
  answer(
    @Scope() scope: ChatScope,
    @IdParam('chatId') chatId: string,
    @TextParam('questionId', QUESTION_ID) questionId: string,
    @Body() body: AnswerQuestionRequest,
    @Context() context: RequestContext,
  ): Promise<QuestionAnsweredResponse> {
    return this.chats.answer(scope, chatId, questionId, body, context);
  }

  @Post(':chatId/rename')
  @HttpCode(200)
  @Requires('chat:write')
  @ApiOperation({ summary: 'Rename a chat' })
  @ApiOkResponse({ type: ChatChangedResponse })
  rename(
    @Scope() scope: ChatScope,
    @IdParam('chatId') chatId: string,
    @Body() body: RenameChatRequest,
    @Context() context: RequestContext,
  ): Promise<ChatChangedResponse> {
    return this.chats.rename(scope, chatId, body, context);
  }

  @Post(':chatId/close')
  @HttpCode(200)
  @Requires('chat:write')
  @ApiOperation({
    summary: 'Close a chat',
    description: 'It can be read and reopened for ever. If it was the active one, none is.',
  })
  @ApiOkResponse({ type: ChatChangedResponse })
  close(
    @Scope() scope: ChatScope,
    @IdParam('chatId') chatId: string,
    @Body() body: ChangeChatRequest,
    @Context() context: RequestContext,
  ): Promise<ChatChangedResponse> {
    return this.chats.close(scope, chatId, body, context);
  }

  @Post(':chatId/reopen')
  @HttpCode(200)
  @Requires('chat:write')
  @ApiOperation({
    summary: 'Make a chat the active one',
    description: 'Whether it was closed or another one is active, which then no longer is.',
  })
  @ApiOkResponse({ type: ChatChangedResponse })
  reopen(
    @Scope() scope: ChatScope,
    @IdParam('chatId') chatId: string,
    @Body() body: ChangeChatRequest,
    @Context() context: RequestContext,
  ): Promise<ChatChangedResponse> {
    return this.chats.reopen(scope, chatId, body, context);
  }
}

/** Not for tool keys. */
@Controller('api/v1/mesh/chats')
export class MeshChatController extends ChatRoutes {}

@Controller('api/v1/contracts/:contractId/chats')
export class ContractChatController extends ChatRoutes {}
