import { IsId, IsName, IsOneOf, IsText, IsWhole } from '#libs/http/fields.js';
import { CONTRACT_STATUSES, PHASES, type ContractStatus, type Phase } from './contract.events.js';

export class CreateContractRequest {
  @IsName({ description: 'For people: one line.' })
  name!: string;

  @IsText({ min: 0, max: 100_000, description: 'What the work is about.', optional: true, default: '' })
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

  @IsWhole({ min: 1, max: 1_000, description: 'Contracts at most.', optional: true, default: 100 })
  limit = 100;

  @IsText({ max: 2_000, description: 'Where the former page ended.', optional: true })
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
