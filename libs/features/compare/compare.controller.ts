import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import { CompareQuery, ComparisonResponse } from './compare.dto.js';
import { Comparisons } from './compare.process.js';

@ApiTags('compare')
@Controller('api/v1/mesh/tasks/:taskId/compare')
export class CompareController {
  constructor(private readonly comparisons: Comparisons) {}

  @Get()
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({
    summary: 'Compare two tasks of a contract, at any two points',
    description:
      'Where they part, what each did since (messages, tools, tokens, cost, time, checkpoints), and how their code differs.',
  })
  @ApiOkResponse({ type: ComparisonResponse })
  compare(
    @IdParam('taskId') taskId: string,
    @Query() query: CompareQuery,
    @Context() context: RequestContext,
  ): Promise<ComparisonResponse> {
    return this.comparisons.compare(taskId, query, context);
  }
}
