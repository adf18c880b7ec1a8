import {
  GivesFlag,
  GivesHash,
  GivesId,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { IsText, IsWhole } from '#libs/http/fields.js';
import { IsTexts } from '#libs/http/structured-fields.js';
import { TaskCheckpoint } from './checkpoint.dto.js';

/** How a checkpoint is named: by its id, its number, or its commit's id. */
export const CHECKPOINT = { max: 64, pattern: /^[0-9a-fA-F-]{1,64}$/ } as const;

/** A commit's id, in full. */
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Commits that the caller has already. */
export const IsHave = (): PropertyDecorator =>
  IsTexts({
    max: 64,
    pattern: COMMIT,
    maxItems: 200,
    description:
      'Commits that you have: what they lead to is left out. Ids that the hub does not know are passed over.',
    optional: true,
  });

export class PackQuery {
  @IsHave()
  have: readonly string[] = [];
}

export class DiffQuery {
  @IsText({
    ...CHECKPOINT,
    description:
      'Compare with this checkpoint: the id of one of any task of the same contract, or number or commit id of one of this task; without it, with the one before.',
    optional: true,
  })
  against?: string;

  @IsWhole({
    min: 0,
    max: 1_000,
    description: 'Unchanged lines around those that changed (default 3).',
    optional: true,
  })
  context = 3;
}

export class PathQuery {
  @IsText({
    min: 0,
    max: 4_096,
    description: 'Path in the folder as answers show it, with /; without it, the whole.',
    optional: true,
  })
  path = '';
}

export class FileQuery {
  @IsText({ max: 4_096, description: 'Path in the folder as answers show it, with /.' })
  path!: string;
}

export class DiffLineAnswer {
  @GivesOneOf(['context', 'added', 'deleted'], 'What happened to it.')
  readonly kind!: 'context' | 'added' | 'deleted';

  @GivesText('Without its end; what is no UTF-8 as U+FFFD.')
  readonly text!: string;

  @GivesFlag('True: the file ends here without a newline.', { optional: true })
  readonly noNewline?: true;
}

export class DiffHunkAnswer {
  @GivesWhole('First line in the old file, from 1; 0: it has none.')
  readonly oldStart!: number;

  @GivesWhole('Lines of the old file.')
  readonly oldLines!: number;

  @GivesWhole('First line in the new file, from 1; 0: it has none.')
  readonly newStart!: number;

  @GivesWhole('Lines of the new file.')
  readonly newLines!: number;

  @GivesText('The function that it is in, as git guesses it.')
  readonly heading!: string;

  @GivesList(() => DiffLineAnswer, 'In order.')
  readonly lines!: readonly DiffLineAnswer[];
}

/** SPEC §2.4 FileDiff, with modes, renames and binary files. */
export class FileDiffAnswer {
  @GivesText('Path in the folder.')
  readonly path!: string;

  @GivesOneOf(['added', 'modified', 'deleted'], 'What happened to it; a file that was moved is modified.')
  readonly action!: 'added' | 'modified' | 'deleted';

  @GivesText('Where it was before, if it was moved.', { optional: true })
  readonly renamedFrom?: string;

  @GivesWhole('Lines added.')
  readonly additions!: number;

  @GivesWhole('Lines deleted.')
  readonly deletions!: number;

  @GivesFlag('Whether it is no text: it has no hunks then.')
  readonly binary!: boolean;

  @GivesFlag(
    'Whether lines were left out: the first 20,000 or 5 MB are given, and of each at most 10,000 bytes.',
  )
  readonly cut!: boolean;

  @GivesText('Its mode before, in octal as git has it; absent: it was not there.', { optional: true })
  readonly oldMode?: string;

  @GivesText('Its mode after; absent: it is gone.', { optional: true })
  readonly newMode?: string;

  @GivesList(() => DiffHunkAnswer, 'What changed, from the top.')
  readonly hunks!: readonly DiffHunkAnswer[];
}

export class DiffStats {
  @GivesWhole('Files that differ.')
  readonly filesChanged!: number;

  @GivesWhole('Lines added.')
  readonly insertions!: number;

  @GivesWhole('Lines deleted.')
  readonly deletions!: number;
}

/** SPEC §2.4. */
export class GitDiffAnswer {
  @GivesList(() => FileDiffAnswer, 'By path.')
  readonly files!: readonly FileDiffAnswer[];

  @GivesObject(() => DiffStats, 'Over all files.')
  readonly stats!: DiffStats;
}

/** SPEC §2.4. Sent while git is still at work: one that breaks off is not whole. */
export class CheckpointDiffResponse {
  @GivesObject(() => TaskCheckpoint, 'The checkpoint.')
  readonly checkpoint!: TaskCheckpoint;

  @GivesObject(() => TaskCheckpoint, 'What it is compared with; absent: an empty folder.', { optional: true })
  readonly previousCheckpoint?: TaskCheckpoint;

  @GivesHash('The commit that it is compared with; absent: an empty folder.', { optional: true })
  readonly baseSha?: string;

  @GivesObject(() => GitDiffAnswer, 'What differs.')
  readonly diff!: GitDiffAnswer;
}

export class TreeEntryAnswer {
  @GivesText(
    'Path in the folder; of one that is no UTF-8 each byte beyond ASCII as \\xNN. Ask with it as it stands.',
  )
  readonly path!: string;

  @GivesOneOf(['file', 'executable', 'symlink', 'folder', 'repository'], 'What it is.')
  readonly kind!: 'file' | 'executable' | 'symlink' | 'folder' | 'repository';

  @GivesHash('Object id of its content.')
  readonly id!: string;

  @GivesWhole('Bytes; null for a folder.', { nullable: true })
  readonly size!: number | null;
}

export class CheckpointTreeResponse {
  @GivesId('Id of the checkpoint.')
  readonly checkpointId!: string;

  @GivesList(() => TreeEntryAnswer, 'Entries of the folder, or the one that the path names.')
  readonly entries!: readonly TreeEntryAnswer[];
}
