import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { EventStore } from '#libs/event-store/event-store.js';
import { Public } from '#libs/http/auth.guard.js';
import { positionToken } from '#libs/http/position.js';
import { ProjectionRunner } from '#libs/projections/runner.js';

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
  async health() {
    const [head, projected] = await Promise.all([this.store.head(), this.runner.lowest()]);
    const failed = this.runner.instances
      .filter(({ status }) => status === 'failed')
      .map(({ projection }) => projection.name);
    return {
      status: failed.length > 0 ? 'degraded' : 'ok',
      head: positionToken(head),
      projected: positionToken(projected),
      ...(failed.length > 0 ? { failedProjections: failed } : {}),
    };
  }
}
