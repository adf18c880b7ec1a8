import {
  GivesFlag,
  GivesHash,
  GivesId,
  GivesInstant,
  GivesList,
  GivesObject,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { IsText, IsWhole } from '#libs/http/fields.js';

export class BlameQuery {
  @IsText({ max: 4_096, description: 'Path of a file in the folder as answers show it, with /.' })
  path!: string;

  @IsWhole({
    min: 1,
    max: 100_000_000,
    description: 'Only this line, from 1; without it all, up to the 20,000th.',
    optional: true,
  })
  line?: number;
}

export class BlamedLineAnswer {
  @GivesWhole('Its number in the file, from 1.')
  readonly line!: number;

  @GivesText('Without its end; what is no UTF-8 as U+FFFD; of more than 10,000 bytes the beginning.')
  readonly text!: string;

  @GivesWhole('Where it comes from: an index of `origins`.')
  readonly origin!: number;
}

export class OriginCheckpointAnswer {
  @GivesId('Its id.')
  readonly id!: string;

  @GivesId('The task that it was taken of: perhaps one that this task is a fork of.')
  readonly taskId!: string;

  @GivesWhole('Its number.')
  readonly checkpointNumber!: number;

  @GivesText('Its message.')
  readonly message!: string;

  @GivesInstant('When it was taken.')
  readonly createdAt!: string;
}

/** What was recorded in the checkpoint's task between the checkpoint before it and itself. */
export class OriginMessagesAnswer {
  @GivesWhole('Number of the first message (inclusive).')
  readonly from!: number;

  @GivesWhole('Number of the last message (inclusive); less than the first: there is none.')
  readonly to!: number;
}

export class MakerAnswer {
  @GivesId('Id of the tool result.')
  readonly messageId!: string;

  @GivesWhole('Its number in the task.')
  readonly seq!: number;

  @GivesText('The tool that was called.')
  readonly toolName!: string;

  @GivesText('The call.')
  readonly toolCallId!: string;

  @GivesWhole("The branch of the task's conversation that it stands on.")
  readonly branch!: number;

  @GivesFlag(
    'Whether the conversation shows it now; otherwise a rewind has hidden it, and its branch shows it.',
  )
  readonly isShown!: boolean;
}

/** Where lines come from. */
export class OriginAnswer {
  @GivesHash('The commit that brought them.')
  readonly commitSha!: string;

  @GivesText('Where it has the file.')
  readonly path!: string;

  @GivesObject(
    () => OriginCheckpointAnswer,
    'The checkpoint that this commit is; null: the lines are older than the first checkpoint.',
    { nullable: true },
  )
  readonly checkpoint!: OriginCheckpointAnswer | null;

  @GivesObject(() => OriginMessagesAnswer, 'Among which messages it was made; null without a checkpoint.', {
    nullable: true,
  })
  readonly messages!: OriginMessagesAnswer | null;

  @GivesObject(
    () => MakerAnswer,
    'The last tool result of these that names the file; null: none does, as when a shell command wrote it.',
    { nullable: true },
  )
  readonly madeBy!: MakerAnswer | null;
}

export class BlameResponse {
  @GivesId('Id of the checkpoint.')
  readonly checkpointId!: string;

  @GivesText('The file.')
  readonly path!: string;

  @GivesList(() => BlamedLineAnswer, 'In order.')
  readonly lines!: readonly BlamedLineAnswer[];

  @GivesFlag('Whether lines were left out behind the 20,000th.')
  readonly isCut!: boolean;

  @GivesList(() => OriginAnswer, 'Where the lines come from.')
  readonly origins!: readonly OriginAnswer[];
}
