import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { TextParam } from '#libs/http/validation.js';
import {
  CreatedKey,
  CreatedOwner,
  KeyPage,
  KeyPageQuery,
  NewKey,
  NewOwner,
  OwnerPage,
  OwnerPageQuery,
  Whoami,
} from './access.dto.js';
import { AccessKeys, whoami } from './access.process.js';
import { Owners } from './owner.process.js';
import { SCOPES } from './scopes.js';

@ApiTags('access')
@Controller('api/v1/access')
export class AccessController {
  constructor(
    private readonly keys: AccessKeys,
    private readonly owners: Owners,
  ) {}

  @Get('whoami')
  @Requires()
  @ApiOperation({ summary: 'Who am I', description: 'The key of this request: its owner, kind and scopes.' })
  @ApiOkResponse({ type: Whoami })
  whoami(@Context() context: RequestContext): Whoami {
    return whoami(context);
  }

  @Post('keys')
  @Requires(SCOPES.accessManage)
  @ApiOperation({
    summary: 'Create a key',
    description: 'The answer holds the token; it is shown only this once.',
  })
  @ApiCreatedResponse({ type: CreatedKey })
  createKey(@Body() body: NewKey, @Context() context: RequestContext): Promise<CreatedKey> {
    return this.keys.create(body, context);
  }

  @Get('keys')
  @Requires(SCOPES.accessManage)
  @ApiOperation({ summary: 'List keys', description: 'All keys of the owner, without their secrets.' })
  @ApiOkResponse({ type: KeyPage })
  listKeys(@Query() query: KeyPageQuery, @Context() context: RequestContext): Promise<KeyPage> {
    return this.keys.list(query, context);
  }

  @Delete('keys/:keyId')
  @HttpCode(204)
  @Requires(SCOPES.accessManage)
  @ApiOperation({
    summary: 'Revoke a key',
    description: 'At once in this process, within 5 seconds in others. Revoking it again changes nothing.',
  })
  @ApiNoContentResponse({ description: 'The key is revoked.' })
  revokeKey(
    @TextParam('keyId', { max: 16, pattern: /^[0-9a-f]{16}$/ }) keyId: string,
    @Context() context: RequestContext,
  ): Promise<void> {
    return this.keys.revoke(keyId, context);
  }

  @Post('owners')
  @Requires(SCOPES.accessManage, SCOPES.allOwners)
  @ApiOperation({
    summary: 'Create an owner',
    description: 'For admins. Create its first key with the header `X-Makima-Owner: <id>`.',
  })
  @ApiCreatedResponse({ type: CreatedOwner })
  createOwner(@Body() body: NewOwner, @Context() context: RequestContext): Promise<CreatedOwner> {
    return this.owners.create(body, context);
  }

  @Get('owners')
  @Requires(SCOPES.allOwners)
  @ApiOperation({ summary: 'List owners', description: 'For admins and auditors of all owners.' })
  @ApiOkResponse({ type: OwnerPage })
  listOwners(@Query() query: OwnerPageQuery, @Context() context: RequestContext): Promise<OwnerPage> {
    return this.owners.list(query, context);
  }
}
