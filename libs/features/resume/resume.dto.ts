import {
  GivesFlag,
  GivesHash,
  GivesId,
  GivesInstant,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { IsFlag, IsId, IsName, IsOneOf, IsText, IsWhole } from '#libs/http/fields.js';
import { IsDryRun } from '#libs/http/shared-fields.js';
import { IsNested } from '#libs/http/structured-fields.js';
import { MAX_COLUMN_TEXT } from '#libs/event-store/codec.js';
import { PHASES, type Phase } from '../contract/contract.events.js';
import { RewindTaskResponse } from '../rewind/rewind.dto.js';
import { TASK_STATUSES, type TaskStatus } from '../task/task.events.js';
import { DEFAULT_MAX_TOKENS, LEFT_OUT_BECAUSE, type LeftOutBecause } from './context-options.js';

const MAX_PROMPT = 100_000;
const MAX_TOKENS = { min: 1_000, max: 2_000_000 };

/** How much an agent may be given; shared by all that goes on. */
const IsMaxTokens = (): PropertyDecorator =>
  IsWhole({
    ...MAX_TOKENS,
    description:
      'Tokens that the agent is given at most, by estimate. Of a longer conversation the newest messages are whole, and the others an extract.',
    optional: true,
    default: DEFAULT_MAX_TOKENS,
  });

class ContextOptionsDto {
  @IsWhole({ min: 1, max: 1_000_000, description: 'The newest N messages.', optional: true })
  maxMessages?: number;

  @IsFlag({ description: 'Include tool calls.', optional: true, default: true })
  includeToolCalls?: boolean;

  @IsFlag({ description: 'Include tool results.', optional: true, default: true })
  includeToolResults?: boolean;

  @IsFlag({
    description: 'The newest ten messages, and an extract of the others; no model is asked.',
    optional: true,
    default: false,
  })
  summaryMode?: boolean;
}

export const RESUME_MODES = ['with_context', 'clean_restart', 'from_checkpoint'] as const;

/** SPEC §3.2, with `prompt`, `maxTokens` and `dryRun`. */
export class ContinueTaskRequest {
  @IsId({ description: 'The daemon that is to go on with it.', optional: true })
  targetDaemonId?: string;

  @IsOneOf(RESUME_MODES, {
    description:
      'How to go on. clean_restart: the plan again, without the conversation; from_checkpoint: code and conversation go back to `checkpointSha` first, as one rewind.',
    optional: true,
    default: 'with_context',
  })
  resumeMode: (typeof RESUME_MODES)[number] = 'with_context';

  @IsText({
    max: 64,
    pattern: /^[0-9a-f]{40}([0-9a-f]{24})?$/,
    description: 'For from_checkpoint: the commit id.',
    optional: true,
  })
  checkpointSha?: string;

  @IsNested(() => ContextOptionsDto, {
    description: 'What of the conversation the agent is given.',
    optional: true,
  })
  contextOptions?: ContextOptionsDto;

  @IsMaxTokens()
  maxTokens?: number;

  @IsText({ max: MAX_PROMPT, description: 'What the agent is told besides.', optional: true })
  prompt?: string;

  @IsDryRun('Answer what the agent would be given, and change nothing.')
  dryRun = false;
}

export const SUPERVISOR_MODES = ['continue', 'restart_phase', 'from_checkpoint'] as const;

/** SPEC §3.1, with `maxTokens` and `dryRun`. */
export class ResumeSupervisorRequest {
  @IsId({ description: 'The daemon that is to go on with it.', optional: true })
  targetDaemonId?: string;

  @IsOneOf(SUPERVISOR_MODES, {
    description:
      'How to go on. restart_phase: without the conversation, but told which phases and tasks are finished; from_checkpoint: code and conversation go back first, as one rewind.',
    optional: true,
    default: 'continue',
  })
  resumeMode: (typeof SUPERVISOR_MODES)[number] = 'continue';

  @IsId({ description: 'For from_checkpoint: the checkpoint.', optional: true })
  checkpointId?: string;

  @IsText({ max: MAX_PROMPT, description: 'What else the agent is told.', optional: true })
  additionalContext?: string;

  @IsMaxTokens()
  maxTokens?: number;

  @IsDryRun('Answer what the agent would be given, and change nothing.')
  dryRun = false;
}

/** SPEC §3.3, with `start`, `maxTokens` and `dryRun`. */
export class ResumeFromCheckpointRequest {
  @IsName({ description: 'Name of the new task; otherwise it says where it comes from.', optional: true })
  taskName?: string;

  @IsText({ max: MAX_COLUMN_TEXT, description: 'What the new task is to do.' })
  plan!: string;

  @IsFlag({
    description: 'Take the conversation up to the checkpoint over.',
    optional: true,
    default: false,
  })
  includeConversation = false;

  @IsId({ description: 'The daemon that is to run it.', optional: true })
  targetDaemonId?: string;

  @IsFlag({ description: 'Whether it is to start at once.', optional: true, default: true })
  start = true;

  @IsDryRun('Answer what the agent would be given, and change nothing.')
  dryRun = false;
}

export class AmountAnswer {
  @GivesWhole('Messages, without tool results.')
  readonly messages!: number;

  @GivesWhole('Tool calls in them.')
  readonly toolCalls!: number;

  @GivesWhole('Tool results.')
  readonly toolResults!: number;
}

export class NotToldAnswer extends AmountAnswer {
  @GivesOneOf(
    LEFT_OUT_BECAUSE,
    'Why. limit: older than the newest `maxMessages`; budget: no room; summary: stands in the extract; not_wanted: calls or results that were not asked for; call_left_out: results whose calls are left out; nothing_left: messages that only made calls.',
  )
  readonly reason!: LeftOutBecause;
}

/** What of a conversation an agent is given. Its thinking is never part of it. */
export class ToldAnswer {
  @GivesObject(() => AmountAnswer, 'What the task shows: `given` and `leftOut` together.')
  readonly shown!: AmountAnswer;

  @GivesObject(() => AmountAnswer, 'What the agent is given of it.')
  readonly given!: AmountAnswer;

  @GivesList(() => NotToldAnswer, 'What it is not given, by reason.')
  readonly leftOut!: readonly NotToldAnswer[];

  @GivesWhole('Messages and results that are given without their middle.')
  readonly shortened!: number;

  @GivesWhole('Calls that were cut off, and are given an answer which says that their outcome is not known.')
  readonly unknownCalls!: number;

  @GivesFlag('Whether an extract of what is left out is given; it is made by rules, not by a model.')
  readonly summary!: boolean;

  @GivesWhole('Tokens of all of it with the prompt: an estimate.')
  readonly tokens!: number;
}

/** A checkpoint that a task goes on from. */
export class GoesOnFromAnswer {
  @GivesId('Id of the checkpoint.')
  readonly checkpointId!: string;

  @GivesId('The task that recorded it: another one where this has none of its own yet.')
  readonly taskId!: string;

  @GivesWhole('Its number.')
  readonly checkpointNumber!: number;

  @GivesHash('Object id of its commit.')
  readonly sha!: string;

  @GivesText('Its message.')
  readonly message!: string;

  @GivesFlag('Whether any daemon can go on with it; otherwise only the one that took it.')
  readonly isSafe!: boolean;
}

/** A daemon, as far as it is known at this moment. */
export class DaemonAtHandAnswer {
  @GivesId('Id of the daemon.')
  readonly daemonId!: string;

  @GivesFlag('Whether it is connected.')
  readonly isConnected!: boolean;
}

class GoesOnAnswer {
  @GivesObject(() => ToldAnswer, 'What the agent is given of the conversation.')
  readonly told!: ToldAnswer;

  @GivesText('What it is asked, after that.')
  readonly prompt!: string;

  @GivesObject(() => GoesOnFromAnswer, 'Where the code is; null: as the repository has it.', {
    nullable: true,
  })
  readonly checkpoint!: GoesOnFromAnswer | null;

  @GivesObject(
    () => DaemonAtHandAnswer,
    'The daemon that was named, or else the one that has the folder; null: neither, any daemon may take it.',
    { nullable: true },
  )
  readonly daemon!: DaemonAtHandAnswer | null;

  @GivesFlag('True: nothing was changed.')
  readonly dryRun!: boolean;

  @GivesPosition('Of the request; 0 in a dry run.')
  readonly position!: string;
}

export class ContinueTaskResponse extends GoesOnAnswer {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesOneOf(RESUME_MODES, 'How it is to go on.')
  readonly resumeMode!: string;

  @GivesOneOf(TASK_STATUSES, 'How far it is: it starts when a daemon takes it.')
  readonly status!: TaskStatus;

  @GivesWhole('What a rewind can be tied to by If-Match.')
  readonly controlVersion!: number;

  @GivesOneOf(['daemon'], 'What has to come before it takes effect.')
  readonly waitsFor!: string;

  @GivesText('The same in words, and whether such a daemon is connected.')
  readonly detail!: string;

  @GivesObject(() => RewindTaskResponse, 'For from_checkpoint: the rewind that goes before it.', {
    optional: true,
  })
  readonly rewind?: RewindTaskResponse;
}

export class ResumedFromAnswer {
  @GivesOneOf(PHASES, 'The phase that it goes on in.')
  readonly phase!: Phase;

  @GivesInstant('When something last happened in it.')
  readonly lastActivity!: string;

  @GivesWhole('Messages that it goes on with.')
  readonly messageCount!: number;
}

/** SPEC §3.1. */
export class ResumeSupervisorResponse extends GoesOnAnswer {
  @GivesId('The task that goes on.')
  readonly supervisorTaskId!: string;

  @GivesId('The daemon that has it; null: it waits for one.', { nullable: true })
  readonly daemonId!: string | null;

  @GivesObject(() => ResumedFromAnswer, 'Where it goes on.')
  readonly resumedFrom!: ResumedFromAnswer;

  @GivesOneOf(['starting', 'running'], 'How far it is.')
  readonly status!: 'starting' | 'running';

  @GivesObject(() => RewindTaskResponse, 'For from_checkpoint: the rewind that goes before it.', {
    optional: true,
  })
  readonly rewind?: RewindTaskResponse;
}

export class CheckpointUsedAnswer {
  @GivesWhole('Its number.')
  readonly number!: number;

  @GivesHash('Object id of its commit.')
  readonly sha!: string;

  @GivesText('Its message.')
  readonly message!: string;
}

/** SPEC §3.3. */
export class ResumeFromCheckpointResponse extends GoesOnAnswer {
  @GivesId('The new task; in a dry run it does not exist.')
  readonly newTaskId!: string;

  @GivesId('The task that the checkpoint was taken of.')
  readonly sourceTaskId!: string;

  @GivesObject(() => CheckpointUsedAnswer, 'The checkpoint.')
  readonly checkpointUsed!: CheckpointUsedAnswer;

  @GivesOneOf(['pending', 'starting'], 'starting: it waits for a daemon to take it.')
  readonly status!: 'pending' | 'starting';
}
