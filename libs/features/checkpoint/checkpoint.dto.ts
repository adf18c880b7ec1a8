import {
  GivesCursor,
  GivesFlag,
  GivesHash,
  GivesId,
  GivesInstant,
  GivesList,
  GivesOneOf,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { IsCursor, IsLimit } from '#libs/http/shared-fields.js';
import { GivesTruncated, type TruncatedField } from '#libs/http/shortened.js';
import { CHECKPOINT_TRIGGERS, LEFT_OUT_REASONS, type CheckpointTrigger } from './checkpoint.events.js';
import { FileChangeAnswer } from '../conversation/conversation.answers.dto.js';

export class CheckpointsQuery {
  @IsLimit('Checkpoints')
  limit = 100;

  @IsCursor()
  cursor?: string;
}

/** Something of a folder that a checkpoint does not hold. */
export class LeftOutAnswer {
  @GivesText('Path in the folder; bytes that are no UTF-8 as \\xNN.')
  readonly path!: string;

  @GivesOneOf(LEFT_OUT_REASONS, 'Why.')
  readonly reason!: (typeof LEFT_OUT_REASONS)[number];
}

/** SPEC §1.1 task_checkpoints. */
export class TaskCheckpoint {
  @GivesId('Id of the checkpoint.')
  readonly id!: string;

  @GivesId('The task that it was taken of.')
  readonly taskId!: string;

  @GivesWhole('Its number; a fork goes on counting where its source stood.')
  readonly checkpointNumber!: number;

  @GivesHash('Object id of the commit.')
  readonly commitSha!: string;

  @GivesText('Branch that the agent saw; null: it is not known.', { nullable: true })
  readonly branchName!: string | null;

  @GivesText('Message of the checkpoint.')
  readonly message!: string;

  @GivesList(
    () => FileChangeAnswer,
    'Files changed since the checkpoint before; in a list, of very many the first, see `truncated`.',
  )
  readonly filesChanged!: readonly FileChangeAnswer[];

  @GivesWhole('Lines added since the checkpoint before.')
  readonly linesAdded!: number;

  @GivesWhole('Lines removed since the checkpoint before.')
  readonly linesRemoved!: number;

  @GivesWhole("The last message of the task's conversation at that moment (inclusive); 0 before the first.")
  readonly seq!: number;

  @GivesId('The snapshot of the conversation that was taken with it; null: none was.', { nullable: true })
  readonly conversationSnapshotId!: string | null;

  @GivesHash("The commit that the agent's branch named; null: none, or it is not known.", { nullable: true })
  readonly headSha!: string | null;

  @GivesList(
    () => LeftOutAnswer,
    'What of the folder it does not hold, so that no restore promises too much.',
  )
  readonly leftOut!: readonly LeftOutAnswer[];

  @GivesHash('The commit that its changes are counted from; null: the checkpoint before.', { nullable: true })
  readonly previousSha!: string | null;

  @GivesOneOf(CHECKPOINT_TRIGGERS, 'Why it was taken; null: it is not known.', { nullable: true })
  readonly trigger!: CheckpointTrigger | null;

  @GivesFlag('It keeps what a rewind or a restore replaced, and is not on the way of the code.')
  readonly isAside!: boolean;

  @GivesFlag("How the task's tests came out on it; null: nobody said.", { nullable: true })
  readonly testsPassed!: boolean | null;

  @GivesFlag("Whether it is in the server's hub, and survives the daemon's machine.")
  readonly isSafe!: boolean;

  @GivesInstant('When it was taken.')
  readonly createdAt!: string;

  @GivesTruncated()
  readonly truncated?: readonly TruncatedField[];
}

export class TaskCheckpointsResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesList(() => TaskCheckpoint, 'Newest first.')
  readonly checkpoints!: readonly TaskCheckpoint[];

  @GivesCursor()
  readonly cursor?: string;
}
