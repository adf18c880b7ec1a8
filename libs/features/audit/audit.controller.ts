import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiJsonOrLines } from '#libs/http/answer-fields.js';
import { Requires } from '#libs/http/auth.guard.js';
import { parsePosition } from '#libs/kernel/position.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { TextParam } from '#libs/http/validation.js';
import {
  AuditEventResponse,
  AuditEventsResponse,
  VerificationProgressLine,
  VerificationResponse,
  VerificationResultLine,
} from './audit.answers.dto.js';
import { AuditEventsQuery, STREAM_NAME, StreamEventsQuery, VerifyQuery } from './audit.dto.js';
import { AuditLog } from './audit.process.js';
import { sendLines, wantsLines } from './ndjson.js';
import { Verifications } from './verification.process.js';

const POSITION = { max: 19, pattern: /^[0-9]+$/ } as const;

@ApiTags('audit')
@Controller('api/v1/audit')
@Requires('audit:read')
export class AuditController {
  constructor(
    private readonly log: AuditLog,
    private readonly verifications: Verifications,
  ) {}

  @Get('events')
  @ApiJsonOrLines('A page of events; or events, one a line.', AuditEventsResponse, AuditEventResponse)
  @ApiOperation({
    summary: 'Raw events, as they are stored, with metadata and hashes',
    description:
      "The owner's, in the order in which they were recorded. A page of JSON may hold fewer events than its limit, even none, and still have a cursor. With `Accept: application/x-ndjson` all of them, a line each, as fast as they are taken.",
  })
  events(
    @Query() query: AuditEventsQuery,
    @Context() context: RequestContext,
    @Headers('accept') accept: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    return this.#send(query, context, accept, response);
  }

  @Get('events/:position')
  @ApiOperation({ summary: 'The raw event at a position' })
  @ApiOkResponse({ type: AuditEventResponse })
  event(
    @TextParam('position', POSITION) position: string,
    @Context() context: RequestContext,
  ): Promise<AuditEventResponse> {
    return this.log.event(parsePosition(position) ?? 0n, context);
  }

  @Get('streams/:stream')
  @ApiJsonOrLines('A page of events; or events, one a line.', AuditEventsResponse, AuditEventResponse)
  @ApiOperation({
    summary: 'Raw events of one stream',
    description: 'Such as task-<id>, contract-<id>, chat-<id>, owner-<id>.',
  })
  async stream(
    @TextParam('stream', STREAM_NAME) stream: string,
    @Query() query: StreamEventsQuery,
    @Context() context: RequestContext,
    @Headers('accept') accept: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    await this.log.assertOwnStream(stream, context);
    return this.#send({ ...query, stream }, context, accept, response);
  }

  @Get('verify')
  @ApiJsonOrLines(
    'What was found; or progress and then what was found.',
    VerificationResponse,
    VerificationProgressLine,
    VerificationResultLine,
  )
  @ApiOperation({
    summary: 'Recompute the hash chains and name the first broken event',
    description:
      'Answers 200 whether they hold or not: see `ok`. As NDJSON lines of `kind` `progress`, then one of `kind` `result`.',
  })
  async verify(
    @Query() { stream, format }: VerifyQuery,
    @Context() context: RequestContext,
    @Headers('accept') accept: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    if (wantsLines(format, accept)) {
      return sendLines(response, this.verifications.lines(stream, context, gone.signal));
    }
    const result = await this.verifications.result(stream, context, gone.signal);
    if (result) response.json(result);
  }

  async #send(
    query: AuditEventsQuery,
    context: RequestContext,
    accept: string | undefined,
    response: Response,
  ): Promise<void> {
    if (wantsLines(query.format, accept)) return sendLines(response, this.log.all(query, context));
    response.json(await this.log.page(query, context));
  }
}
