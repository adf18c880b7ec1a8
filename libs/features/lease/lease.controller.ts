import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '#libs/http/auth.guard.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import {
  AnswerCheckpointRequest,
  CheckpointAnsweredResponse,
  CheckpointRequestedResponse,
  LeaseEndedResponse,
  LeaseRequest,
  LeaseResponse,
  ReleaseLeaseRequest,
  RequestCheckpointRequest,
  StartTaskRequest,
  StartTaskResponse,
  StopTaskRequest,
} from './lease.dto.js';
import { Leases } from './lease.process.js';
import { Runs } from './run.process.js';

@ApiTags('daemon')
@Controller('api/v1/mesh/tasks/:taskId')
export class LeaseController {
  constructor(
    private readonly leases: Leases,
    private readonly runs: Runs,
  ) {}

  @Post('start')
  @HttpCode(202)
  @Requires('history:write')
  @ApiOperation({ summary: 'Start a task', description: 'Its agent starts when a daemon takes the task.' })
  @ApiAcceptedResponse({ type: StartTaskResponse })
  start(
    @IdParam('taskId') taskId: string,
    @Body() body: StartTaskRequest,
    @Context() context: RequestContext,
  ): Promise<StartTaskResponse> {
    return this.runs.start(taskId, body, context);
  }

  @Post('stop')
  @HttpCode(200)
  @Requires('history:write')
  @ApiOperation({
    summary: 'Stop the agent of a task',
    description:
      'What it says from now on is refused, and its daemon is told. Calls that it left open get a result of unknown outcome.',
  })
  @ApiOkResponse({ type: LeaseEndedResponse })
  stop(
    @IdParam('taskId') taskId: string,
    @Body() body: StopTaskRequest,
    @Context() context: RequestContext,
  ): Promise<LeaseEndedResponse> {
    return this.runs.stop(taskId, body, context);
  }

  @Post('checkpoint-requests')
  @Requires('history:write')
  @ApiOperation({
    summary: 'Ask for a checkpoint of the folder as it is',
    description:
      '201 with the checkpoint where the daemon takes it within 5 s; 202 where it is not connected or takes longer.',
  })
  @ApiCreatedResponse({ type: CheckpointRequestedResponse })
  @ApiAcceptedResponse({ type: CheckpointRequestedResponse })
  async requestCheckpoint(
    @IdParam('taskId') taskId: string,
    @Body() body: RequestCheckpointRequest,
    @Context() context: RequestContext,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CheckpointRequestedResponse> {
    const answer = await this.runs.requestCheckpoint(taskId, body, context);
    response.status(answer.checkpoint ? 201 : 202);
    return answer;
  }

  @Post('checkpoint-requests/:requestId/answer')
  @HttpCode(200)
  @Requires('daemon:work')
  @ApiOperation({
    summary: 'Say which checkpoint shows the folder',
    description: 'After it was recorded. Repeating it changes nothing.',
  })
  @ApiOkResponse({ type: CheckpointAnsweredResponse })
  answerCheckpoint(
    @IdParam('taskId') taskId: string,
    @IdParam('requestId') requestId: string,
    @Body() body: AnswerCheckpointRequest,
    @Context() context: RequestContext,
  ): Promise<CheckpointAnsweredResponse> {
    return this.leases.answerCheckpoint(taskId, requestId, body, context);
  }

  @Post('lease')
  @Requires('daemon:work')
  @ApiOperation({
    summary: 'Take a task',
    description:
      'For connected daemons. With an Idempotency-Key it may be repeated until an answer arrives. 409 LEASE_TAKEN, NOTHING_TO_RUN, TASK_BUSY; CHECKPOINT_NOT_SAFE where the code is on the disk of another daemon alone.',
  })
  @ApiCreatedResponse({ type: LeaseResponse })
  lease(
    @IdParam('taskId') taskId: string,
    @Body() body: LeaseRequest,
    @Context() context: RequestContext,
  ): Promise<LeaseResponse> {
    return this.leases.lease(taskId, body, context);
  }

  @Post('lease/release')
  @HttpCode(200)
  @Requires('daemon:work')
  @ApiOperation({
    summary: 'Give a task back',
    description:
      'Calls left open get a result of unknown outcome. Repeating it changes nothing; 409 LEASE_STALE.',
  })
  @ApiOkResponse({ type: LeaseEndedResponse })
  release(
    @IdParam('taskId') taskId: string,
    @Body() body: ReleaseLeaseRequest,
    @Context() context: RequestContext,
  ): Promise<LeaseEndedResponse> {
    return this.leases.release(taskId, body, context);
  }
}
