import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam, TextParam } from '#libs/http/validation.js';
import { CHECKPOINT } from '../checkpoint/checkpoint-code.dto.js';
import { BlameQuery, BlameResponse } from './blame.dto.js';
import { Blame } from './blame.process.js';

@ApiTags('blame')
@Controller('api/v1/mesh/tasks/:taskId/checkpoints/:checkpointId/blame')
export class BlameController {
  constructor(private readonly blamed: Blame) {}

  @Get()
  @Requires('history:read')
  @ApiOperation({
    summary: 'Which checkpoint brought each line of a file, and which message made it',
    description:
      'From the hub: no daemon needs to run. Messages that a rewind has hidden are found too; their branch is said.',
  })
  @ApiOkResponse({ type: BlameResponse })
  blame(
    @IdParam('taskId') taskId: string,
    @TextParam('checkpointId', CHECKPOINT) checkpoint: string,
    @Query() query: BlameQuery,
    @Context() context: RequestContext,
  ): Promise<BlameResponse> {
    return this.blamed.blame(taskId, checkpoint, query, context);
  }
}
