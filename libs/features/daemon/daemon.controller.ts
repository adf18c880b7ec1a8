import { Controller, Get } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { HttpProblem } from '#libs/http/problem-answer.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import { DaemonResponse, DaemonsResponse, DaemonWorkResponse } from './daemon.dto.js';
import { Daemons } from './daemon.process.js';
import { DaemonWork } from './work.process.js';

@ApiTags('daemon')
@Controller('api/v1/daemons')
export class DaemonController {
  constructor(
    private readonly daemons: Daemons,
    private readonly work: DaemonWork,
  ) {}

  @Get()
  @Requires('history:read')
  @ApiOperation({ summary: 'Daemons', description: 'A tool key sees none: they belong to no contract.' })
  @ApiOkResponse({ type: DaemonsResponse })
  list(@Context() context: RequestContext): Promise<DaemonsResponse> {
    return this.daemons.list(context);
  }

  /** Where daemons connect: the gateway takes what is a WebSocket handshake and may in, and leaves the rest to this. */
  @Get('connect')
  @Requires('daemon:work')
  @ApiExcludeEndpoint()
  connect(): never {
    throw new HttpProblem('UPGRADE_REQUIRED', 'Connect here by WebSocket (RFC 6455).', {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
    });
  }

  @Get(':daemonId')
  @Requires('history:read')
  @ApiOperation({ summary: 'One daemon' })
  @ApiOkResponse({ type: DaemonResponse })
  show(@IdParam('daemonId') daemonId: string, @Context() context: RequestContext): Promise<DaemonResponse> {
    return this.daemons.show(daemonId, context);
  }

  @Get(':daemonId/work')
  @Requires('daemon:work')
  @ApiOperation({
    summary: 'What there is for a daemon to do',
    description:
      'Tasks to lease, what is to be done with the folders that it has, and the leases that it holds. It asks again whenever the WebSocket says `work`, and from time to time.',
  })
  @ApiOkResponse({ type: DaemonWorkResponse })
  todo(
    @IdParam('daemonId') daemonId: string,
    @Context() context: RequestContext,
  ): Promise<DaemonWorkResponse> {
    return this.work.of(daemonId, context);
  }
}
