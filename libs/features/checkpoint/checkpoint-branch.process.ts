import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { deriveId } from '#libs/event-store/event-hash.js';
import { branchTip, bundleOf, isBranchName } from '#libs/git/hub-branch.js';
import { knownAmong } from '#libs/git/packs.js';
import { BranchRefused, commitForPeople, createBranchIn } from '#libs/git/people-branch.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { notFound } from '#libs/kernel/caller.js';
import { positionToken } from '#libs/kernel/position.js';
import { invalidField, Problem } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { DispatchTask } from '../task/task.commands.js';
import { visibleTask } from '../task/task.guard.js';
import type { BranchCreatedResponse, BundleQuery, CreateBranchRequest } from './checkpoint-branch.dto.js';
import { CheckpointCode } from './checkpoint-code.process.js';
import { Hubs } from './hubs.process.js';

/** Branches that people get of a checkpoint. They are in the hub of the task's contract. */
@Injectable()
export class CheckpointBranches {
  constructor(
    private readonly code: CheckpointCode,
    private readonly hubs: Hubs,
    private readonly reads: ReadModels,
    private readonly commands: CommandBus,
  ) {}

  /** SPEC §4.4. @throws Problem CHECKPOINT_NOT_SAFE, BRANCH_EXISTS */
  async create(
    taskId: string,
    wanted: string,
    { branchName, checkout, dryRun }: CreateBranchRequest,
    context: RequestContext,
  ): Promise<BranchCreatedResponse> {
    assertName(branchName);
    await this.reads.catchUpWithLog(['task', 'checkpoint']);
    const { checkpoint, hub } = await this.code.safe(taskId, wanted, context);
    const { headSha, message, createdAt: at } = checkpoint;
    // One that the hub lacks is no commit to go on from.
    const [parent = null] = headSha === null ? [] : await knownAmong(hub.place, [headSha], {});
    const branch = { name: branchName, tree: checkpoint.commitSha, parent, message: withoutNul(message), at };
    const commit = await commitForPeople(hub.place, branch);
    const tip = await branchTip(hub.place, branchName);
    if (tip !== null && tip !== commit) throw exists(branchName, `It is at commit ${tip}.`);
    // First the branch, then the event: a request that was cut off between them does the rest when it is repeated.
    if (!dryRun)
      await createBranchIn(hub.place, branch).catch((error: unknown) => {
        throw error instanceof BranchRefused
          ? exists(branchName, 'Another one has a part of this name.')
          : error;
      });
    const data = {
      branchName,
      commitSha: commit,
      checkpointId: checkpoint.id,
      ...(checkout && { checkout }),
    };
    const position = await this.#record(taskId, data, dryRun, context);
    const { id: checkpointId } = checkpoint;
    return {
      taskId,
      checkpointId,
      branchName,
      commitSha: commit,
      parentSha: parent,
      checkout,
      dryRun,
      position: positionToken(position),
    };
  }

  /** A git bundle of a branch that was made from a checkpoint of the task's contract. */
  async bundle(
    taskId: string,
    { branchName, have }: BundleQuery,
    context: RequestContext,
  ): Promise<Readable> {
    assertName(branchName);
    const { contractId } = await this.reads.read(context, (db) => visibleTask(db, context.caller, taskId));
    const hub = await this.hubs.of({ ownerId: context.caller.ownerId, contractId });
    if ((await branchTip(hub.place, branchName)) === null) throw notFound('branch', branchName);
    return bundleOf(hub.place, branchName, have);
  }

  async #record(
    taskId: string,
    data: {
      readonly branchName: string;
      readonly commitSha: string;
      readonly checkpointId: string;
      readonly checkout?: true;
    },
    dryRun: boolean,
    context: RequestContext,
  ): Promise<bigint> {
    // Making the same branch again is nothing new; checking it out again is.
    const origin = {
      id: deriveId('branch created', data.checkpointId, data.branchName),
      occurredAt: context.now.toISOString(),
      inputHash: '',
    };
    const origins = context.idempotent || data.checkout ? [] : [origin];
    const { position } = await this.commands.execute(
      new DispatchTask(taskId, { type: 'CreateBranch', data }, context, { dryRun, origins }),
    );
    await this.reads.settle(position);
    return position;
  }
}

/** A commit's message holds none. */
const withoutNul = (message: string): string => message.replaceAll('\0', '\u2400');

function assertName(branchName: string): void {
  if (isBranchName(branchName)) return;
  throw invalidField('branchName', 'must be a name that `git branch` takes, of at most 200 bytes');
}

const exists = (branchName: string, why: string): Problem =>
  new Problem('BRANCH_EXISTS', `There is a branch in the way of ${branchName}. ${why} Choose another name.`);
