import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { BlobStore } from '#libs/event-store/blob-store.js';
import { Requires } from '#libs/http/auth.guard.js';
import { notFound } from '#libs/kernel/caller.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { visibleTask } from '../task/task.guard.js';
import { checkpointsOf, wholeCheckpoint } from './checkpoint.queries.js';
import { CheckpointsQuery, TaskCheckpoint, TaskCheckpointsResponse } from './checkpoint.dto.js';

@ApiTags('checkpoint')
@Controller('api/v1/mesh/tasks/:taskId/checkpoints')
export class CheckpointController {
  constructor(
    private readonly reads: ReadModels,
    private readonly cursors: CursorCodec,
    @Inject(BlobStore) private readonly blobs: BlobStore,
  ) {}

  @Get()
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: "A task's checkpoints, newest first" })
  @ApiOkResponse({ type: TaskCheckpointsResponse })
  async list(
    @IdParam('taskId') taskId: string,
    @Query() query: CheckpointsQuery,
    @Context() context: RequestContext,
  ): Promise<TaskCheckpointsResponse> {
    const binding = { ownerId: context.caller.ownerId, route: `checkpoints/${taskId}/1`, filters: query };
    const below = query.cursor ? (this.cursors.open(binding, query.cursor)[0] as number) : null;
    return this.reads.read(context, async (db, at) => {
      await visibleTask(db, context.caller, taskId, at);
      const checkpoints = await checkpointsOf(db, taskId, { limit: query.limit, below, at });
      const full = checkpoints.length === query.limit;
      return {
        taskId,
        checkpoints,
        ...(full ? { cursor: this.cursors.seal(binding, [checkpoints.at(-1)!.checkpointNumber]) } : {}),
      };
    });
  }

  @Get(':checkpointId')
  @Requires('history:read')
  @ApiOperation({ summary: 'One checkpoint, with all of its files' })
  @ApiOkResponse({ type: TaskCheckpoint })
  show(
    @IdParam('taskId') taskId: string,
    @IdParam('checkpointId') checkpointId: string,
    @Context() context: RequestContext,
  ): Promise<TaskCheckpoint> {
    return this.reads.read(context, async (db) => {
      await visibleTask(db, context.caller, taskId);
      const { ownerId } = context.caller;
      const checkpoint = await wholeCheckpoint(db, this.blobs, { taskId, wanted: checkpointId, ownerId });
      if (!checkpoint) throw notFound('checkpoint', checkpointId);
      return checkpoint;
    });
  }
}
