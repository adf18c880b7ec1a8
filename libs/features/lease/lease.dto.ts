import {
  GivesFlag,
  GivesHash,
  GivesId,
  GivesJson,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesQuantity,
  GivesText,
  GivesTexts,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { IsId, IsOneOf, IsQuantity, IsText, IsWhole } from '#libs/http/fields.js';
import { IsNested, IsTexts } from '#libs/http/structured-fields.js';
import { TaskCheckpoint } from '../checkpoint/checkpoint.dto.js';
import { CodePointAnswer } from '../daemon/daemon.dto.js';
import { WaitsForDaemonAnswer } from '../task/task.answers.dto.js';
import { TASK_STATUSES, type TaskStatus } from '../task/task.events.js';

const MAX_TEXT = 10_000_000;
export const RUNNERS = ['claude', 'codex', 'command', 'replay'] as const;

/** The program that a task's agent is. Which fields it takes depends on `name`. */
export class RunnerChoiceDto {
  @IsOneOf(RUNNERS, { description: 'Which runner starts it.' })
  name!: (typeof RUNNERS)[number];

  @IsText({
    max: 200,
    pattern: /^[A-Za-z0-9][A-Za-z0-9._:/@[\]-]*$/,
    description: 'claude, codex: the model; without it the one that the program is set to.',
    optional: true,
  })
  model?: string;

  @IsTexts({
    minItems: 1,
    maxItems: 100,
    max: 20_000,
    description: 'command: the program and its arguments, 50,000 characters at most. No shell reads it.',
    optional: true,
  })
  command?: string[];

  @IsText({
    max: 4_096,
    pattern: /^[^\0]+$/,
    description: "replay: path of a recorded transcript on the daemon's machine.",
    optional: true,
  })
  recording?: string;

  @IsQuantity({ min: 0, max: 1_000, description: 'replay: 0 at once, 1 as it was recorded.', optional: true })
  speed?: number;
}

export class StartTaskRequest {
  @IsNested(() => RunnerChoiceDto, {
    description: "The agent; without it the task's former one, or else the daemon's own choice.",
    optional: true,
  })
  runner?: RunnerChoiceDto;

  @IsText({
    max: MAX_TEXT,
    description: "What the agent is asked; without it the task's plan.",
    optional: true,
  })
  prompt?: string;

  @IsId({ description: 'The daemon that is to run it; without it any.', optional: true })
  targetDaemonId?: string;
}

export class StopTaskRequest {
  @IsText({ max: 10_000, description: 'Why.', optional: true })
  reason?: string;

  @IsOneOf(['paused', 'cancelled'], {
    description: 'How the task stands then.',
    optional: true,
    default: 'paused',
  })
  status: 'paused' | 'cancelled' = 'paused';
}

export class LeaseRequest {
  @IsId({ description: 'The daemon that takes it.' })
  daemonId!: string;
}

const RELEASED_AS = ['completed', 'failed', 'interrupted', 'paused', 'cancelled'] as const;

export class ReleaseLeaseRequest {
  @IsId({ description: 'The daemon that holds it.' })
  daemonId!: string;

  @IsWhole({ min: 1, max: Number.MAX_SAFE_INTEGER, description: 'Epoch of its lease.' })
  epoch!: number;

  @IsOneOf(RELEASED_AS, { description: 'How the task stands now.' })
  status!: (typeof RELEASED_AS)[number];

  @IsText({ max: 10_000, description: 'Why.', optional: true })
  reason?: string;
}

export class RequestCheckpointRequest {
  @IsText({ max: 10_000, description: 'Message for the checkpoint.', optional: true })
  message?: string;
}

export class AnswerCheckpointRequest {
  @IsId({ description: 'The daemon that has the folder.' })
  daemonId!: string;

  @IsId({ description: 'The new checkpoint, or the newest one where nothing had changed.' })
  checkpointId!: string;
}

export class RunnerChoiceAnswer {
  @GivesOneOf(RUNNERS, 'Which runner starts it.')
  readonly name!: (typeof RUNNERS)[number];

  @GivesText('The model; absent: the one that the program is set to.', { optional: true })
  readonly model?: string;

  @GivesTexts('The program and its arguments; for command.', { optional: true })
  readonly command?: readonly string[];

  @GivesText("Path of a recorded transcript on the daemon's machine; for replay.", { optional: true })
  readonly recording?: string;

  @GivesQuantity('0 at once, 1 as it was recorded; for replay, absent: as the runner does.', {
    optional: true,
  })
  readonly speed?: number;
}

export class EarlierCallAnswer {
  @GivesText('The id that the agent gave it.')
  readonly id!: string;

  @GivesText('The tool.')
  readonly name!: string;

  @GivesJson('What it was called with.')
  readonly input!: unknown;
}

/** What was said or done before: a message, or a tool's result. */
export class EarlierAnswer {
  @GivesOneOf(['message', 'tool_result'], 'Which of the two.')
  readonly kind!: 'message' | 'tool_result';

  @GivesOneOf(['user', 'assistant', 'system'], 'message: who said it.', { optional: true })
  readonly role?: 'user' | 'assistant' | 'system';

  @GivesText('What was said, or what the tool gave.')
  readonly content!: string;

  @GivesList(() => EarlierCallAnswer, 'message: the calls that it makes; absent: none.', { optional: true })
  readonly toolCalls?: readonly EarlierCallAnswer[];

  @GivesText('tool_result: the call that it answers.', { optional: true })
  readonly toolCallId?: string;

  @GivesText('tool_result: the tool; absent: it is not known.', { optional: true })
  readonly toolName?: string;

  @GivesFlag('tool_result: whether the tool failed; absent: it did not.', { optional: true })
  readonly isError?: boolean;
}

export class CopiedFilesAnswer {
  @GivesId('The task that recorded the checkpoint.')
  readonly taskId!: string;

  @GivesId('Id of the checkpoint.')
  readonly checkpointId!: string;

  @GivesHash('Object id of its commit.')
  readonly commitSha!: string;

  @GivesTexts('The files to copy out of it.')
  readonly paths!: readonly string[];
}

/** The code that a run begins with. */
export class LeaseCodeAnswer {
  @GivesObject(() => CodePointAnswer, 'Where the code is; null: nowhere but in the repository.', {
    nullable: true,
  })
  readonly checkpoint!: CodePointAnswer | null;

  @GivesFlag(
    'A folder that the daemon has of the task is out of date: it is captured aside first, then brought to `checkpoint`.',
  )
  readonly restore!: boolean;

  @GivesId('The rewind that bringing it there completes; null: none waits for that.', { nullable: true })
  readonly deferredRewindId!: string | null;

  @GivesText('The branch to create in the new folder and to work on; null: none is asked for.', {
    nullable: true,
  })
  readonly branchName!: string | null;

  @GivesObject(() => CopiedFilesAnswer, 'Files to copy into the new folder; null: none.', { nullable: true })
  readonly copyFiles!: CopiedFilesAnswer | null;
}

/** What a daemon needs to know to run a task. */
export class LeaseResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesWhole('Epoch of the lease, for X-Makima-Lease.')
  readonly epoch!: number;

  @GivesId('Id of the run: the same for the same lease.')
  readonly runId!: string;

  @GivesText('Name of the task.')
  readonly name!: string;

  @GivesText('What the task is to do; may be empty.')
  readonly plan!: string;

  @GivesId('The contract that it belongs to; null: none.', { nullable: true })
  readonly contractId!: string | null;

  @GivesText('Path or URL of the repository that the work is about; null: none.', { nullable: true })
  readonly repository!: string | null;

  @GivesObject(() => RunnerChoiceAnswer, "The agent; null: the daemon's own choice.", { nullable: true })
  readonly runner!: RunnerChoiceAnswer | null;

  @GivesText('What the agent is asked.')
  readonly prompt!: string;

  @GivesList(() => EarlierAnswer, 'What was said and done before, oldest first.')
  readonly conversation!: readonly EarlierAnswer[];

  @GivesObject(() => LeaseCodeAnswer, 'The code that the run begins with.')
  readonly code!: LeaseCodeAnswer;
}

export class StartTaskResponse extends WaitsForDaemonAnswer {}

/** How a task stands after its lease has ended. */
export class LeaseEndedResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesOneOf(TASK_STATUSES, 'How far it is.')
  readonly status!: TaskStatus;

  @GivesWhole('What a rewind can be tied to by If-Match.')
  readonly controlVersion!: number;

  @GivesPosition('Of the end.')
  readonly position!: string;
}

/** A checkpoint that was asked for. */
export class CheckpointRequestedResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesId('Id of the request.')
  readonly requestId!: string;

  @GivesObject(() => TaskCheckpoint, 'The checkpoint; null: the daemon has not taken it yet.', {
    nullable: true,
  })
  readonly checkpoint!: TaskCheckpoint | null;

  @GivesText('The same in words.')
  readonly detail!: string;

  @GivesPosition('Of the request, or of the answer to it.')
  readonly position!: string;
}

export class CheckpointAnsweredResponse {
  @GivesId('Id of the request.')
  readonly requestId!: string;

  @GivesPosition('Of the answer.')
  readonly position!: string;
}
