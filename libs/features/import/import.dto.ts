import { IsFlag, IsId, IsText } from '#libs/http/fields.js';

export class ImportQuery {
  @IsId({
    description: 'Contract to import into; without it, each main session gets one of its own.',
    optional: true,
  })
  contract_id?: string;

  @IsText({
    max: 1_000,
    description: 'Name of the file, for a body of one file.',
    optional: true,
    default: 'transcript.jsonl',
  })
  name = 'transcript.jsonl';

  @IsFlag({
    description: 'Report what would be imported, and write nothing.',
    optional: true,
    default: false,
  })
  dry_run = false;
}
