import { MAX_COLUMN_TEXT } from '#libs/event-store/codec.js';
import { IsFlag, IsId, IsInstant, IsJson, IsOneOf, IsQuantity, IsText, IsWhole } from '#libs/http/fields.js';
import { IsIds, IsNested, IsNestedList } from '#libs/http/structured-fields.js';
import {
  CHECKPOINT_TRIGGERS,
  LEFT_OUT_REASONS,
  type CheckpointTrigger,
} from '../checkpoint/checkpoint.events.js';
import { TASK_STATUSES, type TaskStatus } from './task.events.js';

const ACTIVITY_KINDS = [
  'message',
  'tool_call',
  'tool_result',
  'output',
  'status',
  'pending_tasks',
  'files',
  'checkpoint',
  'line',
] as const;
export type ActivityKind = (typeof ACTIVITY_KINDS)[number];

/** What fits into one request (MAX_BODY_BYTES) with what stands around it. */
const MAX_TEXT = 19_900_000;
const MAX_TOKENS = 1_000_000_000;

export class ToolCallDto {
  @IsText({ max: 500, description: "The agent's id of the call; its result names it." })
  id!: string;

  @IsText({ max: 1_000, description: 'Name of the tool.' })
  name!: string;

  @IsJson({ description: 'What the tool was given, as JSON.' })
  input: unknown;
}

export class UsageDto {
  @IsWhole({ min: 0, max: MAX_TOKENS, description: 'Input tokens, without those from a cache.' })
  input!: number;

  @IsWhole({ min: 0, max: MAX_TOKENS, description: 'Output tokens.' })
  output!: number;

  @IsWhole({ min: 0, max: MAX_TOKENS, description: 'Tokens read from a prompt cache.', optional: true })
  cacheRead?: number;

  @IsWhole({ min: 0, max: MAX_TOKENS, description: 'Tokens written to a prompt cache.', optional: true })
  cacheWrite?: number;
}

export class FileChangeDto {
  @IsText({ max: 4_096, description: 'Path as the agent names it.' })
  path!: string;

  @IsOneOf(['A', 'M', 'D'], { description: 'Added, modified or deleted.' })
  action!: 'A' | 'M' | 'D';

  @IsWhole({ min: 0, max: 100_000_000, description: 'Lines added.', optional: true })
  linesAdded?: number;

  @IsWhole({ min: 0, max: 100_000_000, description: 'Lines removed.', optional: true })
  linesRemoved?: number;
}

export class LeftOutDto {
  @IsText({ max: 4_096, description: 'Path in the folder; bytes that are no UTF-8 as \\xNN.' })
  path!: string;

  @IsOneOf(LEFT_OUT_REASONS, { description: 'Why.' })
  reason!: (typeof LEFT_OUT_REASONS)[number];
}

/** Full id of a git object. */
const OBJECT_ID = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

export class CheckpointDto {
  @IsText({
    max: 64,
    pattern: OBJECT_ID,
    description: 'Object id of the commit, 40 or 64 hex digits.',
  })
  commitSha!: string;

  @IsText({
    max: 64,
    pattern: OBJECT_ID,
    description: "Object id of the commit that the agent's branch named.",
    optional: true,
  })
  headSha?: string;

  @IsNestedList(() => LeftOutDto, {
    maxItems: 1_000,
    description: 'What of the folder the commit does not hold.',
    optional: true,
  })
  leftOut?: LeftOutDto[];

  @IsText({ max: 500, description: 'Branch that the agent saw.', optional: true })
  branchName?: string;

  @IsText({
    max: 64,
    pattern: OBJECT_ID,
    description: 'The commit that the changes are counted from; without it, that of the checkpoint before.',
    optional: true,
  })
  previousSha?: string;

  @IsOneOf(CHECKPOINT_TRIGGERS, { description: 'Why it was taken.', optional: true })
  trigger?: CheckpointTrigger;

  @IsFlag({
    description: 'It keeps what a rewind or restore is about to replace, and is not where the code is.',
    optional: true,
  })
  isAside?: boolean;

  @IsText({ min: 0, max: MAX_COLUMN_TEXT, description: 'Message of the checkpoint.' })
  message!: string;

  @IsNestedList(() => FileChangeDto, {
    maxItems: 100_000,
    description: 'Files changed since the checkpoint before.',
  })
  filesChanged!: FileChangeDto[];

  @IsWhole({ min: 0, max: 2_147_483_647, description: 'Lines added since the checkpoint before.' })
  linesAdded!: number;

  @IsWhole({ min: 0, max: 2_147_483_647, description: 'Lines removed since the checkpoint before.' })
  linesRemoved!: number;
}

/** One thing that happened in a task. Which fields it needs depends on `kind`. */
export class ActivityDto {
  @IsId({
    description: 'Unique in the task: sending it again changes nothing. The id of the message or event.',
  })
  id!: string;

  @IsOneOf(ACTIVITY_KINDS, { description: 'What happened.' })
  kind!: ActivityKind;

  @IsInstant({
    description: 'When it happened at its source; without it, when the request arrived.',
    optional: true,
  })
  occurredAt?: Date;

  @IsOneOf(['user', 'assistant', 'system'], { description: 'message: who said it.', optional: true })
  role?: 'user' | 'assistant' | 'system';

  @IsText({
    min: 0,
    max: MAX_TEXT,
    description: 'message, output, line, tool_result: the text.',
    optional: true,
  })
  content?: string;

  @IsText({ min: 0, max: MAX_TEXT, description: "message: the agent's thinking.", optional: true })
  thinking?: string;

  @IsNestedList(() => ToolCallDto, {
    maxItems: 1_000,
    description: 'message: the calls that it makes. tool_call: the one call.',
    optional: true,
  })
  toolCalls?: ToolCallDto[];

  @IsText({ max: 500, description: 'tool_result: the call that it answers.', optional: true })
  toolCallId?: string;

  @IsText({ max: 1_000, description: 'tool_result: the tool, where the call is not known.', optional: true })
  toolName?: string;

  @IsFlag({ description: 'tool_result: whether the tool failed.', optional: true })
  isError?: boolean;

  @IsText({ max: 500, description: 'message: the model.', optional: true })
  model?: string;

  @IsNested(() => UsageDto, { description: 'message: tokens.', optional: true })
  usage?: UsageDto;

  @IsQuantity({ min: 0, max: 1_000_000, description: 'message: US dollars.', optional: true })
  costUsd?: number;

  @IsOneOf(['stdout', 'stderr', 'agent'], { description: 'output: where it came from.', optional: true })
  channel?: 'stdout' | 'stderr' | 'agent';

  @IsOneOf(TASK_STATUSES, { description: 'status: the new status.', optional: true })
  status?: TaskStatus;

  @IsText({ max: 10_000, description: 'status: why.', optional: true })
  reason?: string;

  @IsIds({
    maxItems: 10_000,
    description: 'pending_tasks: the tasks that the supervisor waits for.',
    optional: true,
  })
  taskIds?: string[];

  @IsNestedList(() => FileChangeDto, {
    maxItems: 100_000,
    description: 'files, tool_result: files that changed.',
    optional: true,
  })
  files?: FileChangeDto[];

  @IsNested(() => CheckpointDto, { description: 'checkpoint: the commit.', optional: true })
  checkpoint?: CheckpointDto;

  @IsText({ max: 200, description: 'line: its type in the format of the agent.', optional: true })
  lineType?: string;
}

export class RecordActivityRequest {
  @IsNestedList(() => ActivityDto, {
    minItems: 1,
    maxItems: 500,
    description: 'What happened, in order. All of it is recorded or nothing.',
  })
  items!: ActivityDto[];
}
