import { unescapeText } from '#libs/database/text-escape.js';
import type { Whole } from '#libs/event-store/long-values.js';
import type { Shortened } from '#libs/http/shortened.js';
import type { LongList } from '#libs/kernel/blob-reference.js';
import { fromColumnJson } from '#libs/projections/column-text.js';
import type { ForkPoint, TaskSource, TaskStatus } from './task.events.js';

/** A task as its row says, a long list of files in its blob. */
export interface Task {
  readonly id: string;
  readonly name: string;
  readonly plan: string;
  readonly status: TaskStatus;
  readonly contractId: string | null;
  readonly parentTaskId: string | null;
  readonly isSupervisor: boolean;
  readonly continueFromTaskId: string | null;
  readonly checkpointSha: string | null;
  readonly copyFiles: LongList<string>;
  readonly forkedFromTaskId: string | null;
  readonly forkedAtCheckpointId: string | null;
  readonly fork: {
    readonly point: ForkPoint;
    readonly sourceVersion: number;
    readonly branchName: string | null;
  } | null;
  readonly source: TaskSource | null;
  readonly pendingTaskIds: readonly string[];
  readonly lastCheckpointSha: string | null;
  readonly checkpointCount: number;
  readonly checkpointMessage: string | null;
  /** Counts what changes the meaning of a rewind; the ETag. */
  readonly controlVersion: number;
  readonly createdAt: string;
  readonly completedAt: string | null;
  readonly updatedAt: string;
}

/** A task as lists show it: of very many files to copy the first. */
export type TaskView = Shortened<Task>;

/** A task with everything. */
export type WholeTask = Whole<Task>;

/** A row of task_states. */
export interface TaskRow {
  task_id: string;
  name: string;
  plan: string;
  status: TaskStatus;
  contract_id: string | null;
  parent_task_id: string | null;
  is_supervisor: boolean;
  continue_from_task_id: string | null;
  checkpoint_sha: string | null;
  copy_files: string;
  forked_from_task_id: string | null;
  forked_at_checkpoint_id: string | null;
  fork: string | null;
  source: string | null;
  pending_task_ids: string;
  last_checkpoint_sha: string | null;
  checkpoint_count: number;
  checkpoint_message: string | null;
  control_version: bigint;
  created_at: Date;
  completed_at: Date | null;
  updated_at: Date;
}

export function taskFrom(row: TaskRow): Task {
  return {
    id: row.task_id,
    name: unescapeText(row.name),
    plan: unescapeText(row.plan),
    status: row.status,
    contractId: row.contract_id,
    parentTaskId: row.parent_task_id,
    isSupervisor: row.is_supervisor,
    continueFromTaskId: row.continue_from_task_id,
    checkpointSha: row.checkpoint_sha,
    copyFiles: fromColumnJson(row.copy_files) as LongList<string>,
    forkedFromTaskId: row.forked_from_task_id,
    forkedAtCheckpointId: row.forked_at_checkpoint_id,
    fork: row.fork === null ? null : (fromColumnJson(row.fork) as TaskView['fork']),
    source: row.source === null ? null : (fromColumnJson(row.source) as TaskSource),
    pendingTaskIds: fromColumnJson(row.pending_task_ids) as string[],
    lastCheckpointSha: row.last_checkpoint_sha,
    checkpointCount: row.checkpoint_count,
    checkpointMessage: row.checkpoint_message === null ? null : unescapeText(row.checkpoint_message),
    controlVersion: Number(row.control_version),
    createdAt: row.created_at.toISOString(),
    completedAt: row.completed_at?.toISOString() ?? null,
    updatedAt: row.updated_at.toISOString(),
  };
}
