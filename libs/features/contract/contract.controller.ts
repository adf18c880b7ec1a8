import { Body, Controller, Get, HttpCode, Post, Put, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '#libs/http/auth.guard.js';
import { AcceptsAsOf } from '#libs/http/request.interceptor.js';
import { Context, type RequestContext } from '#libs/http/request-context.js';
import { IdParam } from '#libs/http/validation.js';
import {
  ChangeContractStatusRequest,
  ChangePhaseRequest,
  ContractChangedResponse,
  ContractResponse,
  ContractsQuery,
  ContractsResponse,
  CreateContractRequest,
  SetSupervisorRequest,
} from './contract.dto.js';
import { Contracts } from './contract.process.js';

@ApiTags('contract')
@Controller('api/v1/contracts')
export class ContractController {
  constructor(private readonly contracts: Contracts) {}

  @Post()
  @Requires('history:write')
  @ApiOperation({ summary: 'Create a contract' })
  @ApiCreatedResponse({ type: ContractChangedResponse })
  create(
    @Body() body: CreateContractRequest,
    @Context() context: RequestContext,
  ): Promise<ContractChangedResponse> {
    return this.contracts.create(body, context);
  }

  @Get()
  @Requires('history:read')
  @ApiOperation({ summary: 'Contracts, newest first' })
  @ApiOkResponse({ type: ContractsResponse })
  list(@Query() query: ContractsQuery, @Context() context: RequestContext): Promise<ContractsResponse> {
    return this.contracts.list(query, context);
  }

  @Get(':contractId')
  @Requires('history:read')
  @AcceptsAsOf()
  @ApiOperation({ summary: 'One contract' })
  @ApiOkResponse({ type: ContractResponse })
  show(
    @IdParam('contractId') contractId: string,
    @Context() context: RequestContext,
  ): Promise<ContractResponse> {
    return this.contracts.show(contractId, context);
  }

  @Post(':contractId/phase')
  @HttpCode(200)
  @Requires('history:write')
  @ApiOperation({ summary: 'Move a contract to another phase' })
  @ApiOkResponse({ type: ContractChangedResponse })
  phase(
    @IdParam('contractId') contractId: string,
    @Body() body: ChangePhaseRequest,
    @Context() context: RequestContext,
  ): Promise<ContractChangedResponse> {
    return this.contracts.change(contractId, { type: 'ChangePhase', newPhase: body.phase }, context);
  }

  @Post(':contractId/status')
  @HttpCode(200)
  @Requires('history:write')
  @ApiOperation({ summary: 'Complete, archive or reopen a contract' })
  @ApiOkResponse({ type: ContractChangedResponse })
  status(
    @IdParam('contractId') contractId: string,
    @Body() body: ChangeContractStatusRequest,
    @Context() context: RequestContext,
  ): Promise<ContractChangedResponse> {
    return this.contracts.change(
      contractId,
      { type: 'ChangeContractStatus', newStatus: body.status },
      context,
    );
  }

  @Put(':contractId/supervisor')
  @Requires('history:write')
  @ApiOperation({ summary: "Set a contract's supervisor" })
  @ApiOkResponse({ type: ContractChangedResponse })
  supervisor(
    @IdParam('contractId') contractId: string,
    @Body() body: SetSupervisorRequest,
    @Context() context: RequestContext,
  ): Promise<ContractChangedResponse> {
    return this.contracts.setSupervisor(contractId, body.taskId, context);
  }
}
