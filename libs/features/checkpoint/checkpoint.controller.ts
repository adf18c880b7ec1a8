import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { notFound } from '#libs/http/caller.js';
import { IsText, IsWhole } from '#libs/http/fields.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { visibleTask } from '../task/task.guard.js';
import { checkpointBy, checkpointsOf } from './checkpoint.queries.js';

export class CheckpointsQuery {
  @IsWhole({ min: 1, max: 1_000, description: 'Checkpoints at most.', optional: true, default: 100 })
  limit = 100;

  @IsText({ max: 2_000, description: 'Where the former page ended.', optional: true })
  cursor?: string;
}

@ApiTags('checkpoint')
@Controller('api/v1/mesh/tasks/:taskId/checkpoints')
export class CheckpointController {
  constructor(
    private readonly reads: ReadModels,
    private readonly cursors: CursorCodec,
  ) {}

  @Get()
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: "A task's checkpoints, newest first" })
  async list(
    @IdParam('taskId') taskId: string,
    @Query() query: CheckpointsQuery,
    @Context() context: RequestContext,
  ) {
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
  @ApiOperation({ summary: 'One checkpoint' })
  show(
    @IdParam('taskId') taskId: string,
    @IdParam('checkpointId') checkpointId: string,
    @Context() context: RequestContext,
  ) {
    return this.reads.read(context, async (db) => {
      await visibleTask(db, context.caller, taskId);
      const checkpoint = await checkpointBy(db, taskId, checkpointId);
      if (!checkpoint) throw notFound('checkpoint', checkpointId);
      return checkpoint;
    });
  }
}
