import {
  GivesCursor,
  GivesFlag,
  GivesHash,
  GivesId,
  GivesIds,
  GivesInstant,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesText,
  GivesTexts,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { GivesTruncated, type TruncatedField } from '#libs/http/shortened.js';
import { TaskCheckpoint } from '../checkpoint/checkpoint.dto.js';
import { ForkPointAnswer } from '../conversation/branches.answers.dto.js';
import { FORK_POINTS } from './task.dto.js';
import { TASK_STATUSES, type TaskStatus } from './task.events.js';

export class TaskForkAnswer {
  @GivesObject(() => ForkPointAnswer, 'Where it begins; null where its transcript does not say.', {
    nullable: true,
  })
  readonly point!: ForkPointAnswer | null;

  @GivesWhole("Version of the source's stream that it was made from.")
  readonly sourceVersion!: number;

  @GivesText('The git branch to create; null: none.', { nullable: true })
  readonly branchName!: string | null;
}

/** The transcript that a task was imported from. */
export class TaskSourceAnswer {
  @GivesText('The agent.', { example: 'claude-code' })
  readonly agent!: string;

  @GivesText("The agent's id of the session.")
  readonly sessionId!: string;

  @GivesText('Working directory of the agent.', { optional: true })
  readonly cwd?: string;

  @GivesText('Git branch that the agent saw.', { optional: true })
  readonly gitBranch?: string;

  @GivesText('Version of the agent.', { optional: true })
  readonly agentVersion?: string;

  @GivesText('The session that the agent says it was forked or resumed from.', { optional: true })
  readonly forkedFromSessionId?: string;
}

/** A task as it stands, or stood. */
export class TaskResponse {
  @GivesId('Id of the task.')
  readonly id!: string;

  @GivesText('For people: one line.')
  readonly name!: string;

  @GivesText('What it is to do; may be empty.')
  readonly plan!: string;

  @GivesOneOf(TASK_STATUSES, 'How far it is.')
  readonly status!: TaskStatus;

  @GivesId('The contract that it belongs to; null: none.', { nullable: true })
  readonly contractId!: string | null;

  @GivesId('The task that spawned it; null: none did.', { nullable: true })
  readonly parentTaskId!: string | null;

  @GivesFlag('Whether it was created as the supervisor of its contract.')
  readonly isSupervisor!: boolean;

  @GivesId('The task whose working tree it inherits; null: none.', { nullable: true })
  readonly continueFromTaskId!: string | null;

  @GivesHash('The commit that it starts from; null: none was given.', { nullable: true })
  readonly checkpointSha!: string | null;

  @GivesTexts(
    "Files copied from the parent task's working tree; in a list, of very many the first, see `truncated`.",
  )
  readonly copyFiles!: readonly string[];

  @GivesId('The task that it was forked from; null: it is no fork.', { nullable: true })
  readonly forkedFromTaskId!: string | null;

  @GivesId('The checkpoint that it was forked at; null: at none.', { nullable: true })
  readonly forkedAtCheckpointId!: string | null;

  @GivesObject(() => TaskForkAnswer, 'How it was forked; null: it is no fork.', { nullable: true })
  readonly fork!: TaskForkAnswer | null;

  @GivesObject(() => TaskSourceAnswer, 'The transcript that it was imported from; null: from none.', {
    nullable: true,
  })
  readonly source!: TaskSourceAnswer | null;

  @GivesIds('The tasks that it waits for.')
  readonly pendingTaskIds!: readonly string[];

  @GivesHash('Commit of its last checkpoint; null before the first.', { nullable: true })
  readonly lastCheckpointSha!: string | null;

  @GivesWhole('Number of its last checkpoint; a fork begins with that of its source.')
  readonly checkpointCount!: number;

  @GivesText('Message of its last checkpoint; null before the first.', { nullable: true })
  readonly checkpointMessage!: string | null;

  @GivesWhole('Counts what changes the meaning of a rewind; the ETag says it too.')
  readonly controlVersion!: number;

  @GivesInstant('When it was created.')
  readonly createdAt!: string;

  @GivesInstant('When it ended; null while it has not.', { nullable: true })
  readonly completedAt!: string | null;

  @GivesInstant('When it last changed, by the time of what changed it.')
  readonly updatedAt!: string;

  @GivesTruncated()
  readonly truncated?: readonly TruncatedField[];
}

export class TaskCreatedResponse extends TaskResponse {
  @GivesPosition('Of its first event.')
  readonly position!: string;
}

export class TasksResponse {
  @GivesList(() => TaskResponse, 'Newest first.')
  readonly tasks!: readonly TaskResponse[];

  @GivesCursor()
  readonly cursor?: string;
}

export class ActivityRecordedResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesWhole('Items recorded now.')
  readonly recorded!: number;

  @GivesWhole('Items that the task had already.')
  readonly repeated!: number;

  @GivesWhole("Version of the task's stream.")
  readonly version!: number;

  @GivesWhole('What a rewind can be tied to by If-Match; null where nothing was recorded.', {
    nullable: true,
  })
  readonly controlVersion!: number | null;

  @GivesPosition('Of the last item.')
  readonly position!: string;
}

/** SPEC §4.3. */
export class ForkPointFound {
  @GivesOneOf(FORK_POINTS, 'What was asked for.')
  readonly type!: string;

  @GivesFlag('Whether the named message itself is part of the fork.')
  readonly inclusive!: boolean;

  @GivesObject(() => TaskCheckpoint, 'The checkpoint at that point, where there is one.', { optional: true })
  readonly checkpoint?: TaskCheckpoint;

  @GivesInstant('The moment of the point.')
  readonly timestamp!: string;
}

/** SPEC §4.3, with `position` and `dryRun`. */
export class ForkTaskResponse {
  @GivesId('The fork; in a dry run it does not exist.')
  readonly newTaskId!: string;

  @GivesId('The task that was forked.')
  readonly sourceTaskId!: string;

  @GivesObject(() => ForkPointFound, 'Where the fork begins.')
  readonly forkPoint!: ForkPointFound;

  @GivesText('The git branch to create, when a daemon takes the task; absent where none was wanted.', {
    optional: true,
  })
  readonly branchName?: string;

  @GivesFlag('Whether the fork shows the conversation up to the point.')
  readonly conversationIncluded!: boolean;

  @GivesWhole('Messages that it shows of its source.')
  readonly messageCount!: number;

  @GivesFlag('True: nothing was changed.')
  readonly dryRun!: boolean;

  @GivesPosition("Of the fork's first event; 0 in a dry run.")
  readonly position!: string;
}

/** A request that waits for a daemon. */
export class WaitsForDaemonAnswer {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesOneOf(TASK_STATUSES, 'How far it is.')
  readonly status!: TaskStatus;

  @GivesWhole('What a rewind can be tied to by If-Match.')
  readonly controlVersion!: number;

  @GivesOneOf(['daemon'], 'What has to come before it takes effect.')
  readonly waitsFor!: string;

  @GivesText('The same in words.')
  readonly detail!: string;

  @GivesPosition('Of the request.')
  readonly position!: string;
}

export class ReassignTaskResponse extends WaitsForDaemonAnswer {
  @GivesId('The daemon that is to have it; null: any.', { nullable: true })
  readonly targetDaemonId!: string | null;
}

export class TestsReportedResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesFlag('Whether they passed.')
  readonly passed!: boolean;

  @GivesId('The checkpoint that was asked for to say it of; absent: it is said of the newest one.', {
    optional: true,
  })
  readonly requestId?: string;

  @GivesPosition('Of the report.')
  readonly position!: string;
}
