import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { createdId } from '#libs/commands/command-context.js';
import { assertContract, notFound } from '#libs/kernel/caller.js';
import { CursorCodec } from '#libs/http/cursor.js';
import { positionToken } from '#libs/kernel/position.js';
import { Problem } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { ReadModels, type ReadContext } from '#libs/projections/read-models.js';
import { visibleTask } from '../task/task.guard.js';
import { DispatchContract } from './contract.commands.js';
import type { ContractCommand } from './contract.decider.js';
import type { ContractResponse, ContractsQuery, CreateContractRequest } from './contract.dto.js';
import { contractStream } from './contract.events.js';
import { contractProjection } from './contract.projection.js';
import { contractOf, contractsBy } from './contract.queries.js';
import { contractFrom, type ContractRow } from './contract.view.js';

/** What contracts are asked to do over HTTP. */
@Injectable()
export class Contracts {
  constructor(
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
    private readonly cursors: CursorCodec,
  ) {}

  async create(request: CreateContractRequest, context: RequestContext) {
    if (context.caller.contractId !== undefined) {
      throw new Problem(
        'FORBIDDEN',
        'A tool key works in its own contract. Create contracts with a user key.',
      );
    }
    const contractId = createdId(context, 'contract');
    const { name, description, phase, repository } = request;
    const data = { contractId, name, description, phase, repository: repository ?? null };
    return this.#change(contractId, { type: 'CreateContract', data }, context);
  }

  async list(query: ContractsQuery, context: RequestContext) {
    const binding = { ownerId: context.caller.ownerId, route: 'contracts/1', filters: query };
    const after = query.cursor ? (this.cursors.open(binding, query.cursor) as [string, string]) : undefined;
    const only = context.caller.contractId;
    const contracts = await this.reads.read(context, async (db) => {
      if (only === undefined) return contractsBy(db, { status: query.status, limit: query.limit, after });
      const own = await contractOf(db, only);
      return own ? [own] : [];
    });
    const last = contracts.length === query.limit ? contracts.at(-1) : undefined;
    return { contracts, ...(last ? { cursor: this.cursors.seal(binding, [last.createdAt, last.id]) } : {}) };
  }

  /** @throws Problem NOT_FOUND for a contract of another owner, or another than a tool key's. */
  async show(contractId: string, context: ReadContext): Promise<ContractResponse> {
    assertContract(context.caller, contractId);
    return this.reads.read(context, async (db, at) => {
      const contract = await contractOf(db, contractId, at);
      if (!contract) throw notFound('contract', contractId);
      return contract;
    });
  }

  async change(contractId: string, command: ContractCommand, context: RequestContext) {
    assertContract(context.caller, contractId);
    return this.#change(contractId, command, context);
  }

  async setSupervisor(contractId: string, taskId: string, context: RequestContext) {
    await this.reads.catchUpWithLog();
    await this.show(contractId, { caller: context.caller });
    const task = await this.reads.read({ caller: context.caller }, (db) =>
      visibleTask(db, context.caller, taskId),
    );
    if (task.contractId !== contractId) {
      throw new Problem(
        'TASK_ELSEWHERE',
        `Task ${taskId} does not belong to contract ${contractId}. Name one of its own tasks.`,
      );
    }
    return this.change(contractId, { type: 'SetSupervisor', taskId }, context);
  }

  async #change(contractId: string, command: ContractCommand, context: RequestContext) {
    const { position } = await this.commands.execute(new DispatchContract(contractId, command, context));
    const contract = await this.reads.afterwards(position, contractProjection, {
      shown: () => this.show(contractId, { caller: context.caller }),
      logged: async () =>
        contractFrom(
          (await this.reads.rowInLog<ContractRow>(contractProjection, contractStream(contractId)))!,
        ),
    });
    return { ...contract, position: positionToken(position) };
  }
}
