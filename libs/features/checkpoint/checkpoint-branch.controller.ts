import { pipeline } from 'node:stream/promises';
import { Body, Controller, Get, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiBytes } from '#libs/http/answer-fields.js';
import { Requires } from '#libs/http/auth.guard.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam, TextParam } from '#libs/http/validation.js';
import { BranchCreatedResponse, BundleQuery, CreateBranchRequest } from './checkpoint-branch.dto.js';
import { CheckpointBranches } from './checkpoint-branch.process.js';
import { CHECKPOINT } from './checkpoint-code.dto.js';

const BUNDLE = 'application/x-git-bundle';

@ApiTags('checkpoint')
@Controller('api/v1/mesh/tasks/:taskId')
export class CheckpointBranchController {
  constructor(private readonly branches: CheckpointBranches) {}

  @Post('checkpoints/:checkpointId/branch')
  @Requires('history:write')
  @ApiOperation({
    summary: 'Make a git branch from a checkpoint',
    description:
      "SPEC §4.4. A commit of the checkpoint's files after the commit that the agent's branch named then, as a branch in the hub: get it as a bundle. 409 BRANCH_EXISTS if another commit has the name.",
  })
  @ApiCreatedResponse({ type: BranchCreatedResponse })
  create(
    @IdParam('taskId') taskId: string,
    @TextParam('checkpointId', CHECKPOINT) checkpoint: string,
    @Body() body: CreateBranchRequest,
    @Context() context: RequestContext,
  ): Promise<BranchCreatedResponse> {
    return this.branches.create(taskId, checkpoint, body, context);
  }

  @Get('bundle')
  @Requires('history:read')
  @ApiBytes('A git bundle: `git fetch <file> <branch>:<branch>` reads it.', BUNDLE)
  @ApiOperation({
    summary: "A branch that was made from a checkpoint of the task's contract, as a git bundle",
  })
  async bundle(
    @IdParam('taskId') taskId: string,
    @Query() query: BundleQuery,
    @Context() context: RequestContext,
    @Res() response: Response,
  ): Promise<void> {
    const bundle = await this.branches.bundle(taskId, query, context);
    response.type(BUNDLE);
    await pipeline(bundle, response).catch((error: unknown) => response.destroy(error as Error));
  }
}
