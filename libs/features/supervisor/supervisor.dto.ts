import {
  GivesId,
  GivesIds,
  GivesInstant,
  GivesList,
  GivesOneOf,
  GivesText,
} from '#libs/http/answer-fields.js';
import { PHASES, type Phase } from '../contract/contract.events.js';
import { ConversationMovedResponse } from '../conversation/branches.answers.dto.js';
import { ConversationMessage, ConversationPageAnswer } from '../conversation/conversation.answers.dto.js';
import { TASK_STATUSES, type TaskStatus } from '../task/task.events.js';

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
