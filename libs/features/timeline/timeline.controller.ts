import { applyDecorators, Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiEventStream } from '#libs/http/answer-fields.js';
import { Requires } from '#libs/http/auth.guard.js';
import { LastSeen } from '#libs/http/last-seen.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { LiveStreams } from '#libs/http/sse.js';
import { IdParam } from '#libs/http/validation.js';
import {
  HistoryQuery,
  OutputQuery,
  OverviewQuery,
  StreamQuery,
  TimelineOverviewQuery,
  TimelineQuery,
  TimelineStreamQuery,
} from './timeline.dto.js';
import { LiveTimeline } from './timeline.live.js';
import { Timelines, type ScopeWanted } from './timeline.process.js';
import {
  ContractHistoryResponse,
  ContractOverviewResponse,
  EntryMessage,
  SyncedMessage,
  TaskEventsResponse,
  TimelineOverviewResponse,
  TimelineResponse,
} from './timeline.answers.dto.js';

/** A route that sends entries as they come, for as long as somebody follows. */
const Follows = (summary: string): MethodDecorator =>
  applyDecorators(
    Requires('history:read'),
    ApiEventStream('Messages, for as long as the client stays.', EntryMessage, SyncedMessage),
    ApiOperation({
      summary,
      description: 'Server-sent events `entry` and one `synced`; `id` is a position.',
    }),
  );

@ApiTags('history')
@Controller('api/v1')
export class TimelineController {
  constructor(
    private readonly timelines: Timelines,
    private readonly live: LiveTimeline,
    private readonly streams: LiveStreams,
  ) {}

  @Get('contracts/:contractId/history')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: "A contract's history across all phases and tasks", description: 'SPEC §2.1.' })
  @ApiOkResponse({ type: ContractHistoryResponse })
  history(
    @IdParam('contractId') contractId: string,
    @Query() query: HistoryQuery,
    @Context() context: RequestContext,
  ): Promise<ContractHistoryResponse> {
    return this.timelines.contractHistory(contractId, query, context);
  }

  @Get('contracts/:contractId/history/overview')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: 'Counts per time bucket and kind for a whole contract' })
  @ApiOkResponse({ type: ContractOverviewResponse })
  overview(
    @IdParam('contractId') contractId: string,
    @Query() query: OverviewQuery,
    @Context() context: RequestContext,
  ): Promise<ContractOverviewResponse> {
    return this.timelines.contractOverview(contractId, query, context);
  }

  @Get('contracts/:contractId/stream')
  @Follows('Follow a contract live')
  contractStream(
    @IdParam('contractId') contractId: string,
    @Query() query: StreamQuery,
    @LastSeen() lastSeen: bigint | undefined,
    @Context() context: RequestContext,
    @Res() response: Response,
  ): Promise<void> {
    return this.#follow({ contract_id: contractId }, lastSeen ?? query.after, context, response);
  }

  @Get('mesh/tasks/:taskId/history')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: "A task's timeline" })
  @ApiOkResponse({ type: TimelineResponse })
  taskHistory(
    @IdParam('taskId') taskId: string,
    @Query() query: HistoryQuery,
    @Context() context: RequestContext,
  ): Promise<TimelineResponse> {
    return this.timelines.timeline({ ...query, task_id: taskId, include_subtasks: false }, context);
  }

  @Get('mesh/tasks/:taskId/events')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: "A task's events", description: 'SPEC §1.3: the newest, oldest first.' })
  @ApiOkResponse({ type: TaskEventsResponse })
  events(
    @IdParam('taskId') taskId: string,
    @Query() query: OutputQuery,
    @Context() context: RequestContext,
  ): Promise<TaskEventsResponse> {
    return this.timelines.taskEvents(taskId, query, undefined, context);
  }

  @Get('mesh/tasks/:taskId/output')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: "A task's output", description: 'SPEC §1.3: the newest, oldest first.' })
  @ApiOkResponse({ type: TaskEventsResponse })
  output(
    @IdParam('taskId') taskId: string,
    @Query() query: OutputQuery,
    @Context() context: RequestContext,
  ): Promise<TaskEventsResponse> {
    return this.timelines.taskEvents(taskId, query, ['output'], context);
  }

  @Get('mesh/tasks/:taskId/stream')
  @Follows('Follow a task live')
  taskStream(
    @IdParam('taskId') taskId: string,
    @Query() query: StreamQuery,
    @LastSeen() lastSeen: bigint | undefined,
    @Context() context: RequestContext,
    @Res() response: Response,
  ): Promise<void> {
    return this.#follow({ task_id: taskId }, lastSeen ?? query.after, context, response);
  }

  @Get('timeline')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: 'Everything that happened: of an owner, a contract or a task',
    description: 'SPEC §2.5.',
  })
  @ApiOkResponse({ type: TimelineResponse })
  timeline(@Query() query: TimelineQuery, @Context() context: RequestContext): Promise<TimelineResponse> {
    return this.timelines.timeline(query, context);
  }

  @Get('timeline/overview')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: 'Counts per time bucket and kind' })
  @ApiOkResponse({ type: TimelineOverviewResponse })
  timelineOverview(
    @Query() query: TimelineOverviewQuery,
    @Context() context: RequestContext,
  ): Promise<TimelineOverviewResponse> {
    return this.timelines.overview(query, context);
  }

  @Get('timeline/stream')
  @Follows('Follow everything live')
  timelineStream(
    @Query() query: TimelineStreamQuery,
    @LastSeen() lastSeen: bigint | undefined,
    @Context() context: RequestContext,
    @Res() response: Response,
  ): Promise<void> {
    return this.#follow(query, lastSeen ?? query.after, context, response);
  }

  async #follow(
    wanted: ScopeWanted,
    after: bigint | undefined,
    context: RequestContext,
    response: Response,
  ): Promise<void> {
    const scope = await this.timelines.scopeOf(wanted, context);
    return this.streams.send(response, (signal) => this.live.follow(scope, after ?? null, context, signal));
  }
}
