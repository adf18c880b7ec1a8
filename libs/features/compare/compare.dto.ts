import {
  GivesFlag,
  GivesHash,
  GivesId,
  GivesInstant,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesQuantity,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { IsId, IsText } from '#libs/http/fields.js';

const POINT = /^(?:\d{1,9}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/;

const IsPoint = (whose: string): PropertyDecorator =>
  IsText({
    max: 36,
    pattern: POINT,
    description: `The point of ${whose}: a checkpoint's number or id, or a message's id; without it, where it stands now.`,
    optional: true,
  });

export class CompareQuery {
  @IsId({ description: 'The other task: one of the same contract, or the same one at another point.' })
  with!: string;

  @IsPoint('this task')
  at?: string;

  @IsPoint('the other task')
  withAt?: string;
}

export class TokensTaken {
  @GivesWhole('Read anew.')
  readonly input!: number;

  @GivesWhole('Written.')
  readonly output!: number;

  @GivesWhole('Read from a cache.')
  readonly cacheRead!: number;

  @GivesWhole('Written to a cache.')
  readonly cacheWrite!: number;
}

export class ToolUseAnswer {
  @GivesText('Name of the tool.')
  readonly name!: string;

  @GivesWhole('Calls.')
  readonly calls!: number;

  @GivesWhole('Calls whose result is an error.')
  readonly failed!: number;
}

/** What came on one side after what both have in common. */
export class SinceAnswer {
  @GivesWhole('Messages, tool results included.')
  readonly messages!: number;

  @GivesWhole('Tool calls.')
  readonly toolCalls!: number;

  @GivesWhole('Calls whose result is an error.')
  readonly failedCalls!: number;

  @GivesList(() => ToolUseAnswer, 'By tool, the most used first: the 100 most used.')
  readonly tools!: readonly ToolUseAnswer[];

  @GivesObject(() => TokensTaken, 'Tokens, as far as the messages say.')
  readonly tokens!: TokensTaken;

  @GivesQuantity('US dollars; null where no message says.', { nullable: true })
  readonly costUsd!: number | null;

  @GivesWhole('Checkpoints.')
  readonly checkpoints!: number;

  @GivesInstant('When the first message was said; null: there is none.', { nullable: true })
  readonly firstAt!: string | null;

  @GivesInstant('When the last message was said; null: there is none.', { nullable: true })
  readonly lastAt!: string | null;
}

export class ComparedCheckpoint {
  @GivesId('Its id.')
  readonly id!: string;

  @GivesId('The task that it was taken of: perhaps one that this side is a fork of.')
  readonly taskId!: string;

  @GivesWhole('Its number.')
  readonly checkpointNumber!: number;

  @GivesHash('Object id of the commit.')
  readonly commitSha!: string;

  @GivesFlag("Whether it is in the server's hub.")
  readonly isSafe!: boolean;
}

export class ComparedSide {
  @GivesId('The task.')
  readonly taskId!: string;

  @GivesText('Its name.')
  readonly name!: string;

  @GivesOneOf(['now', 'checkpoint', 'message'], 'What its point is.')
  readonly point!: 'now' | 'checkpoint' | 'message';

  @GivesWhole('Messages that it shows there.')
  readonly messageCount!: number;

  @GivesObject(() => SinceAnswer, 'What came after what both have in common.')
  readonly since!: SinceAnswer;

  @GivesObject(() => ComparedCheckpoint, 'Its newest checkpoint there; null: none was taken.', {
    nullable: true,
  })
  readonly checkpoint!: ComparedCheckpoint | null;
}

/** Where the two sides part. */
export class AncestorAnswer {
  @GivesId('The task: one of the two, or one that both are forks of.')
  readonly taskId!: string;

  @GivesId('The last message of both; null: they have none in common.', { nullable: true })
  readonly messageId!: string | null;

  @GivesWhole('Messages in common.')
  readonly messageCount!: number;
}

export class ComparedFile {
  @GivesText('Path in the folder; bytes that are no UTF-8 as \\xNN.')
  readonly path!: string;

  @GivesOneOf(['added', 'modified', 'deleted'], 'From this task to the other; what was moved is modified.')
  readonly action!: 'added' | 'modified' | 'deleted';

  @GivesText('Where this task has it, if it was moved.', { optional: true })
  readonly renamedFrom?: string;

  @GivesWhole('Lines that only the other task has.')
  readonly additions!: number;

  @GivesWhole('Lines that only this task has.')
  readonly deletions!: number;

  @GivesFlag('Whether it is no text.')
  readonly binary!: boolean;
}

/** The code of the two sides. */
export class ComparedCode {
  @GivesObject(() => ComparedCheckpoint, "This task's newest checkpoint whose code is in the hub.")
  readonly from!: ComparedCheckpoint;

  @GivesObject(() => ComparedCheckpoint, "The other task's.")
  readonly to!: ComparedCheckpoint;

  @GivesWhole('Files that differ.')
  readonly filesChanged!: number;

  @GivesWhole('Lines that only the other task has.')
  readonly insertions!: number;

  @GivesWhole('Lines that only this task has.')
  readonly deletions!: number;

  @GivesList(() => ComparedFile, 'By path: the first 1,000.')
  readonly files!: readonly ComparedFile[];

  @GivesText('Where the whole difference is.')
  readonly diffUrl!: string;
}

export class ComparisonResponse {
  @GivesObject(() => AncestorAnswer, 'Where they part; null: they have nothing in common.', {
    nullable: true,
  })
  readonly ancestor!: AncestorAnswer | null;

  @GivesObject(() => ComparedSide, 'This task.')
  readonly task!: ComparedSide;

  @GivesObject(() => ComparedSide, 'The other one.')
  readonly with!: ComparedSide;

  @GivesObject(
    () => ComparedCode,
    'What differs in the code; null: one of them has no checkpoint whose code is in the hub.',
    { nullable: true },
  )
  readonly code!: ComparedCode | null;
}
