import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam, TextParam } from '#libs/http/validation.js';
import { RebuildRequest, ReleaseRequest, ReplayQuery, VerifyRequest } from './admin.dto.js';
import { Administration } from './admin.process.js';
import {
  DatabaseSizeResponse,
  JobResponse,
  ProjectionReleasedResponse,
  ProjectionsResponse,
  RebuildPreview,
  ReplayResponse,
} from './admin.answers.dto.js';

const NameParam = () => TextParam('name', { max: 100, pattern: /^[a-z]+$/ });
const StreamParam = () => TextParam('stream', { max: 300, pattern: /^[a-z]+-[\x21-\x7e]+$/ });

@ApiTags('admin')
@Controller('api/v1/admin')
@Requires('admin:projections')
export class AdminController {
  constructor(private readonly administration: Administration) {}

  @Get('projections')
  @ApiOperation({ summary: 'Every projection: position, head, lag, status' })
  @ApiOkResponse({ type: ProjectionsResponse })
  projections(): Promise<ProjectionsResponse> {
    return this.administration.projections();
  }

  @Post('projections/verify')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Rebuild into scratch schemas and compare table hashes',
    description: 'Answers a job; its result has every table.',
  })
  @ApiAcceptedResponse({ type: JobResponse })
  verify(@Body() body: VerifyRequest, @Context() context: RequestContext): JobResponse {
    return this.administration.verify(body.name, context);
  }

  @Post('projections/:name/rebuild')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Rebuild a projection (or `all`) while the present one serves',
    description: 'Answers a job.',
  })
  @ApiExtraModels(JobResponse, RebuildPreview)
  @ApiAcceptedResponse({
    description: 'The job; in a dry run what it would rebuild.',
    schema: { oneOf: [JobResponse, RebuildPreview].map((model) => ({ $ref: getSchemaPath(model) })) },
  })
  rebuild(
    @NameParam() name: string,
    @Body() body: RebuildRequest,
    @Context() context: RequestContext,
  ): Promise<JobResponse | RebuildPreview> {
    return this.administration.rebuild(name, body.dryRun, context);
  }

  @Post('projections/:name/skip')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Pass over the event that stopped a projection',
    description:
      'Goes on record in the log. A rebuild or verification of the same version passes over it too, and says so; another version tries it again.',
  })
  @ApiOkResponse({ type: ProjectionReleasedResponse })
  skip(
    @NameParam() name: string,
    @Body() body: ReleaseRequest,
    @Context() context: RequestContext,
  ): Promise<ProjectionReleasedResponse> {
    return this.administration.skip(name, body, context);
  }

  @Post('projections/:name/retry')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Try the event that stopped a projection once more',
    description:
      'For when the cause is mended, by an upgrade for example: a restart alone does not try it again. Goes on record in the log.',
  })
  @ApiOkResponse({ type: ProjectionReleasedResponse })
  retry(
    @NameParam() name: string,
    @Body() body: ReleaseRequest,
    @Context() context: RequestContext,
  ): Promise<ProjectionReleasedResponse> {
    return this.administration.retry(name, body, context);
  }

  @Get('jobs/:jobId')
  @ApiOperation({ summary: 'How far a rebuild or a verification is' })
  @ApiOkResponse({ type: JobResponse })
  job(@IdParam('jobId') jobId: string, @Context() context: RequestContext): JobResponse {
    return this.administration.job(jobId, context);
  }

  @Get('streams/:stream/replay')
  @ApiOperation({ summary: 'A stream event by event, with the state as it was' })
  @ApiOkResponse({ type: ReplayResponse })
  replay(
    @StreamParam() stream: string,
    @Query() query: ReplayQuery,
    @Context() context: RequestContext,
  ): Promise<ReplayResponse> {
    return this.administration.replay(stream, query, context);
  }

  @Get('database')
  @ApiOperation({ summary: "The database's size, by table and owner" })
  @ApiOkResponse({ type: DatabaseSizeResponse })
  sizes(@Context() context: RequestContext): Promise<DatabaseSizeResponse> {
    return this.administration.sizes(context);
  }
}
