import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Controller, Get, Put, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { shownPath } from '#libs/git/path-bytes.js';
import { ApiByteRange, ApiBytes } from '#libs/http/answer-fields.js';
import { sendBytes } from '#libs/http/byte-range.js';
import { Requires } from '#libs/http/auth.guard.js';
import { StreamedBody } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam, TextParam } from '#libs/http/validation.js';
import {
  CHECKPOINT,
  CheckpointDiffResponse,
  CheckpointTreeResponse,
  DiffQuery,
  FileQuery,
  PackQuery,
  PathQuery,
} from './checkpoint-code.dto.js';
import { CheckpointCode } from './checkpoint-code.process.js';
import { diffJson } from './diff-json.js';
import { TaskCheckpoint } from './checkpoint.dto.js';

const PACK = 'application/x-git-packed-objects';

@ApiTags('checkpoint')
@Controller('api/v1/mesh/tasks/:taskId/checkpoints/:checkpointId')
export class CheckpointCodeController {
  constructor(private readonly code: CheckpointCode) {}

  @Put('pack')
  @Requires('daemon:work')
  @StreamedBody(PACK)
  @ApiOperation({
    summary: 'Send the code of a checkpoint to the hub',
    description:
      'A git pack of all that its commit leads to and no safe checkpoint of the contract holds. It is checked before it is taken over; then the checkpoint is safe. Sending it again changes nothing.',
  })
  @ApiOkResponse({ type: TaskCheckpoint })
  async pack(
    @IdParam('taskId') taskId: string,
    @IdParam('checkpointId') checkpointId: string,
    @Context() context: RequestContext,
    @Req() request: Request,
  ): Promise<TaskCheckpoint> {
    try {
      return await this.code.secure(taskId, checkpointId, request, context);
    } finally {
      // What is left is read and thrown away, so that the answer reaches a client that is still sending.
      request.unpipe().resume();
    }
  }

  @Get('pack')
  @Requires('history:read')
  @ApiBytes('A thin pack: `git index-pack --fix-thin --stdin` takes it in.', PACK)
  @ApiOperation({
    summary: 'Get the code of a checkpoint from the hub',
    description:
      'A git pack of all that its commit leads to and `have` does not; with it a task goes on where its code has never been. It is sent while git writes it: one that breaks off is not whole.',
  })
  async packOf(
    @IdParam('taskId') taskId: string,
    @TextParam('checkpointId', CHECKPOINT) checkpoint: string,
    @Query() { have }: PackQuery,
    @Context() context: RequestContext,
    @Res() response: Response,
  ): Promise<void> {
    const pack = await this.code.pack(taskId, checkpoint, have, context);
    response.type(PACK);
    await pipeline(pack, response).catch((error: unknown) => response.destroy(error as Error));
  }

  @Get('diff')
  @Requires('history:read')
  @ApiOperation({
    summary: 'What a checkpoint changed',
    description:
      'SPEC §2.4, from the hub: no daemon needs to run. Files come while git is still at the next ones.',
  })
  @ApiOkResponse({ type: CheckpointDiffResponse })
  async diff(
    @IdParam('taskId') taskId: string,
    @TextParam('checkpointId', CHECKPOINT) checkpoint: string,
    @Query() query: DiffQuery,
    @Context() context: RequestContext,
    @Res() response: Response,
  ): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const diff = await this.code.diff(taskId, checkpoint, query, context, gone.signal);
    response.type('application/json');
    try {
      for await (const text of diffJson(diff))
        if (!response.write(text)) await once(response, 'drain', { signal: gone.signal });
      response.end();
    } catch (error) {
      // What is cut off is no JSON: nobody takes it for the whole.
      response.destroy(error as Error);
    }
  }

  @Get('tree')
  @Requires('history:read')
  @ApiOperation({ summary: 'The files of a checkpoint, one folder at a time' })
  @ApiOkResponse({ type: CheckpointTreeResponse })
  async tree(
    @IdParam('taskId') taskId: string,
    @TextParam('checkpointId', CHECKPOINT) checkpoint: string,
    @Query() { path }: PathQuery,
    @Context() context: RequestContext,
  ): Promise<CheckpointTreeResponse> {
    const { checkpoint: found, entries } = await this.code.tree(taskId, checkpoint, path, context);
    return {
      checkpointId: found.id,
      entries: entries.map((entry) => ({ ...entry, path: shownPath(entry.path) })),
    };
  }

  @Get('file')
  @Requires('history:read')
  @ApiByteRange('The bytes of the file; of a symlink, where it leads. Its ETag is the id of the blob.')
  @ApiOperation({ summary: 'A file as it was at a checkpoint' })
  async file(
    @IdParam('taskId') taskId: string,
    @TextParam('checkpointId', CHECKPOINT) checkpoint: string,
    @Query() { path }: FileQuery,
    @Context() context: RequestContext,
    @Res() response: Response,
  ): Promise<void> {
    const content = await this.code.file(taskId, checkpoint, path, context);
    response.set({
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': 'attachment',
      'Content-Security-Policy': "default-src 'none'; sandbox",
    });
    await sendBytes(response, content);
  }
}
