import {
  GivesCursor,
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
import { ActorAnswer, ConversationMovedResponse } from '../conversation/branches.answers.dto.js';
import { ConversationMessage } from '../conversation/conversation.answers.dto.js';
import { SNAPSHOT_TYPES, type SnapshotType } from './snapshot.events.js';

/** SPEC §5.3 conversation_snapshots. */
export class ConversationSnapshot {
  @GivesId('Id of the snapshot.')
  readonly id!: string;

  @GivesId('The task whose conversation it holds.')
  readonly taskId!: string;

  @GivesId('The checkpoint that it was taken with; null: with none.', { nullable: true })
  readonly checkpointId!: string | null;

  @GivesOneOf(SNAPSHOT_TYPES, 'How it was taken: by itself, by hand, with a checkpoint.')
  readonly snapshotType!: SnapshotType;

  @GivesWhole('Messages that it holds.')
  readonly messageCount!: number;

  @GivesWhole('The branch of the conversation that was shown.')
  readonly branch!: number;

  @GivesWhole('The last message that the task had recorded (inclusive); 0 before the first.')
  readonly seq!: number;

  @GivesText('What it is for, as it was given; null: nothing was.', { nullable: true })
  readonly note!: string | null;

  @GivesObject(() => ActorAnswer, 'Who took it.')
  readonly takenBy!: ActorAnswer;

  @GivesInstant('When it was taken.')
  readonly createdAt!: string;

  @GivesPosition('Of its event; 0 in a dry run.')
  readonly position!: string;
}

export class SnapshotTakenResponse extends ConversationSnapshot {
  @GivesFlag('True: none was taken.')
  readonly dryRun!: boolean;

  @GivesWhole('What a rewind can be tied to by If-Match.')
  readonly controlVersion!: number;
}

export class SnapshotsResponse {
  @GivesId('Id of the task.')
  readonly taskId!: string;

  @GivesList(() => ConversationSnapshot, 'Newest first.')
  readonly snapshots!: readonly ConversationSnapshot[];

  @GivesCursor()
  readonly cursor?: string;
}

export class SegmentAnswer {
  @GivesId('The task that the messages were recorded in.')
  readonly taskId!: string;

  @GivesWhole('The first message (inclusive).')
  readonly from!: number;

  @GivesWhole('The last message (inclusive).', { nullable: true })
  readonly to!: number | null;
}

export class SnapshotResponse extends ConversationSnapshot {
  @GivesList(() => SegmentAnswer, 'What it holds, by reference: runs of messages, in order.')
  readonly conversationState!: readonly SegmentAnswer[];

  @GivesWhole('What a rewind can be tied to by If-Match.')
  readonly controlVersion!: number;

  @GivesList(() => ConversationMessage, 'Its messages, as they stood when it was taken.')
  readonly messages!: readonly ConversationMessage[];

  @GivesCursor()
  readonly cursor?: string;
}

export class SnapshotRestoredResponse extends ConversationMovedResponse {
  @GivesId('The snapshot that is shown again.')
  readonly snapshotId!: string;
}
