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
import { IsFlag, IsId, IsInstant, IsOneOf, IsText, IsWhole } from '#libs/http/fields.js';
import { IsDryRun, IsLimit } from '#libs/http/shared-fields.js';
import { PRESERVE_MODES, REWIND_SCOPES, type PreserveMode, type RewindScope } from './rewind.events.js';
import { REWIND_PHASES, type RewindPhase } from './rewind.queries.js';

/** Names that git takes for a branch and that are no option: letters first, no `..`, `@{`, `//`, `.lock`, and no trailing dot or slash. */
export const BRANCH_NAME =
  /^(?!.*(?:\.\.|\/\/|\/\.|@\{|\.lock(?:\/|$)))[A-Za-z0-9_][A-Za-z0-9_./+=@-]{0,199}(?<![./])$/;

/** SPEC §4.1, with `scope`, other ways to name the point, `reason` and `dryRun`. Exactly one point is given. */
export class RewindTaskRequest {
  @IsId({ description: 'Point: the checkpoint of this id.', optional: true })
  checkpointId?: string;

  @IsText({
    max: 64,
    pattern: /^[0-9a-f]{40}([0-9a-f]{24})?$/,
    description: 'Point: the checkpoint of this commit.',
    optional: true,
  })
  checkpointSha?: string;

  @IsWhole({
    min: 1,
    max: 2_147_483_647,
    description: 'Point: the checkpoint of this number.',
    optional: true,
  })
  toCheckpoint?: number;

  @IsId({ description: 'Point: this message, which stays unless `inclusive` is false.', optional: true })
  toMessageId?: string;

  @IsInstant({ description: 'Point: before the first message of this time or later.', optional: true })
  toTimestamp?: Date;

  @IsFlag({ description: 'Point: the newest checkpoint whose tests passed.', optional: true })
  lastGreen?: boolean;

  @IsWhole({ min: 1, max: 1_000_000, description: 'Point: by this many whole messages.', optional: true })
  byMessageCount?: number;

  @IsWhole({
    min: 1,
    max: 2_147_483_647,
    description:
      'Instead of a point: take back what the checkpoint of this number changed, and leave what came later. Where the two meet, nothing happens, and the files are named.',
    optional: true,
  })
  withoutCheckpoint?: number;

  @IsFlag({ description: 'For toMessageId: whether the message stays.', optional: true, default: true })
  inclusive = true;

  @IsOneOf(REWIND_SCOPES, { description: 'What goes back.', optional: true, default: 'code' })
  scope: RewindScope = 'code';

  @IsOneOf(PRESERVE_MODES, {
    description:
      'What becomes of the present state. It is always kept as a checkpoint; `create_branch` and `stash` also give it a name in the repository.',
    optional: true,
    default: 'stash',
  })
  preserveMode: PreserveMode = 'stash';

  @IsText({ max: 200, pattern: BRANCH_NAME, description: 'For create_branch: its name.', optional: true })
  branchName?: string;

  @IsText({ max: 2_000, description: 'Why, for whoever reads the history later.', optional: true })
  reason?: string;

  @IsDryRun()
  dryRun = false;
}

export class UndoTaskRewindRequest {
  @IsId({ description: 'The rewind; without it the newest that was not undone.', optional: true })
  rewindId?: string;

  @IsText({ max: 2_000, description: 'Why, for whoever reads the history later.', optional: true })
  reason?: string;

  @IsDryRun()
  dryRun = false;
}

export class RewindsQuery {
  @IsLimit('Rewinds')
  limit = 100;
}

export class PreparedRewindRequest {
  @IsId({ description: 'The daemon that has the folder.' })
  daemonId!: string;

  @IsId({ description: 'The checkpoint of what was there before.' })
  before!: string;

  @IsId({
    description: 'Where a change is taken back: the checkpoint that shows the result.',
    optional: true,
  })
  result?: string;
}

export class CompletedRewindRequest {
  @IsId({ description: 'The daemon that has the folder.' })
  daemonId!: string;

  @IsText({
    max: 64,
    pattern: /^[0-9a-f]{40}([0-9a-f]{24})?$/,
    description: 'The tree that the folder holds now.',
  })
  tree!: string;
}

export class FailedRewindRequest {
  @IsId({ description: 'The daemon that has the folder.' })
  daemonId!: string;

  @IsText({ max: 10_000, description: 'Why, in a sentence for people.' })
  reason!: string;
}

export class RewoundToAnswer {
  @GivesId('Id of the checkpoint.')
  readonly checkpointId!: string;

  @GivesWhole('Its number.')
  readonly checkpointNumber!: number;

  @GivesHash('Object id of its commit.')
  readonly sha!: string;

  @GivesText('Its message.')
  readonly message!: string;
}

export class PreservedAsAnswer {
  @GivesOneOf(['branch', 'stash'], 'What it is.')
  readonly type!: 'branch' | 'stash';

  @GivesText("Name of the branch or ref in the task's repository.")
  readonly reference!: string;
}

export class RewoundFileAnswer {
  @GivesText('Path in the folder; bytes that are no UTF-8 as \\xNN.')
  readonly path!: string;

  @GivesOneOf(['added', 'modified', 'deleted', 'renamed'], 'What happens to it.')
  readonly action!: string;

  @GivesWhole('Lines that come.')
  readonly additions!: number;

  @GivesWhole('Lines that go.')
  readonly deletions!: number;
}

/** What a rewind of code does to the files. */
export class RewoundFilesAnswer {
  @GivesWhole('Files that change.')
  readonly filesChanged!: number;

  @GivesWhole('Lines that come.')
  readonly insertions!: number;

  @GivesWhole('Lines that go.')
  readonly deletions!: number;

  @GivesList(() => RewoundFileAnswer, 'The files, of more than 1,000 the first.')
  readonly files!: readonly RewoundFileAnswer[];

  @GivesId('The checkpoint that is compared: of the folder as it is, where its daemon is connected.')
  readonly basedOn!: string;

  @GivesFlag('Whether that checkpoint shows the folder as it is now.')
  readonly isFolder!: boolean;
}

/** A rewind of code, as far as it has come. */
export class RewindAnswer {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesId('Id of the rewind.')
  readonly rewindId!: string;

  @GivesOneOf(
    REWIND_PHASES,
    'How far it is. `deferred`: it counts, and the daemon that takes the task next brings the folder there.',
  )
  readonly phase!: RewindPhase;

  @GivesOneOf(REWIND_SCOPES, 'What goes back.')
  readonly scope!: RewindScope;

  @GivesObject(() => RewoundToAnswer, 'Where the code is now; absent: it stays.', { optional: true })
  readonly rewindedTo?: RewoundToAnswer;

  @GivesId('The checkpoint of what was there before; absent while there is none.', { optional: true })
  readonly beforeCheckpointId?: string;

  @GivesObject(() => PreservedAsAnswer, 'The name that it got; absent: none.', { optional: true })
  readonly preservedAs?: PreservedAsAnswer;

  @GivesWhole('The branch of the conversation that it started; absent: the conversation stays.', {
    optional: true,
  })
  readonly branch?: number;

  @GivesId('The rewind that it takes back; absent: none.', { optional: true })
  readonly undoes?: string;

  @GivesText('Why it was asked for.', { optional: true })
  readonly reason?: string;

  @GivesText('Why it was aborted or failed; nothing has changed then.', { optional: true })
  readonly failure?: string;

  @GivesInstant('When it was asked for.')
  readonly requestedAt!: string;

  @GivesInstant('When it was over; absent while it is not.', { optional: true })
  readonly endedAt?: string;
}

/** SPEC §4.1, with what changed. */
export class RewindTaskResponse extends RewindAnswer {
  @GivesWhole('Messages that it hides; 0 where the conversation stays.')
  readonly hiddenMessages!: number;

  @GivesObject(() => RewoundFilesAnswer, 'What it does to the files; absent where that cannot be told.', {
    optional: true,
  })
  readonly changes?: RewoundFilesAnswer;

  @GivesFlag('True: nothing was changed.')
  readonly dryRun!: boolean;

  @GivesPosition('Of the request; 0 in a dry run.')
  readonly position!: string;
}

export class RewindsResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesList(() => RewindAnswer, 'Newest first.')
  readonly rewinds!: readonly RewindAnswer[];
}
