import { Body, Controller, Get, HttpCode, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '#libs/http/auth.guard.js';
import { setControlVersion } from '#libs/http/etag.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import { MessagesQuery } from '../conversation/conversation.dto.js';
import { RestoreSnapshotRequest, SnapshotsQuery, TakeSnapshotRequest } from './snapshot.dto.js';
import { Snapshots } from './snapshot.process.js';
import {
  SnapshotResponse,
  SnapshotRestoredResponse,
  SnapshotTakenResponse,
  SnapshotsResponse,
} from './snapshot.answers.dto.js';

@ApiTags('snapshot')
@Controller('api/v1/mesh/tasks/:taskId/snapshots')
export class SnapshotController {
  constructor(private readonly snapshots: Snapshots) {}

  @Post()
  @Requires('history:write')
  @ApiOperation({
    summary: 'Keep what a conversation shows now',
    description:
      'SPEC §5.3, by reference to its messages. Others are taken by themselves and with every checkpoint.',
  })
  @ApiCreatedResponse({ type: SnapshotTakenResponse })
  take(
    @IdParam('taskId') taskId: string,
    @Body() body: TakeSnapshotRequest,
    @Context() context: RequestContext,
  ): Promise<SnapshotTakenResponse> {
    return this.snapshots.take(taskId, body, context);
  }

  @Get()
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: "Snapshots of a task's conversation, newest first" })
  @ApiOkResponse({ type: SnapshotsResponse })
  list(
    @IdParam('taskId') taskId: string,
    @Query() query: SnapshotsQuery,
    @Context() context: RequestContext,
  ): Promise<SnapshotsResponse> {
    return this.snapshots.list(taskId, query, context);
  }

  @Get(':snapshotId')
  @Requires('history:read')
  @ApiOperation({
    summary: 'One snapshot with its messages',
    description: 'The messages as they stood when it was taken. Its ETag is the control version of the task.',
  })
  @ApiOkResponse({ type: SnapshotResponse })
  async show(
    @IdParam('taskId') taskId: string,
    @IdParam('snapshotId') snapshotId: string,
    @Query() query: MessagesQuery,
    @Context() context: RequestContext,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SnapshotResponse> {
    const snapshot = await this.snapshots.show(taskId, snapshotId, query, context);
    setControlVersion(response, snapshot.controlVersion);
    return snapshot;
  }

  @Post(':snapshotId/restore')
  @HttpCode(200)
  @Requires('conversation:rewind')
  @ApiOperation({
    summary: 'Show again what a snapshot holds',
    description:
      'Like a rewind: nothing is deleted, what is hidden stays readable as a branch, and it can be undone.',
  })
  @ApiOkResponse({ type: SnapshotRestoredResponse })
  restore(
    @IdParam('taskId') taskId: string,
    @IdParam('snapshotId') snapshotId: string,
    @Body() body: RestoreSnapshotRequest,
    @Context() context: RequestContext,
  ): Promise<SnapshotRestoredResponse> {
    return this.snapshots.restore(taskId, snapshotId, body, context);
  }
}
