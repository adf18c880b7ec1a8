import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import { ConversationBranchesResponse, ConversationMovedResponse } from './branches.answers.dto.js';
import { TaskConversationResponse } from './conversation.answers.dto.js';
import { ConversationQuery, RewindConversationRequest, UndoRewindRequest } from './conversation.dto.js';
import { Conversations } from './conversation.process.js';

@ApiTags('conversation')
@Controller('api/v1/mesh/tasks/:taskId')
export class ConversationController {
  constructor(private readonly conversations: Conversations) {}

  @Get('conversation')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: "A task's conversation",
    description: 'SPEC §2.2. Abandoned branches are readable by their number.',
  })
  @ApiOkResponse({ type: TaskConversationResponse })
  read(
    @IdParam('taskId') taskId: string,
    @Query() query: ConversationQuery,
    @Context() context: RequestContext,
  ): Promise<TaskConversationResponse> {
    return this.conversations.read(taskId, query, context);
  }

  @Get('branches')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: "The tree of a task's conversation",
    description: 'Every branch, and the tasks forked from it.',
  })
  @ApiOkResponse({ type: ConversationBranchesResponse })
  branches(
    @IdParam('taskId') taskId: string,
    @Context() context: RequestContext,
  ): Promise<ConversationBranchesResponse> {
    return this.conversations.branches(taskId, context);
  }

  @Post('conversation/rewind')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({
    summary: 'Take a conversation back',
    description: 'SPEC §4.2 for any task. Nothing is deleted: what is hidden stays readable as a branch.',
  })
  @ApiOkResponse({ type: ConversationMovedResponse })
  rewind(
    @IdParam('taskId') taskId: string,
    @Body() body: RewindConversationRequest,
    @Context() context: RequestContext,
  ): Promise<ConversationMovedResponse> {
    return this.conversations.rewind(taskId, body, context);
  }

  @Post('conversation/undo')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({ summary: 'Undo a rewind', description: 'Also after new messages: these become a branch.' })
  @ApiOkResponse({ type: ConversationMovedResponse })
  undo(
    @IdParam('taskId') taskId: string,
    @Body() body: UndoRewindRequest,
    @Context() context: RequestContext,
  ): Promise<ConversationMovedResponse> {
    return this.conversations.undo(taskId, body, context);
  }
}
