import { Body, Controller, Get, HttpCode, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '#libs/http/auth.guard.js';
import { setControlVersion } from '#libs/http/etag.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import type { LeaseHeld } from '../lease/lease.decider.js';
import { AcceptsLease, SpeaksUnder } from '../lease/lease.guard.js';
import { RecordActivityRequest } from './activity.dto.js';
import { Forks } from './fork.process.js';
import {
  CreateTaskRequest,
  ForkTaskRequest,
  ReassignTaskRequest,
  ReportTestsRequest,
  TasksQuery,
} from './task.dto.js';
import { Tasks } from './task.process.js';
import {
  ActivityRecordedResponse,
  ForkTaskResponse,
  ReassignTaskResponse,
  TaskCreatedResponse,
  TaskResponse,
  TasksResponse,
  TestsReportedResponse,
} from './task.answers.dto.js';

@ApiTags('task')
@Controller('api/v1/mesh/tasks')
export class TaskController {
  constructor(
    private readonly tasks: Tasks,
    private readonly forks: Forks,
  ) {}

  @Post()
  @Requires('history:write')
  @ApiOperation({ summary: 'Create a task', description: 'SPEC §3.4.' })
  @ApiCreatedResponse({ type: TaskCreatedResponse })
  create(@Body() body: CreateTaskRequest, @Context() context: RequestContext): Promise<TaskCreatedResponse> {
    return this.tasks.create(body, context);
  }

  @Get()
  @Requires('history:read')
  @ApiOperation({ summary: 'Tasks, newest first' })
  @ApiOkResponse({ type: TasksResponse })
  list(@Query() query: TasksQuery, @Context() context: RequestContext): Promise<TasksResponse> {
    return this.tasks.list(query, context);
  }

  @Get(':taskId')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: 'One task',
    description: 'Its ETag is the control version that rewinds are tied to.',
  })
  @ApiOkResponse({ type: TaskResponse })
  async show(
    @IdParam('taskId') taskId: string,
    @Context() context: RequestContext,
    @Res({ passthrough: true }) response: Response,
  ): Promise<TaskResponse> {
    const task = await this.tasks.show(taskId, context);
    setControlVersion(response, task.controlVersion);
    return task;
  }

  @Post(':taskId/activity')
  @HttpCode(200)
  @Requires('history:write')
  @AcceptsLease()
  @ApiOperation({
    summary: 'Record what happened in a task',
    description:
      'A batch, all or none; items that the task has already are passed over. Texts, lists of files and inputs over 256 KiB are kept apart; besides those an item may have 900 KB and a batch 1 MB (413 beyond).',
  })
  @ApiOkResponse({ type: ActivityRecordedResponse })
  record(
    @IdParam('taskId') taskId: string,
    @Body() body: RecordActivityRequest,
    @Context() context: RequestContext,
    @SpeaksUnder() lease: LeaseHeld | undefined,
  ): Promise<ActivityRecordedResponse> {
    return this.tasks.record(taskId, body, context, lease);
  }

  @Post(':taskId/fork')
  @Requires('conversation:rewind')
  @ApiOperation({
    summary: 'Fork a task from a point of its history',
    description: 'SPEC §4.3; the earlier flat shape is accepted too.',
  })
  @ApiCreatedResponse({ type: ForkTaskResponse })
  fork(
    @IdParam('taskId') taskId: string,
    @Body() body: ForkTaskRequest,
    @Context() context: RequestContext,
  ): Promise<ForkTaskResponse> {
    return this.forks.fork(taskId, body, context);
  }

  @Post(':taskId/reassign')
  @HttpCode(202)
  @Requires('history:write')
  @ApiOperation({
    summary: 'Give a task to another daemon',
    description: 'SPEC §1.3. It moves when that daemon takes it.',
  })
  @ApiAcceptedResponse({ type: ReassignTaskResponse })
  reassign(
    @IdParam('taskId') taskId: string,
    @Body() body: ReassignTaskRequest,
    @Context() context: RequestContext,
  ): Promise<ReassignTaskResponse> {
    return this.tasks.reassign(taskId, body, context);
  }

  @Post(':taskId/tests')
  @HttpCode(200)
  @Requires('history:write')
  @ApiOperation({
    summary: "Say how a task's tests came out",
    description:
      'On the folder as it is now, of which a checkpoint is taken; without a daemon, on the newest checkpoint. `lastGreen` of a rewind goes by it.',
  })
  @ApiOkResponse({ type: TestsReportedResponse })
  reportTests(
    @IdParam('taskId') taskId: string,
    @Body() body: ReportTestsRequest,
    @Context() context: RequestContext,
  ): Promise<TestsReportedResponse> {
    return this.tasks.reportTests(taskId, body, context);
  }
}
