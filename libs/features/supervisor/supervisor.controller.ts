import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { IsId, IsOneOf, IsText } from '#libs/http/fields.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import {
  ConversationQuery,
  RewindConversationRequest,
  UndoRewindRequest,
} from '../conversation/conversation.dto.js';
import { Supervisors } from './supervisor.process.js';

/** SPEC §3.1. */
export class ResumeSupervisorRequest {
  @IsId({ description: 'The daemon that is to go on with it.', optional: true })
  targetDaemonId?: string;

  @IsOneOf(['continue', 'restart_phase', 'from_checkpoint'], {
    description: 'How to go on.',
    optional: true,
    default: 'continue',
  })
  resumeMode: 'continue' | 'restart_phase' | 'from_checkpoint' = 'continue';

  @IsId({ description: 'For from_checkpoint: the checkpoint.', optional: true })
  checkpointId?: string;

  @IsText({ max: 100_000, description: 'What else the agent is told.', optional: true })
  additionalContext?: string;
}

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
  read(
    @IdParam('contractId') contractId: string,
    @Query() query: ConversationQuery,
    @Context() context: RequestContext,
  ) {
    return this.supervisors.conversation(contractId, query, context);
  }

  @Get('conversation/branches')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: "The tree of a supervisor's conversation" })
  branches(@IdParam('contractId') contractId: string, @Context() context: RequestContext) {
    return this.supervisors.branches(contractId, context);
  }

  @Post('conversation/rewind')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({ summary: "Take a supervisor's conversation back", description: 'SPEC §4.2.' })
  rewind(
    @IdParam('contractId') contractId: string,
    @Body() body: RewindConversationRequest,
    @Context() context: RequestContext,
  ) {
    return this.supervisors.rewind(contractId, body, context);
  }

  @Post('conversation/undo')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({ summary: 'Undo a rewind of a supervisor' })
  undo(
    @IdParam('contractId') contractId: string,
    @Body() body: UndoRewindRequest,
    @Context() context: RequestContext,
  ) {
    return this.supervisors.undo(contractId, body, context);
  }

  @Post('resume')
  @HttpCode(202)
  @Requires('history:write')
  @ApiOperation({
    summary: 'Resume an interrupted supervisor',
    description: 'SPEC §3.1. Answers 409 NO_DAEMON while no daemon is connected.',
  })
  resume(
    @IdParam('contractId') contractId: string,
    @Body() _body: ResumeSupervisorRequest,
    @Context() context: RequestContext,
  ) {
    return this.supervisors.resume(contractId, context);
  }
}
