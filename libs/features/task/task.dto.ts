import { MAX_COLUMN_TEXT } from '#libs/event-store/codec.js';
import { IsFlag, IsId, IsName, IsOneOf, IsText } from '#libs/http/fields.js';
import { IsCursor, IsDryRun, IsLimit } from '#libs/http/shared-fields.js';
import { IsNested, IsTexts } from '#libs/http/structured-fields.js';
import { TASK_STATUSES, type TaskStatus } from './task.events.js';

const MAX_PLAN = MAX_COLUMN_TEXT;

/** SPEC §3.4. */
export class CreateTaskRequest {
  @IsName({ description: 'For people: one line.' })
  name!: string;

  @IsText({ min: 0, max: MAX_PLAN, description: 'What the task is to do.', optional: true, default: '' })
  plan = '';

  @IsId({ description: 'The contract that the task belongs to.', optional: true })
  contractId?: string;

  @IsId({ description: 'The task that spawned this one.', optional: true })
  parentTaskId?: string;

  @IsFlag({ description: 'Make it the supervisor of its contract.', optional: true, default: false })
  isSupervisor = false;

  @IsId({ description: 'Inherit the working tree of this task.', optional: true })
  continueFromTaskId?: string;

  @IsText({
    max: 64,
    pattern: /^[0-9a-f]{40}([0-9a-f]{24})?$/,
    description: 'Checkpoint to start from: a commit id.',
    optional: true,
  })
  checkpointSha?: string;

  @IsTexts({
    max: 4_096,
    maxItems: 10_000,
    description: "Files to copy from the parent task's working tree.",
    optional: true,
  })
  copyFiles?: string[];
}

export class TasksQuery {
  @IsId({ description: 'Only tasks of this contract.', optional: true })
  contract_id?: string;

  @IsId({ description: 'Only tasks that this one spawned.', optional: true })
  parent_task_id?: string;

  @IsOneOf(TASK_STATUSES, { description: 'Only tasks of this status.', optional: true })
  status?: TaskStatus;

  @IsLimit('Tasks')
  limit = 100;

  @IsCursor()
  cursor?: string;
}

export const FORK_POINTS = ['checkpoint', 'timestamp', 'message_id'] as const;

class ForkFromDto {
  @IsOneOf(FORK_POINTS, { description: 'What `value` is.' })
  type!: (typeof FORK_POINTS)[number];

  @IsText({
    max: 100,
    description: 'A checkpoint (id, number or commit id), an ISO 8601 time, or a message id.',
  })
  value!: string;
}

class NewTaskDto {
  @IsName({ description: 'Name of the new task.' })
  name!: string;

  @IsText({ min: 0, max: MAX_PLAN, description: 'What the new task is to do.' })
  plan!: string;

  @IsFlag({ description: 'Take the conversation up to the point over.', optional: true, default: true })
  includeConversation = true;
}

class BranchOptionsDto {
  @IsFlag({ description: 'Create a git branch (when a daemon takes the task).', optional: true })
  createBranch?: boolean;

  @IsText({ max: 250, description: 'Its name.', optional: true })
  branchName?: string;
}

/** SPEC §4.3 (nested), or the earlier flat shape. */
export class ForkTaskRequest {
  @IsNested(() => ForkFromDto, { description: 'The fork point.', optional: true })
  forkFrom?: ForkFromDto;

  @IsNested(() => NewTaskDto, { description: 'The new task.', optional: true })
  newTask?: NewTaskDto;

  @IsNested(() => BranchOptionsDto, { description: 'Git branching options.', optional: true })
  branchOptions?: BranchOptionsDto;

  @IsOneOf(FORK_POINTS, { description: 'Flat shape: forkFrom.type.', optional: true })
  forkFromType?: (typeof FORK_POINTS)[number];

  @IsText({ max: 100, description: 'Flat shape: forkFrom.value.', optional: true })
  forkFromValue?: string;

  @IsName({ description: 'Flat shape: newTask.name.', optional: true })
  newTaskName?: string;

  @IsText({ min: 0, max: MAX_PLAN, description: 'Flat shape: newTask.plan.', optional: true })
  newTaskPlan?: string;

  @IsFlag({ description: 'Flat shape: newTask.includeConversation.', optional: true })
  includeConversation?: boolean;

  @IsFlag({ description: 'Flat shape: branchOptions.createBranch.', optional: true })
  createBranch?: boolean;

  @IsText({ max: 250, description: 'Flat shape: branchOptions.branchName.', optional: true })
  branchName?: string;

  @IsFlag({
    description: 'For a message: whether it is part of the fork (with its tool results).',
    optional: true,
    default: true,
  })
  inclusive = true;

  @IsDryRun()
  dryRun = false;
}

export class ReassignTaskRequest {
  @IsId({ description: 'The daemon that is to have it; without it any.', optional: true })
  targetDaemonId?: string;
}

export class ReportTestsRequest {
  @IsFlag({ description: "Whether the task's tests passed." })
  passed!: boolean;

  @IsText({ max: 2_000, description: 'For people; the message of the checkpoint.', optional: true })
  summary?: string;
}
