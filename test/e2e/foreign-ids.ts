import { randomBytes, randomUUID } from 'node:crypto';
import { bodySchemaOf, fieldsOf, parametersIn, type ApiDocument, type Operation } from './api-document.js';
import {
  bodiesOf,
  isIdInQuery,
  namesSomething,
  pathOf,
  pathValue,
  queryParametersOf,
  queryValue,
  requiredQuery,
  Unfilled,
  type ApiRequest,
} from './requests.js';
import type { Ids, World } from './world.js';

type Json = Readonly<Record<string, unknown>>;

/** A place of a request where an id stands. */
export interface Slot {
  /** Such as `path taskId` or `body contractId`. */
  readonly name: string;
  /** The request with somebody's id in this place, and the caller's own everywhere else. */
  readonly with: (somebody: World) => ApiRequest;
  /** Why any id is taken here, whether it names something or not. */
  readonly opaque?: string;
}

/** An id of the same form that nothing has. */
export function unknownLike(id: string): string {
  if (/^\d+$/.test(id)) return '999999999';
  if (/^[0-9a-f]+$/.test(id)) return randomBytes(id.length / 2).toString('hex');
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
  return uuid.test(id) ? id.replace(uuid, randomUUID()) : `${id}-unknown`;
}

/** A world like another one of which nothing exists. */
export const nobodyLike = (world: World): World => ({
  ...world,
  ownerId: randomUUID(),
  ids: Object.fromEntries(Object.entries(world.ids).map(([name, id]) => [name, unknownLike(id)])) as Ids,
});

/** Every place of a route's requests where an id can stand. @throws Unfilled for one that nobody has thought of. */
export function slotsOf(document: ApiDocument, operation: Operation, own: World): readonly Slot[] {
  for (const { name } of queryParametersOf(operation)) queryValue(operation, name, own);
  pathOf(operation, own);
  return [
    ...pathSlots(operation, own),
    ...querySlots(operation, own),
    ...bodySlots(document, operation, own),
  ];
}

/** Streams have an owner each, of whatever kind they are. */
const STREAMS: Readonly<Record<string, (world: World) => string>> = {
  task: ({ ids }) => `task-${ids.task}`,
  contract: ({ ids }) => `contract-${ids.contract}`,
  chat: ({ ids }) => `chat-${ids.meshChat}`,
  owner: ({ ownerId }) => `owner-${ownerId}`,
};

const firstBody = (operation: Operation, own: World) => bodiesOf(operation, own)[0]!;

function pathSlots(operation: Operation, own: World): readonly Slot[] {
  const names = parametersIn(operation, 'path')
    .map(({ name }) => name)
    .filter(namesSomething);
  const slot = (changed: readonly string[]): Slot => ({
    name: `path ${changed.join(' and ')}`,
    with: (somebody) => ({
      operation,
      path: {
        ...pathOf(operation, own),
        ...Object.fromEntries(changed.map((name) => [name, pathValue(operation, name, somebody)])),
      },
      query: requiredQuery(operation, own),
      ...firstBody(operation, own),
    }),
  });
  const streams = names.includes('stream')
    ? Object.entries(STREAMS).map(([kind, of]): Slot => ({
        name: `path stream of a ${kind}`,
        with: (somebody) => ({ operation, path: { stream: of(somebody) }, query: {} }),
      }))
    : [];
  const single = names.filter((name) => name !== 'stream').map((name) => slot([name]));
  return [...streams, ...single, ...(names.length > 1 ? [slot(names)] : [])];
}

const querySlots = (operation: Operation, own: World): readonly Slot[] =>
  parametersIn(operation, 'query')
    .filter(({ name }) => isIdInQuery(name))
    .map(({ name }) => ({
      name: `query ${name}`,
      with: (somebody) => ({
        operation,
        path: pathOf(operation, own),
        query: { ...requiredQuery(operation, own), [name]: queryValue(operation, name, somebody) },
        ...firstBody(operation, own),
      }),
    }));

interface BodySlot {
  readonly body: (ids: Ids, own: World) => Json;
  readonly opaque?: string;
}

const COMMIT = 'a commit is looked for by the daemon, in its own repository';
const FOLDER = 'only the daemon that has the folder is heard';
const item = (fields: Json): Json => ({ items: [{ id: randomUUID(), ...fields }] });
const fork = (type: string, value: string): Json => ({
  forkFrom: { type, value },
  newTask: { name: 'fork', plan: '' },
  dryRun: true,
});
const flatFork = (type: string, value: string): Json => ({
  forkFromType: type,
  forkFromValue: value,
  newTaskName: 'fork',
  newTaskPlan: '',
  dryRun: true,
});

/** Fields of bodies that hold ids, by schema and field. Of several, the second word says which kind of id it is. */
const BODY_IDS: Readonly<Record<string, BodySlot>> = {
  'ContinueTaskRequest checkpointSha': {
    body: ({ commit }) => ({ resumeMode: 'from_checkpoint', checkpointSha: commit, dryRun: true }),
  },
  'CreateTaskRequest contractId': { body: ({ contract }) => ({ name: 'new', contractId: contract }) },
  'CreateTaskRequest parentTaskId': {
    body: ({ supervisor }, own) => ({ name: 'new', contractId: own.ids.contract, parentTaskId: supervisor }),
  },
  'CreateTaskRequest continueFromTaskId': {
    body: ({ task }, own) => ({ name: 'new', contractId: own.ids.contract, continueFromTaskId: task }),
  },
  'CreateTaskRequest checkpointSha': {
    body: ({ commit }, own) => ({ name: 'new', contractId: own.ids.contract, checkpointSha: commit }),
    opaque: COMMIT,
  },
  'ForkTaskRequest forkFrom.value': { body: ({ message }) => fork('message_id', message) },
  'ForkTaskRequest forkFrom.value checkpoint': { body: ({ checkpoint }) => fork('checkpoint', checkpoint) },
  'ForkTaskRequest forkFrom.value commit': { body: ({ commit }) => fork('checkpoint', commit) },
  'ForkTaskRequest forkFromValue': { body: ({ message }) => flatFork('message_id', message) },
  'NewChatMessageRequest contextTaskId': {
    body: ({ task }) => ({ role: 'user', content: 'hello', contextTaskId: task, dryRun: true }),
  },
  'NewKey contractId': { body: ({ contract }) => ({ kind: 'tool', name: 'new', contractId: contract }) },
  'RecordActivityRequest items[].id': {
    body: ({ message }) => item({ id: message, kind: 'output', content: 'the id of another one' }),
    opaque: 'an event id is unique in its own stream',
  },
  'RecordActivityRequest items[].taskIds[]': {
    body: ({ task }) => item({ kind: 'pending_tasks', taskIds: [task] }),
    opaque: 'what a supervisor waits for is kept as it says it',
  },
  'RecordActivityRequest items[].checkpoint.commitSha': {
    body: ({ commit }) =>
      item({
        kind: 'checkpoint',
        checkpoint: { commitSha: commit, message: '', filesChanged: [], linesAdded: 0, linesRemoved: 0 },
      }),
    opaque: COMMIT,
  },
  'ResumeSupervisorRequest checkpointId': {
    body: ({ checkpoint }) => ({ resumeMode: 'from_checkpoint', checkpointId: checkpoint, dryRun: true }),
    opaque: "only checkpoints of the supervisor's own task are known here",
  },
  'RewindTaskRequest checkpointId': {
    body: ({ checkpoint }) => ({ checkpointId: checkpoint, dryRun: true }),
  },
  'RewindTaskRequest checkpointSha': { body: ({ commit }) => ({ checkpointSha: commit, dryRun: true }) },
  'RewindTaskRequest toMessageId': {
    body: ({ message }) => ({ toMessageId: message, scope: 'conversation', dryRun: true }),
  },
  'UndoTaskRewindRequest rewindId': { body: ({ rewind }) => ({ rewindId: rewind, dryRun: true }) },
  'PreparedRewindRequest before': {
    body: ({ checkpoint }) => ({ daemonId: randomUUID(), before: checkpoint }),
    opaque: FOLDER,
  },
  'PreparedRewindRequest result': {
    body: ({ checkpoint }, own) => ({
      daemonId: randomUUID(),
      before: own.ids.checkpoint,
      result: checkpoint,
    }),
    opaque: FOLDER,
  },
  'PreparedRewindRequest daemonId': {
    body: (_, own) => ({ daemonId: randomUUID(), before: own.ids.checkpoint }),
    opaque: FOLDER,
  },
  'CompletedRewindRequest daemonId': {
    body: ({ commit }) => ({ daemonId: randomUUID(), tree: commit }),
    opaque: FOLDER,
  },
  'FailedRewindRequest daemonId': {
    body: () => ({ daemonId: randomUUID(), reason: 'no room' }),
    opaque: FOLDER,
  },
  'LeaseRequest daemonId': { body: ({ daemon }) => ({ daemonId: daemon }) },
  'ReleaseLeaseRequest daemonId': {
    body: ({ daemon }) => ({ daemonId: daemon, epoch: 1, status: 'paused' }),
    opaque: 'only the daemon that holds the lease is heard',
  },
  'AnswerCheckpointRequest daemonId': {
    body: ({ daemon }, own) => ({ daemonId: daemon, checkpointId: own.ids.workedCheckpoint }),
    opaque: FOLDER,
  },
  'AnswerCheckpointRequest checkpointId': {
    body: ({ workedCheckpoint }, own) => ({ daemonId: own.ids.daemon, checkpointId: workedCheckpoint }),
  },
  'RewindConversationRequest toMessageId': {
    body: ({ message }) => ({ toMessageId: message, dryRun: true }),
  },
  'SetSupervisorRequest taskId': { body: ({ supervisor }) => ({ taskId: supervisor }) },
  'ReleaseRequest eventId': {
    body: ({ message }) => ({ eventId: message, dryRun: true }),
    opaque: 'only the event that stopped a projection is known here',
  },
};

/** Texts that name nothing of anybody's, by the last part of their path. */
const WORDS = new Set(
  `additionalContext answer arguments branchName content description kind lineType message model name newTaskName
   newTaskPlan note path plan question reason repository role taskName text thinking toolCallId toolName expiresAt occurredAt
   toTimestamp headSha previousSha tree summary prompt recording command[] copyFiles[] options[] scopes[] input result targetDaemonId`.split(
    /\s+/,
  ),
);
/** Ids that clients choose, of things inside of what the request makes. */
const OWN_IDS = new Set(['items[].toolCalls[].id', 'toolCalls[].id', 'pendingQuestions[].id']);

function bodySlots(document: ApiDocument, operation: Operation, own: World): readonly Slot[] {
  const schema = bodySchemaOf(operation);
  if (schema === undefined) return [];
  const fields = fieldsOf(document, { $ref: `#/components/schemas/${schema}` });
  for (const [field, { type, enum: words }] of fields) {
    const text = type === undefined || type === 'string' || (Array.isArray(type) && type.includes('string'));
    if (text && words === undefined) assertKnown(operation, schema, field);
  }
  return Object.entries(BODY_IDS)
    .filter(([key]) => key.startsWith(`${schema} `))
    .map(([key, { body, opaque }]): Slot => ({
      name: `body ${key.slice(schema.length + 1)}`,
      with: ({ ids }) => ({
        operation,
        path: pathOf(operation, own),
        query: requiredQuery(operation, own),
        body: body(ofRoute(operation, ids), own),
      }),
      ...(opaque === undefined ? {} : { opaque }),
    }));
}

/** The supervisor's route is about the supervisor's messages. */
const ofRoute = ({ path }: Operation, ids: Ids): Ids =>
  path.includes('/supervisor/') ? { ...ids, message: ids.supervisorMessage } : ids;

function assertKnown(operation: Operation, schema: string, field: string): void {
  const last = field.split('.').at(-1)!;
  const isId = Object.keys(BODY_IDS).some((key) => key === `${schema} ${field}`);
  if (isId || OWN_IDS.has(field) || WORDS.has(last)) return;
  throw new Unfilled(
    `${operation.id}: nobody says whether ${field} of ${schema} names something of somebody's`,
  );
}
