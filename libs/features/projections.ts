import type { Upcasters } from '#libs/event-store/codec.js';
import type { LongFields } from '#libs/event-store/long-values.js';
import type { Projection } from '#libs/projections/projection.js';
import { blobProjection } from './blob/blob.projection.js';
import { chatProjection } from './chat/chat.projection.js';
import { checkpointProjection } from './checkpoint/checkpoint.projection.js';
import { contractProjection } from './contract/contract.projection.js';
import { conversationProjection } from './conversation/conversation.projection.js';
import { daemonProjection } from './daemon/daemon.projection.js';
import { rewindProjection } from './rewind/rewind.projection.js';
import { snapshotProjection } from './snapshot/snapshot.projection.js';
import { taskProjection } from './task/task.projection.js';
import { taskUpcasters } from './task/task.upcasters.js';
import { timelineProjection } from './timeline/timeline.projection.js';

/** All read models. */
export const PROJECTIONS: readonly Projection[] = [
  contractProjection,
  taskProjection,
  conversationProjection,
  checkpointProjection,
  timelineProjection,
  chatProjection,
  snapshotProjection,
  rewindProjection,
  blobProjection,
  daemonProjection,
];

/** From older schema versions to the present ones, by event type. */
export const UPCASTERS: Upcasters = { ...taskUpcasters };

/** What goes to a blob in one piece when it is too long for its event, besides texts. No decider looks into it. */
export const LONG_FIELDS: LongFields = {
  TaskCreated: ['copyFiles'],
  TaskFilesChanged: ['files'],
  MessageRecorded: ['toolCalls.*.input'],
  ToolResultRecorded: ['files'],
  MessageAmended: ['toolCalls.*.input', 'files'],
  CheckpointRecorded: ['filesChanged', 'leftOut'],
  ChatMessageRecorded: ['toolCalls.*.input', 'toolCalls.*.result'],
};
