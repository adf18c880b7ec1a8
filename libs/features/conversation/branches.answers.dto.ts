import { RewindTaskResponse } from '../rewind/rewind.dto.js';
import {
  GivesFlag,
  GivesId,
  GivesInstant,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';

export class RewindPointAnswer {
  @GivesOneOf(
    ['message', 'timestamp', 'messageCount', 'checkpoint', 'snapshot', 'transcript'],
    'What `value` is.',
  )
  readonly kind!: string;

  @GivesText('The point as it was asked for.')
  readonly value!: string;
}

export class ActorAnswer {
  @GivesText('Kind of the key, or `system`.')
  readonly kind!: string;

  @GivesText('Id of the key.')
  readonly id!: string;
}

/** One line of a conversation's tree. */
export class BranchAnswer {
  @GivesWhole('Number of the branch; 0 is the one that the task began with.')
  readonly branch!: number;

  @GivesWhole('The branch that was shown before it; null for the first.', { nullable: true })
  readonly previousBranch!: number | null;

  @GivesPosition('Where in the log it began.')
  readonly position!: string;

  @GivesOneOf(['start', 'fork', 'rewind', 'restore', 'undo'], 'How it began.')
  readonly kind!: string;

  @GivesObject(() => RewindPointAnswer, 'Where a rewind or restore went back to; else null.', {
    nullable: true,
  })
  readonly point!: RewindPointAnswer | null;

  @GivesText('Why, as it was given.', { nullable: true })
  readonly reason!: string | null;

  @GivesObject(() => ActorAnswer, 'Who began it.')
  readonly actor!: ActorAnswer;

  @GivesInstant('When it began.')
  readonly createdAt!: string;

  @GivesWhole('Messages that it shows, or showed when it was left.')
  readonly messageCount!: number;

  @GivesWhole('Messages that the former branch showed and this one does not.')
  readonly hiddenMessages!: number;

  @GivesWhole('For an undo: the branch that was taken back; else null.', { nullable: true })
  readonly undoneBranch!: number | null;

  @GivesFlag('Whether the conversation shows it now.')
  readonly current!: boolean;
}

/** Where a task was forked from. */
export class ForkPointAnswer {
  @GivesOneOf(['checkpoint', 'timestamp', 'message_id'], 'What `value` is.')
  readonly type!: string;

  @GivesText('The point as it was asked for.')
  readonly value!: string;

  @GivesFlag('Whether the named message itself is part of the fork.')
  readonly inclusive!: boolean;

  @GivesId('The checkpoint at that point; null: there is none.', { nullable: true })
  readonly checkpointId!: string | null;

  @GivesInstant('The moment of the point.')
  readonly timestamp!: string;
}

export class ForkReference {
  @GivesId('Id of the fork.')
  readonly taskId!: string;

  @GivesText('Name of the fork.')
  readonly name!: string;

  @GivesObject(() => ForkPointAnswer, 'Where it begins; null where its transcript does not say.', {
    nullable: true,
  })
  readonly point!: ForkPointAnswer | null;

  @GivesInstant('When it was made.')
  readonly createdAt!: string;
}

/** The tree of a task's conversation. */
export class ConversationBranchesResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesWhole('The branch that is shown.')
  readonly current!: number;

  @GivesWhole('What a rewind can be tied to by If-Match.')
  readonly controlVersion!: number;

  @GivesList(() => BranchAnswer, 'In the order in which they began.')
  readonly branches!: readonly BranchAnswer[];

  @GivesList(() => ForkReference, 'Tasks that were forked from it, newest first.')
  readonly forks!: readonly ForkReference[];
}

/** A tool call whose result is not shown any more, while the call is. */
export class ReopenedCall {
  @GivesText('Id of the call.')
  readonly id!: string;

  @GivesText('Name of the tool.')
  readonly name!: string;
}

/** What a rewind, an undo or a restore did, or would do. */
export class ConversationMovedResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesFlag('True: nothing was changed.')
  readonly dryRun!: boolean;

  @GivesWhole('The branch that is shown now.')
  readonly branch!: number;

  @GivesWhole('The branch that was shown before.')
  readonly previousBranch!: number;

  @GivesWhole('Messages that were shown before and are not now.')
  readonly hiddenMessages!: number;

  @GivesWhole('Messages shown now.')
  readonly messageCount!: number;

  @GivesWhole('What a rewind can be tied to by If-Match.')
  readonly controlVersion!: number;

  @GivesWhole('For an undo: the branch that was taken back.', { optional: true })
  readonly undoneBranch?: number;

  @GivesList(
    () => ReopenedCall,
    'Calls that stay without the result that they had, because the point lies between them and it; at most 200. Absent: none.',
    { optional: true },
  )
  readonly openCalls?: readonly ReopenedCall[];

  @GivesObject(
    () => RewindTaskResponse,
    'What became of the code, or of the agent that ran; absent: nothing.',
    {
      optional: true,
    },
  )
  readonly code?: RewindTaskResponse;

  @GivesPosition('Of the change; 0 in a dry run.')
  readonly position!: string;
}
