import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import {
  ConversationQuery,
  RewindConversationRequest,
  UndoRewindRequest,
} from '../conversation/conversation.dto.js';
import { Supervisors } from './supervisor.process.js';
import { ConversationBranchesResponse } from '../conversation/branches.answers.dto.js';
import { ResumeSupervisorRequest, ResumeSupervisorResponse } from '../resume/resume.dto.js';
import { SupervisorConversationResponse, SupervisorMovedResponse } from './supervisor.dto.js';

@ApiTags('supervisor')
@Controller('api/v1/contracts/:contractId/supervisor')
export class SupervisorController {
  constructor(private readonly supervisors: Supervisors) {}

  @Get('conversation')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: "A supervisor's conversation, with the tasks that it spawned",
    description: 'SPEC §2.3.',
  })
  @ApiOkResponse({ type: SupervisorConversationResponse })
  read(
    @IdParam('contractId') contractId: string,
    @Query() query: ConversationQuery,
    @Context() context: RequestContext,
  ): Promise<SupervisorConversationResponse> {
    return this.supervisors.conversation(contractId, query, context);
  }

  @Get('conversation/branches')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: "The tree of a supervisor's conversation" })
  @ApiOkResponse({ type: ConversationBranchesResponse })
  branches(
    @IdParam('contractId') contractId: string,
    @Context() context: RequestContext,
  ): Promise<ConversationBranchesResponse> {
    return this.supervisors.branches(contractId, context);
  }

  @Post('conversation/rewind')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({ summary: "Take a supervisor's conversation back", description: 'SPEC §4.2.' })
  @ApiOkResponse({ type: SupervisorMovedResponse })
  rewind(
    @IdParam('contractId') contractId: string,
    @Body() body: RewindConversationRequest,
    @Context() context: RequestContext,
  ): Promise<SupervisorMovedResponse> {
    return this.supervisors.rewind(contractId, body, context);
  }

  @Post('conversation/undo')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({ summary: 'Undo a rewind of a supervisor' })
  @ApiOkResponse({ type: SupervisorMovedResponse })
  undo(
    @IdParam('contractId') contractId: string,
    @Body() body: UndoRewindRequest,
    @Context() context: RequestContext,
  ): Promise<SupervisorMovedResponse> {
    return this.supervisors.undo(contractId, body, context);
  }

  @Post('resume')
  @HttpCode(202)
  @Requires('history:write')
  @ApiOperation({
    summary: 'Resume an interrupted supervisor',
    description:
      'SPEC §3.1. It starts when a daemon takes it. 409 TASK_RUNNING while one works in it. A dry run says what its agent would be given.',
  })
  @ApiAcceptedResponse({ type: ResumeSupervisorResponse })
  resume(
    @IdParam('contractId') contractId: string,
    @Body() body: ResumeSupervisorRequest,
    @Context() context: RequestContext,
  ): Promise<ResumeSupervisorResponse> {
    return this.supervisors.resume(contractId, body, context);
  }
}
