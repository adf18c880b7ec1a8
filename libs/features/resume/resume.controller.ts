import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import { NewTasks } from './new-task.process.js';
import {
  ContinueTaskRequest,
  ContinueTaskResponse,
  ResumeFromCheckpointRequest,
  ResumeFromCheckpointResponse,
} from './resume.dto.js';
import { Resumes } from './resume.process.js';

@ApiTags('resume')
@Controller('api/v1/mesh/tasks/:taskId')
export class ResumeController {
  constructor(
    private readonly resumes: Resumes,
    private readonly newTasks: NewTasks,
  ) {}

  @Post('continue')
  @HttpCode(202)
  @Requires('history:write')
  @ApiOperation({
    summary: 'Let an interrupted task go on',
    description:
      'SPEC §3.2. It starts when a daemon takes it; 409 TASK_RUNNING while one works in it. A dry run says what the agent would be given, how many tokens that is, and what is left out.',
  })
  @ApiAcceptedResponse({ type: ContinueTaskResponse })
  continue(
    @IdParam('taskId') taskId: string,
    @Body() body: ContinueTaskRequest,
    @Context() context: RequestContext,
  ): Promise<ContinueTaskResponse> {
    return this.resumes.continue(taskId, body, context);
  }

  @Post('checkpoints/:checkpointId/resume')
  @Requires('conversation:rewind')
  @ApiOperation({
    summary: 'Start a new task from a checkpoint',
    description:
      'SPEC §3.3. It is a fork of the task there, with or without the conversation, and runs what its source ran.',
  })
  @ApiCreatedResponse({ type: ResumeFromCheckpointResponse })
  resumeFrom(
    @IdParam('taskId') taskId: string,
    @IdParam('checkpointId') checkpointId: string,
    @Body() body: ResumeFromCheckpointRequest,
    @Context() context: RequestContext,
  ): Promise<ResumeFromCheckpointResponse> {
    return this.newTasks.fromCheckpoint(taskId, checkpointId, body, context);
  }
}
