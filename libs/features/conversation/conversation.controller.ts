import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
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
  read(
    @IdParam('taskId') taskId: string,
    @Query() query: ConversationQuery,
    @Context() context: RequestContext,
  ) {
    return this.conversations.read(taskId, query, context);
  }

  @Get('branches')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: "The tree of a task's conversation",
    description: 'Every branch, and the tasks forked from it.',
  })
  branches(@IdParam('taskId') taskId: string, @Context() context: RequestContext) {
    return this.conversations.branches(taskId, context);
  }

  @Post('conversation/rewind')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({
    summary: 'Take a conversation back',
    description: 'SPEC §4.2 for any task. Nothing is deleted: what is hidden stays readable as a branch.',
  })
  rewind(
    @IdParam('taskId') taskId: string,
    @Body() body: RewindConversationRequest,
    @Context() context: RequestContext,
  ) {
    return this.conversations.rewind(taskId, body, context);
  }

  @Post('conversation/undo')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({ summary: 'Undo a rewind', description: 'Also after new messages: these become a branch.' })
  undo(
    @IdParam('taskId') taskId: string,
    @Body() body: UndoRewindRequest,
    @Context() context: RequestContext,
  ) {
    return this.conversations.undo(taskId, body, context);
  }
}
