import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam, TextParam } from '#libs/http/validation.js';
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
import { Chats, MESH } from './chat.process.js';
import {
  ChatChangedResponse,
  ChatMessageRecordedResponse,
  ChatMessagesResponse,
  ChatResponse,
  ChatsResponse,
  QuestionAnsweredResponse,
} from './chat.answers.dto.js';

@ApiTags('chat')
@Controller('api/v1/mesh/chats')
export class MeshChatController {
  constructor(private readonly chats: Chats) {}

  @Post()
  @Requires('chat:write')
  @ApiOperation({ summary: 'Open a mesh chat', description: 'It becomes the active one. Not for tool keys.' })
  @ApiCreatedResponse({ type: ChatChangedResponse })
  open(@Body() body: OpenChatRequest, @Context() context: RequestContext): Promise<ChatChangedResponse> {
    return this.chats.open(MESH, body, context);
  }

  @Get()
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: 'Mesh chats, newest first', description: 'SPEC §1.1 mesh_chat_conversations.' })
  @ApiOkResponse({ type: ChatsResponse })
  list(@Query() query: ChatsQuery, @Context() context: RequestContext): Promise<ChatsResponse> {
    return this.chats.list(MESH, query, context);
  }

  @Get(':chatId')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: 'One mesh chat' })
  @ApiOkResponse({ type: ChatResponse })
  show(@IdParam('chatId') chatId: string, @Context() context: RequestContext): Promise<ChatResponse> {
    return this.chats.show(MESH, chatId, context);
  }

  @Get(':chatId/messages')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: 'Messages of a mesh chat',
    description: 'SPEC §1.1 mesh_chat_messages; a question carries its answer once it has one.',
  })
  @ApiOkResponse({ type: ChatMessagesResponse })
  messages(
    @IdParam('chatId') chatId: string,
    @Query() query: ChatMessagesQuery,
    @Context() context: RequestContext,
  ): Promise<ChatMessagesResponse> {
    return this.chats.messages(MESH, chatId, query, context);
  }

  @Post(':chatId/messages')
  @Requires('chat:write')
  @ApiOperation({ summary: 'Record a message in a mesh chat' })
  @ApiCreatedResponse({ type: ChatMessageRecordedResponse })
  record(
    @IdParam('chatId') chatId: string,
    @Body() body: NewChatMessageRequest,
    @Context() context: RequestContext,
  ): Promise<ChatMessageRecordedResponse> {
    return this.chats.record(MESH, chatId, body, context);
  }

  @Post(':chatId/questions/:questionId/answer')
  @HttpCode(200)
  @Requires('chat:write')
  @ApiOperation({
    summary: 'Answer a pending question of a mesh chat',
    description: 'Once; also after the chat was closed.',
  })
  @ApiOkResponse({ type: QuestionAnsweredResponse })
  answer(
    @IdParam('chatId') chatId: string,
    @TextParam('questionId', QUESTION_ID) questionId: string,
    @Body() body: AnswerQuestionRequest,
    @Context() context: RequestContext,
  ): Promise<QuestionAnsweredResponse> {
    return this.chats.answer(MESH, chatId, questionId, body, context);
  }

  @Post(':chatId/rename')
  @HttpCode(200)
  @Requires('chat:write')
  @ApiOperation({ summary: 'Rename a mesh chat' })
  @ApiOkResponse({ type: ChatChangedResponse })
  rename(
    @IdParam('chatId') chatId: string,
    @Body() body: RenameChatRequest,
    @Context() context: RequestContext,
  ): Promise<ChatChangedResponse> {
    return this.chats.rename(MESH, chatId, body, context);
  }

  @Post(':chatId/close')
  @HttpCode(200)
  @Requires('chat:write')
  @ApiOperation({
    summary: 'Close a mesh chat',
    description: 'It can be read and reopened for ever. If it was the active one, none is.',
  })
  @ApiOkResponse({ type: ChatChangedResponse })
  close(
    @IdParam('chatId') chatId: string,
    @Body() body: ChangeChatRequest,
    @Context() context: RequestContext,
  ): Promise<ChatChangedResponse> {
    return this.chats.close(MESH, chatId, body, context);
  }

  @Post(':chatId/reopen')
  @HttpCode(200)
  @Requires('chat:write')
  @ApiOperation({
    summary: 'Make a mesh chat the active one',
    description: 'Whether it was closed or another one is active, which then no longer is.',
  })
  @ApiOkResponse({ type: ChatChangedResponse })
  reopen(
    @IdParam('chatId') chatId: string,
    @Body() body: ChangeChatRequest,
    @Context() context: RequestContext,
  ): Promise<ChatChangedResponse> {
    return this.chats.reopen(MESH, chatId, body, context);
  }
}
