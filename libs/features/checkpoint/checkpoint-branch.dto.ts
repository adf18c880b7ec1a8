import { GivesFlag, GivesHash, GivesId, GivesPosition, GivesText } from '#libs/http/answer-fields.js';
import { IsFlag, IsText } from '#libs/http/fields.js';
import { IsDryRun } from '#libs/http/shared-fields.js';
import { IsHave } from './checkpoint-code.dto.js';

/** SPEC §4.4. */
export class CreateBranchRequest {
  @IsText({ max: 200, description: 'Its name, as `git branch` takes it.' })
  branchName!: string;

  @IsFlag({
    description: "Whether it is to be checked out in the task's folder, when a daemon has it.",
    optional: true,
    default: false,
  })
  checkout = false;

  @IsDryRun()
  dryRun = false;
}

export class BranchCreatedResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesId('The checkpoint that it was made from.')
  readonly checkpointId!: string;

  @GivesText('Its name.')
  readonly branchName!: string;

  @GivesHash("Its commit: the checkpoint's files.")
  readonly commitSha!: string;

  @GivesHash(
    "What that commit is based on: the one that the agent's branch named at the checkpoint; null: it is not known, and the commit stands alone.",
    { nullable: true },
  )
  readonly parentSha!: string | null;

  @GivesFlag("Whether it was asked to be checked out in the task's folder.")
  readonly checkout!: boolean;

  @GivesFlag('Whether nothing was changed.')
  readonly dryRun!: boolean;

  @GivesPosition('Where the log holds it; 0 for a dry run.')
  readonly position!: string;
}

export class BundleQuery {
  @IsText({ max: 200, description: 'The branch.' })
  branchName!: string;

  @IsHave()
  have: readonly string[] = [];
}
