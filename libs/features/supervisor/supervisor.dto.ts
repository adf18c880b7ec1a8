import {
  GivesId,
  GivesIds,
  GivesInstant,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { IsId, IsOneOf, IsText } from '#libs/http/fields.js';
import { PHASES, type Phase } from '../contract/contract.events.js';
import { ConversationMovedResponse } from '../conversation/branches.answers.dto.js';
import { ConversationMessage, ConversationPageAnswer } from '../conversation/conversation.answers.dto.js';
import { TASK_STATUSES, type TaskStatus } from '../task/task.events.js';

/** SPEC §3.1. */
export class ResumeSupervisorRequest {
  @IsId({ description: 'The daemon that is to go on with it.', optional: true })
  targetDaemonId?: string;

  @IsOneOf(['continue', 'restart_phase', 'from_checkpoint'], {
    description: 'How to go on.',
    optional: true,
    default: 'continue',
  })
  resumeMode: 'continue' | 'restart_phase' | 'from_checkpoint' = 'continue';

  @IsId({ description: 'For from_checkpoint: the checkpoint.', optional: true })
  checkpointId?: string;

  @IsText({ max: 100_000, description: 'What else the agent is told.', optional: true })
  additionalContext?: string;
}

/** SPEC §2.3. */
export class TaskReference {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesText('Name of the task.')
  readonly taskName!: string;

  @GivesOneOf(TASK_STATUSES, 'Status of the task.')
  readonly status!: TaskStatus;

  @GivesInstant('When it was created.')
  readonly createdAt!: string;

  @GivesInstant('When it ended; absent while it has not.', { optional: true })
  readonly completedAt?: string;
}

/** SPEC §2.3. */
export class SupervisorConversationResponse extends ConversationPageAnswer {
  @GivesId('Id of the contract.')
  readonly contractId!: string;

  @GivesId('The task that supervises it.')
  readonly supervisorTaskId!: string;

  @GivesId('The same, as every conversation says it.')
  readonly taskId!: string;

  @GivesText('Name of that task.')
  readonly taskName!: string;

  @GivesOneOf(TASK_STATUSES, 'Status of that task.')
  readonly status!: TaskStatus;

  @GivesOneOf(PHASES, 'The phase that the contract is in.')
  readonly phase!: Phase;

  @GivesInstant('When something last happened in the supervisor.')
  readonly lastActivity!: string;

  @GivesIds('The tasks that the supervisor waits for.')
  readonly pendingTaskIds!: readonly string[];

  @GivesList(() => ConversationMessage, 'In the order that was asked for.')
  readonly messages!: readonly ConversationMessage[];

  @GivesList(() => TaskReference, 'Tasks that it spawned, oldest first.')
  readonly spawnedTasks!: readonly TaskReference[];
}

export class SupervisorMovedResponse extends ConversationMovedResponse {
  @GivesId('Id of the contract.')
  readonly contractId!: string;
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
export class ResumeSupervisorResponse {
  @GivesId('The task that goes on.')
  readonly supervisorTaskId!: string;

  @GivesId('The daemon that goes on with it.')
  readonly daemonId!: string;

  @GivesObject(() => ResumedFromAnswer, 'Where it goes on.')
  readonly resumedFrom!: ResumedFromAnswer;

  @GivesOneOf(['starting', 'running'], 'How far it is.')
  readonly status!: 'starting' | 'running';
}
