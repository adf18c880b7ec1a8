import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { EventStore } from '#libs/event-store/event-store.js';
import { GivesOneOf, GivesPosition, GivesTexts } from '#libs/http/answer-fields.js';
import { Public } from '#libs/http/auth.guard.js';
import { positionToken } from '#libs/kernel/position.js';
import { ProjectionRunner } from '#libs/projections/runner.js';

export class HealthResponse {
  @GivesOneOf(['ok', 'degraded'], '`degraded`: a projection stands still; the rest works.')
  readonly status!: 'ok' | 'degraded';

  @GivesPosition("The log's head.")
  readonly head!: string;

  @GivesPosition('What all read models reflect that go on.')
  readonly projected!: string;

  @GivesTexts('The projections that have stopped, if any.', { optional: true })
  readonly failedProjections?: readonly string[];

  @GivesTexts('The projections whose new version is being built while the former one is read, if any.', {
    optional: true,
  })
  readonly buildingProjections?: readonly string[];
}

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(
    private readonly store: EventStore,
    private readonly runner: ProjectionRunner,
  ) {}

  @Get('health')
  @Public()
  @ApiOperation({
    summary: 'Whether the server works',
    description: "The log's head and what the read models reflect.",
  })
  @ApiOkResponse({ type: HealthResponse })
  async health(): Promise<HealthResponse> {
    const [head, projected] = await Promise.all([this.store.head(), this.runner.lowest()]);
    const { standing } = this.runner;
    const named = (stopped: boolean): readonly string[] =>
      standing
        .filter(({ failure }) => (failure !== null) === stopped)
        .map(({ projection }) => projection.name);
    const [failed, building] = [named(true), named(false)];
    return {
      status: standing.length > 0 ? 'degraded' : 'ok',
      head: positionToken(head),
      projected: positionToken(projected),
      ...(failed.length > 0 ? { failedProjections: failed } : {}),
      ...(building.length > 0 ? { buildingProjections: building } : {}),
    };
  }
}
