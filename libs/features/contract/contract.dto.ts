import {
  GivesCursor,
  GivesId,
  GivesInstant,
  GivesList,
  GivesOneOf,
  GivesPosition,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { MAX_COLUMN_TEXT } from '#libs/event-store/codec.js';
import { IsId, IsName, IsOneOf, IsText } from '#libs/http/fields.js';
import { IsCursor, IsLimit } from '#libs/http/shared-fields.js';
import { CONTRACT_STATUSES, PHASES, type ContractStatus, type Phase } from './contract.events.js';

export class CreateContractRequest {
  @IsName({ description: 'For people: one line.' })
  name!: string;

  @IsText({
    min: 0,
    max: MAX_COLUMN_TEXT,
    description: 'What the work is about.',
    optional: true,
    default: '',
  })
  description = '';

  @IsOneOf(PHASES, { description: 'The phase that it starts in.', optional: true, default: 'research' })
  phase: Phase = 'research';

  @IsText({
    max: 4_096,
    description: 'Path or URL of the repository that the work is about.',
    optional: true,
  })
  repository?: string;
}

export class ContractsQuery {
  @IsOneOf(CONTRACT_STATUSES, { description: 'Only contracts of this status.', optional: true })
  status?: ContractStatus;

  @IsLimit('Contracts')
  limit = 100;

  @IsCursor()
  cursor?: string;
}

export class ChangePhaseRequest {
  @IsOneOf(PHASES, { description: 'The new phase.' })
  phase!: Phase;
}

export class ChangeContractStatusRequest {
  @IsOneOf(CONTRACT_STATUSES, { description: 'The new status.' })
  status!: ContractStatus;
}

export class SetSupervisorRequest {
  @IsId({ description: 'A task of this contract.' })
  taskId!: string;
}

/** A contract as it stands, or stood. */
export class ContractResponse {
  @GivesId('Id of the contract.')
  readonly id!: string;

  @GivesText('For people: one line.')
  readonly name!: string;

  @GivesText('What the work is about; may be empty.')
  readonly description!: string;

  @GivesOneOf(PHASES, 'The phase that it is in.')
  readonly phase!: Phase;

  @GivesOneOf(CONTRACT_STATUSES, 'Whether the work goes on.')
  readonly status!: ContractStatus;

  @GivesId('The task that supervises it; null: none was set.', { nullable: true })
  readonly supervisorTaskId!: string | null;

  @GivesText('Path or URL of the repository; null: none was given.', { nullable: true })
  readonly repository!: string | null;

  @GivesWhole('Number of events in its stream.')
  readonly version!: number;

  @GivesInstant('When it was created.')
  readonly createdAt!: string;

  @GivesInstant('When it last changed.')
  readonly updatedAt!: string;
}

export class ContractChangedResponse extends ContractResponse {
  @GivesPosition('Of the change; 0 when nothing was left to change.')
  readonly position!: string;
}

export class ContractsResponse {
  @GivesList(() => ContractResponse, 'Newest first.')
  readonly contracts!: readonly ContractResponse[];

  @GivesCursor()
  readonly cursor?: string;
}
