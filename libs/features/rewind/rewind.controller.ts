import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import {
  CompletedRewindRequest,
  FailedRewindRequest,
  PreparedRewindRequest,
  RewindAnswer,
  RewindsQuery,
  RewindsResponse,
  RewindTaskRequest,
  RewindTaskResponse,
  UndoTaskRewindRequest,
} from './rewind.dto.js';
import { RewindReports } from './rewind-reports.process.js';
import { Rewinds } from './rewind.process.js';

@ApiTags('rewind')
@Controller('api/v1/mesh/tasks/:taskId')
export class RewindController {
  constructor(
    private readonly rewinds: Rewinds,
    private readonly reports: RewindReports,
  ) {}

  @Post('rewind')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({
    summary: 'Take code, conversation or both back',
    description:
      'SPEC §4.1. What is there is kept as a checkpoint first, and the rewind can be undone. Waits up to 10 s; `phase` says how far it is. A dry run takes a checkpoint of the folder, if its daemon is connected, and compares with that.',
  })
  @ApiOkResponse({ type: RewindTaskResponse })
  rewind(
    @IdParam('taskId') taskId: string,
    @Body() body: RewindTaskRequest,
    @Context() context: RequestContext,
  ): Promise<RewindTaskResponse> {
    return this.rewinds.rewind(taskId, body, context);
  }

  @Post('rewind/undo')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({
    summary: 'Undo a rewind of code',
    description: 'Also after new work, which is kept as a checkpoint.',
  })
  @ApiOkResponse({ type: RewindTaskResponse })
  undo(
    @IdParam('taskId') taskId: string,
    @Body() body: UndoTaskRewindRequest,
    @Context() context: RequestContext,
  ): Promise<RewindTaskResponse> {
    return this.rewinds.undo(taskId, body, context);
  }

  @Get('rewinds')
  @Requires('history:read')
  @ApiOperation({ summary: "A task's rewinds of code, newest first" })
  @ApiOkResponse({ type: RewindsResponse })
  list(
    @IdParam('taskId') taskId: string,
    @Query() { limit }: RewindsQuery,
    @Context() context: RequestContext,
  ): Promise<RewindsResponse> {
    return this.rewinds.list(taskId, limit, context);
  }

  @Get('rewinds/:rewindId')
  @Requires('history:read')
  @ApiOperation({ summary: 'A rewind of code, as far as it has come' })
  @ApiOkResponse({ type: RewindAnswer })
  show(
    @IdParam('taskId') taskId: string,
    @IdParam('rewindId') rewindId: string,
    @Context() context: RequestContext,
  ): Promise<RewindAnswer> {
    return this.rewinds.show(taskId, rewindId, context);
  }

  @Post('rewinds/:rewindId/cancel')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({
    summary: 'Give a rewind up that is not committed',
    description: 'Nothing has changed then. A committed one is undone instead.',
  })
  @ApiOkResponse({ type: RewindAnswer })
  cancel(
    @IdParam('taskId') taskId: string,
    @IdParam('rewindId') rewindId: string,
    @Context() context: RequestContext,
  ): Promise<RewindAnswer> {
    return this.rewinds.cancel(taskId, rewindId, context);
  }

  @Post('rewinds/:rewindId/prepared')
  @HttpCode(200)
  @Requires('daemon:work')
  @ApiOperation({ summary: 'For daemons: what is there is kept; commit the rewind' })
  @ApiOkResponse({ type: RewindAnswer })
  prepared(
    @IdParam('taskId') taskId: string,
    @IdParam('rewindId') rewindId: string,
    @Body() body: PreparedRewindRequest,
    @Context() context: RequestContext,
  ): Promise<RewindAnswer> {
    return this.reports.prepared(taskId, rewindId, body, context);
  }

  @Post('rewinds/:rewindId/completed')
  @HttpCode(200)
  @Requires('daemon:work')
  @ApiOperation({ summary: 'For daemons: the folder shows the target' })
  @ApiOkResponse({ type: RewindAnswer })
  completed(
    @IdParam('taskId') taskId: string,
    @IdParam('rewindId') rewindId: string,
    @Body() body: CompletedRewindRequest,
    @Context() context: RequestContext,
  ): Promise<RewindAnswer> {
    return this.reports.completed(taskId, rewindId, body, context);
  }

  @Post('rewinds/:rewindId/failed')
  @HttpCode(200)
  @Requires('daemon:work')
  @ApiOperation({ summary: 'For daemons: it cannot be done, and nothing has changed' })
  @ApiOkResponse({ type: RewindAnswer })
  failed(
    @IdParam('taskId') taskId: string,
    @IdParam('rewindId') rewindId: string,
    @Body() body: FailedRewindRequest,
    @Context() context: RequestContext,
  ): Promise<RewindAnswer> {
    return this.reports.failed(taskId, rewindId, body, context);
  }
}
