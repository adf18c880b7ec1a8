import {
  GivesCounts,
  GivesCursor,
  GivesFlag,
  GivesHash,
  GivesId,
  GivesInstant,
  GivesJson,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesQuantity,
  GivesText,
  GivesWhole,
} from '#libs/http/answer-fields.js';
import { GivesTruncated, type TruncatedField } from '#libs/http/shortened.js';
import { PHASES, CONTRACT_STATUSES } from '../contract/contract.events.js';
import { CHECKPOINT_TRIGGERS, type CheckpointTrigger } from '../checkpoint/checkpoint.events.js';
import { LeftOutAnswer } from '../checkpoint/checkpoint.dto.js';
import { FileChangeAnswer } from '../conversation/conversation.answers.dto.js';
import { ENTRY_KINDS, type EntryKind } from './entries.js';

const OPTIONAL = { optional: true } as const;

/** SPEC §2.1: one thing that happened. Which fields it has depends on `entryType`. */
export class HistoryEntry {
  @GivesId('Id of the event; further entries of the same event have ids derived from it.')
  readonly id!: string;

  @GivesInstant('When it happened, at its source.')
  readonly timestamp!: string;

  @GivesOneOf(ENTRY_KINDS, 'What kind of entry it is.')
  readonly entryType!: EntryKind;

  @GivesOneOf(['', ...PHASES], 'The phase that its contract was in; empty without a contract.')
  readonly phase!: string;

  @GivesPosition('Of its event.')
  readonly position!: string;

  @GivesFlag('Whether something failed: a tool, a task.')
  readonly failed!: boolean;

  @GivesId('Its contract, if it has one.', OPTIONAL)
  readonly contractId?: string;

  @GivesId('Its task, if it has one.', OPTIONAL)
  readonly taskId?: string;

  @GivesText('Present name of that task.', OPTIONAL)
  readonly taskName?: string;

  @GivesText('task_event, phase_change: what happened.', { ...OPTIONAL, example: 'task_created' })
  readonly eventType?: string;

  @GivesJson(
    'task_event: the event as it was recorded; of very long texts the beginning, see `truncated`.',
    OPTIONAL,
  )
  readonly eventData?: unknown;

  @GivesId('chat_message: the task or chat in which it was said.', OPTIONAL)
  readonly conversationId?: string;

  @GivesText('chat_message: who said it; `tool`: a tool result.', OPTIONAL)
  readonly role?: string;

  @GivesText('chat_message: what was said; of very long texts the beginning, see `truncated`.', OPTIONAL)
  readonly content?: string;

  @GivesFlag('chat_message: true where `content` is only the beginning.', OPTIONAL)
  readonly contentTruncated?: boolean;

  @GivesText('chat_message, file_change: name of the tool.', OPTIONAL)
  readonly toolName?: string;

  @GivesWhole('chat_message, checkpoint, file_change: number of the message in its task, from 1.', OPTIONAL)
  readonly seq?: number;

  @GivesId('checkpoint, file_change: the checkpoint.', OPTIONAL)
  readonly checkpointId?: string;

  @GivesWhole('checkpoint, file_change: its number.', OPTIONAL)
  readonly checkpointNumber?: number;

  @GivesHash('checkpoint: object id of the commit.', OPTIONAL)
  readonly commitSha?: string;

  @GivesHash("checkpoint: the commit that the agent's branch named.", OPTIONAL)
  readonly headSha?: string;

  @GivesHash('checkpoint: the commit that its changes are counted from.', OPTIONAL)
  readonly previousSha?: string;

  @GivesOneOf(CHECKPOINT_TRIGGERS, 'checkpoint: why it was taken.', OPTIONAL)
  readonly trigger?: CheckpointTrigger;

  @GivesFlag('checkpoint: it keeps what a rewind or a restore replaced; else absent.', OPTIONAL)
  readonly isAside?: boolean;

  @GivesList(() => LeftOutAnswer, 'checkpoint: what of the folder it does not hold.', OPTIONAL)
  readonly leftOut?: readonly LeftOutAnswer[];

  @GivesText('checkpoint: the git branch, null where it is not known.', { ...OPTIONAL, nullable: true })
  readonly branchName?: string | null;

  @GivesText('checkpoint: its message.', OPTIONAL)
  readonly message?: string;

  @GivesWhole('checkpoint: lines added since the one before.', OPTIONAL)
  readonly linesAdded?: number;

  @GivesWhole('checkpoint: lines removed since the one before.', OPTIONAL)
  readonly linesRemoved?: number;

  @GivesWhole("checkpoint: the branch of the task's conversation that it belongs to.", OPTIONAL)
  readonly branch?: number;

  @GivesList(
    () => FileChangeAnswer,
    'checkpoint, file_change: the files; of very many the first, see `truncated`.',
    OPTIONAL,
  )
  readonly filesChanged?: readonly FileChangeAnswer[];

  @GivesOneOf(PHASES, 'phase_change: the phase before.', OPTIONAL)
  readonly previousPhase?: string;

  @GivesOneOf(PHASES, 'phase_change: the phase from then on.', OPTIONAL)
  readonly newPhase?: string;

  @GivesText('phase_change `contract_created`: name of the contract.', OPTIONAL)
  readonly name?: string;

  @GivesOneOf(CONTRACT_STATUSES, 'phase_change `contract_status`: the status before.', OPTIONAL)
  readonly previousStatus?: string;

  @GivesOneOf(CONTRACT_STATUSES, 'phase_change `contract_status`: the status from then on.', OPTIONAL)
  readonly newStatus?: string;

  @GivesTruncated()
  readonly truncated?: readonly TruncatedField[];
}

/** SPEC §2.5. */
export class TimelineResponse {
  @GivesList(() => HistoryEntry, 'In the order that was asked for.')
  readonly entries!: readonly HistoryEntry[];

  @GivesCursor()
  readonly cursor?: string;
}

/** SPEC §2.1. */
export class ContractHistoryResponse extends TimelineResponse {
  @GivesId('Id of the contract.')
  readonly contractId!: string;

  @GivesWhole('Entries that the filters match, on all pages.')
  readonly totalCount!: number;
}

/** SPEC §1.3. */
export class TaskEventsResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesList(() => HistoryEntry, 'The newest, oldest first.')
  readonly events!: readonly HistoryEntry[];

  @GivesCursor()
  readonly cursor?: string;
}

export class OverviewBucketAnswer {
  @GivesInstant('Where the bucket begins (inclusive).')
  readonly start!: string;

  @GivesCounts('Entries by entry type; those without any are left out.')
  readonly counts!: Readonly<Record<string, number>>;

  @GivesWhole('Entries in which something failed.')
  readonly failed!: number;
}

/** How much happened when. */
export class TimelineOverviewResponse {
  @GivesInstant('The first entry; null where there is none.', { nullable: true })
  readonly from!: string | null;

  @GivesInstant('The last entry; null where there is none.', { nullable: true })
  readonly to!: string | null;

  @GivesQuantity('Length of a bucket in seconds; null where there is no entry.', { nullable: true })
  readonly bucketSeconds!: number | null;

  @GivesList(() => OverviewBucketAnswer, 'First to last; empty ones are left out.')
  readonly buckets!: readonly OverviewBucketAnswer[];

  @GivesCounts('Entries by entry type.')
  readonly totals!: Readonly<Record<string, number>>;

  @GivesWhole('Entries in which something failed.')
  readonly failed!: number;
}

export class ContractOverviewResponse extends TimelineOverviewResponse {
  @GivesId('Id of the contract.')
  readonly contractId!: string;
}

/** A message of a live stream: something happened. */
export class EntryMessage {
  @GivesPosition("For Last-Event-ID; only an event's last entry has one.", OPTIONAL)
  readonly id?: string;

  @GivesOneOf(['entry'], 'Name of the message.')
  readonly event!: 'entry';

  @GivesObject(() => HistoryEntry, 'What happened.')
  readonly data!: HistoryEntry;
}

export class SyncedPosition {
  @GivesPosition('Everything up to here was sent.')
  readonly position!: string;
}

/** A message of a live stream, once: everything before it had happened already, everything after it is live. */
export class SyncedMessage {
  @GivesPosition('For Last-Event-ID.')
  readonly id!: string;

  @GivesOneOf(['synced'], 'Name of the message.')
  readonly event!: 'synced';

  @GivesObject(() => SyncedPosition, 'How far the replay went.')
  readonly data!: SyncedPosition;
}
