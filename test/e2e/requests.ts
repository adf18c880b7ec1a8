import { randomUUID } from 'node:crypto';
import { bodySchemaOf, parametersIn, type Operation, type Parameter } from './api-document.js';
import { transcriptOf, type Ids, type World } from './world.js';

type Json = Readonly<Record<string, unknown>>;

/** A request of a route. */
export interface ApiRequest {
  readonly operation: Operation;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly upload?: Upload;
}

/** A body that is no JSON. */
export interface Upload {
  readonly mediaType: string;
  readonly bytes: string | Uint8Array;
}

/** Something that a request does not say how to fill. */
export class Unfilled extends Error {
  override readonly name = 'Unfilled';
}

type FromWorld = (world: World) => string;
const id =
  (name: keyof Ids): FromWorld =>
  ({ ids }) =>
    ids[name];

/** Parameters in paths, by their name; where a name means different things, by the beginning of the path too. */
const PATH: Readonly<Record<string, FromWorld>> = {
  contractId: id('contract'),
  taskId: id('task'),
  checkpointId: id('checkpoint'),
  snapshotId: id('snapshot'),
  rewindId: id('rewind'),
  daemonId: id('daemon'),
  requestId: id('checkpointRequest'),
  '/api/v1/mesh/chats chatId': id('meshChat'),
  '/api/v1/contracts chatId': id('contractChat'),
  '/api/v1/mesh/chats questionId': id('meshQuestion'),
  '/api/v1/contracts questionId': id('contractQuestion'),
  keyId: id('key'),
  jobId: id('job'),
  stream: ({ ids }) => `task-${ids.task}`,
  position: id('position'),
  sha256: id('blob'),
};

/** Routes about a task that a daemon has worked in. */
const OF_WORKED = /\/\{taskId\}\/(stop|lease|checkpoint-requests)(\/|$)/;

/** Parameters in paths that name nothing of anybody's. */
const PATH_WORDS: Readonly<Record<string, string>> = { name: 'contract' };

/** Parameters in queries that name something of somebody's. */
const QUERY_IDS: Readonly<Record<string, FromWorld>> = {
  against: id('checkpoint'),
  at: id('checkpoint'),
  have: id('commit'),
  contract_id: id('contract'),
  task_id: id('task'),
  parent_task_id: id('supervisor'),
  stream: ({ ids }) => `task-${ids.task}`,
  with: id('fork'),
  withAt: id('message'),
};

/** Other parameters in queries, with a value that every route of this parameter takes. */
const QUERY_WORDS: Readonly<Record<string, string>> = {
  active: 'true',
  actor: 'user',
  after: '1',
  asOf: '2100-01-01T00:00:00Z',
  branch: '0',
  buckets: '7',
  context: '0',
  dry_run: 'true',
  event_types: 'checkpoint,chat,task_created',
  failed: 'true',
  format: 'ndjson',
  from: '2020-01-01T00:00:00Z',
  include_subtasks: 'true',
  include_tool_calls: 'false',
  include_tool_results: 'false',
  limit: '2',
  line: '1',
  minPosition: '1',
  name: 'transcript.jsonl',
  order: 'newest',
  phase: 'execute',
  text: 'said',
  to: '2100-01-01T00:00:00Z',
};
/** Where the name alone does not say what fits. */
const QUERY_WORDS_OF: Readonly<Record<string, string>> = {
  'get /api/v1/contracts status': 'active',
  'get /api/v1/mesh/tasks status': 'running',
  'get /api/v1/mesh/chats status': 'open',
  'get /api/v1/contracts/{contractId}/chats status': 'open',
  'get /api/v1/audit/events type': 'TaskCreated,MessageRecorded',
  'get /api/v1/audit/streams/{stream} type': 'TaskCreated,MessageRecorded',
  'get /api/v1/mesh/tasks/{taskId}/snapshots type': 'manual,checkpoint',
  'get /api/v1/admin/streams/{stream}/replay to': '3',
};
/** The same for what a world's own is. */
const QUERY_OF: Readonly<Record<string, FromWorld>> = {
  'get /api/v1/mesh/tasks/{taskId}/checkpoints/{checkpointId}/blame path': ({ marker }) => `${marker}.ts`,
  'get /api/v1/mesh/tasks/{taskId}/bundle branchName': ({ marker }) => marker,
  'get /api/v1/mesh/tasks/{taskId}/checkpoints/{checkpointId}/file path': ({ marker }) => `${marker}.ts`,
  'get /api/v1/mesh/tasks/{taskId}/checkpoints/{checkpointId}/tree path': ({ marker }) => `${marker}.ts`,
};
/** A cursor comes from an answer. */
export const CURSOR = 'cursor';

/** Bodies that succeed, by the name of their schema. The first ones are harmless to repeat. */
const BODIES: Readonly<Record<string, (world: World) => readonly Json[]>> = {
  AnswerQuestionRequest: () => [{ answer: 'yes', dryRun: true }, { answer: 'yes' }],
  ChangeChatRequest: () => [{ dryRun: true }, {}],
  ChangeContractStatusRequest: () => [{ status: 'active' }],
  ChangePhaseRequest: () => [{ phase: 'execute' }, { phase: 'review' }],
  ContinueTaskRequest: ({ ids }) => [
    { resumeMode: 'with_context', dryRun: true },
    { resumeMode: 'clean_restart', prompt: 'again', maxTokens: 1_000 },
    { resumeMode: 'from_checkpoint', checkpointSha: ids.commit, contextOptions: { maxMessages: 5 } },
  ],
  CreateBranchRequest: ({ marker }) => [
    { branchName: `${marker}-dry`, dryRun: true },
    { branchName: `${marker}-new`, checkout: true },
  ],
  CreateContractRequest: ({ marker }) => [
    { name: `${marker} new`, description: marker, phase: 'plan', repository: marker },
  ],
  CreateTaskRequest: ({ ids, marker }) => [
    {
      name: `${marker} new`,
      contractId: ids.contract,
      parentTaskId: ids.supervisor,
      continueFromTaskId: ids.task,
      checkpointSha: ids.commit,
    },
    { name: `${marker} new`, contractId: ids.contract },
  ],
  ForkTaskRequest: ({ ids, marker }) => [
    forkAt(marker, 'message_id', ids.message, true),
    forkAt(marker, 'checkpoint', ids.checkpoint, true),
    forkAt(marker, 'timestamp', '2026-01-05T10:06:00Z', true),
    forkAt(marker, 'checkpoint', ids.commit, false),
    {
      forkFromType: 'message_id',
      forkFromValue: ids.message,
      newTaskName: marker,
      newTaskPlan: marker,
      dryRun: true,
    },
  ],
  NewChatMessageRequest: ({ ids, marker }) => [
    { role: 'user', content: marker, contextTaskId: ids.task, dryRun: true },
    { role: 'user', content: marker, contextTaskId: ids.task },
  ],
  NewKey: ({ ids, marker }) => [
    { kind: 'tool', name: marker, contractId: ids.contract, expiresAt: '2100-01-01T00:00:00Z' },
    { kind: 'user', name: marker },
  ],
  NewOwner: () => [{ name: `owner ${randomUUID()}` }],
  OpenChatRequest: ({ marker }) => [{ name: marker, dryRun: true }, { name: marker }],
  ReassignTaskRequest: () => [{}, { targetDaemonId: randomUUID() }],
  RebuildRequest: () => [{ dryRun: true }, {}],
  RecordActivityRequest: ({ ids, marker }) => [
    happened({ kind: 'message', role: 'user', content: marker }),
    happened({ kind: 'pending_tasks', taskIds: [ids.fork] }),
    happened({
      kind: 'tool_call',
      toolCalls: [{ id: 'c', name: 'Read', input: { path: marker } }],
      model: marker,
    }),
    happened({
      kind: 'tool_result',
      toolCallId: 'c',
      content: marker,
      files: [{ path: marker, action: 'M' }],
    }),
    happened({ kind: 'output', content: marker, channel: 'stdout' }),
    happened({ kind: 'status', status: 'paused', reason: marker }),
    happened({ kind: 'files', files: [{ path: marker, action: 'A', linesAdded: 1, linesRemoved: 0 }] }),
    happened({ kind: 'line', lineType: marker, content: marker }),
    happened({
      kind: 'checkpoint',
      checkpoint: {
        commitSha: ids.commit,
        branchName: marker,
        message: marker,
        filesChanged: [],
        linesAdded: 0,
        linesRemoved: 0,
      },
    }),
  ],
  RenameChatRequest: ({ marker }) => [{ name: marker, dryRun: true }, { name: `${marker} renamed` }],
  RestoreSnapshotRequest: () => [{ dryRun: true }, { reason: 'back' }],
  ResumeFromCheckpointRequest: ({ marker }) => [
    { plan: marker, dryRun: true },
    { plan: marker, taskName: `${marker} again`, includeConversation: true, start: false },
  ],
  ResumeSupervisorRequest: ({ marker }) => [
    { resumeMode: 'continue', dryRun: true },
    { resumeMode: 'restart_phase', additionalContext: marker },
  ],
  RewindConversationRequest: ({ ids }) => [
    { toMessageId: ids.message, dryRun: true },
    { byMessageCount: 1, dryRun: true },
    { toTimestamp: '2026-01-05T10:06:00Z', dryRun: true },
    { byMessageCount: 1, reason: 'again' },
  ],
  RewindTaskRequest: ({ ids, marker }) => [
    { checkpointId: ids.checkpoint, scope: 'both', dryRun: true },
    { checkpointSha: ids.commit, scope: 'both', reason: marker },
    { toMessageId: ids.message, inclusive: false, scope: 'conversation', dryRun: true },
  ],
  UndoTaskRewindRequest: ({ ids, marker }) => [
    { rewindId: ids.rewind, dryRun: true },
    { rewindId: ids.rewind, reason: marker },
  ],
  PreparedRewindRequest: ({ ids }) => [{ daemonId: randomUUID(), before: ids.checkpoint }],
  CompletedRewindRequest: ({ ids }) => [{ daemonId: randomUUID(), tree: ids.commit }],
  FailedRewindRequest: ({ marker }) => [{ daemonId: randomUUID(), reason: marker }],
  ReportTestsRequest: ({ marker }) => [{ passed: true, summary: marker }],
  StartTaskRequest: ({ marker }) => [
    {},
    { runner: { name: 'command', command: [marker] }, prompt: marker, targetDaemonId: randomUUID() },
    { runner: { name: 'claude', model: 'model-1' } },
    { runner: { name: 'replay', recording: marker, speed: 0 } },
  ],
  StopTaskRequest: ({ marker }) => [{ reason: marker, status: 'cancelled' }],
  LeaseRequest: ({ ids }) => [{ daemonId: ids.daemon }],
  ReleaseLeaseRequest: ({ ids, marker }) => [
    { daemonId: ids.daemon, epoch: 1, status: 'paused', reason: marker },
  ],
  RequestCheckpointRequest: ({ marker }) => [{ message: marker }],
  AnswerCheckpointRequest: ({ ids }) => [{ daemonId: ids.daemon, checkpointId: ids.workedCheckpoint }],
  SetSupervisorRequest: ({ ids }) => [{ taskId: ids.supervisor }],
  ReleaseRequest: () => [{ eventId: randomUUID(), dryRun: true }],
  TakeSnapshotRequest: ({ marker }) => [{ note: marker, dryRun: true }, {}],
  UndoRewindRequest: () => [{ dryRun: true }, {}],
  VerifyRequest: () => [{ name: 'contract' }],
};

const happened = (item: Json): Json => ({ items: [{ id: randomUUID(), ...item }] });

const forkAt = (marker: string, type: string, value: string, dryRun: boolean): Json => ({
  forkFrom: { type, value },
  newTask: { name: marker, plan: marker },
  dryRun,
});

/** Bodies that are no JSON, by the route. */
const UPLOADS: Readonly<Record<string, (world: World) => readonly Upload[]>> = {
  'post /api/v1/import': ({ marker }) => {
    const transcript = transcriptOf(marker);
    const head = JSON.stringify({ name: 'one.jsonl', bytes: Buffer.byteLength(transcript) });
    return [
      { mediaType: 'application/octet-stream', bytes: transcript },
      { mediaType: 'application/vnd.makima.files', bytes: `${head}\n${transcript}` },
    ];
  },
  'put /api/v1/mesh/tasks/{taskId}/checkpoints/{checkpointId}/pack': ({ code }) => [
    { mediaType: 'application/x-git-packed-objects', bytes: code.pack },
  ],
};

/** Routes that cannot succeed while no daemon connects, and how they are refused. */
export const REFUSED: Readonly<Record<string, string>> = {
  'post /api/v1/mesh/tasks/{taskId}/rewinds/{rewindId}/cancel': 'REWIND_OVER',
  'post /api/v1/mesh/tasks/{taskId}/rewinds/{rewindId}/prepared': 'LEASE_STALE',
  'post /api/v1/mesh/tasks/{taskId}/rewinds/{rewindId}/completed': 'LEASE_STALE',
  'post /api/v1/mesh/tasks/{taskId}/rewinds/{rewindId}/failed': 'LEASE_STALE',
};

/** What stands where a parameter of a path is. */
export function pathValue(operation: Operation, name: string, world: World): string {
  if (name === 'taskId' && OF_WORKED.test(operation.path)) return world.ids.worked;
  const beginning = Object.keys(PATH).find((key) => {
    const [path, parameter] = key.split(' ');
    return parameter === name && operation.path.startsWith(path!);
  });
  const from = PATH[beginning ?? name];
  const value = from?.(world) ?? PATH_WORDS[name];
  if (value === undefined) throw new Unfilled(`${operation.id}: nobody says what to put into {${name}}`);
  return value;
}

/** Whether a parameter of a path names something of somebody's. */
export const namesSomething = (name: string): boolean => !Object.hasOwn(PATH_WORDS, name);

/** A value that a parameter of a query takes. */
export function queryValue(operation: Operation, name: string, world: World): string {
  const place = `${operation.id} ${name}`;
  const value = (QUERY_IDS[name] ?? QUERY_OF[place])?.(world) ?? QUERY_WORDS_OF[place] ?? QUERY_WORDS[name];
  if (value === undefined) throw new Unfilled(`${operation.id}: nobody says what to put into ?${name}=`);
  return value;
}

export const isIdInQuery = (name: string): boolean => Object.hasOwn(QUERY_IDS, name);

/** Bodies that a route takes: none, or one or more of which the first is harmless to repeat. */
export function bodiesOf(operation: Operation, world: World): readonly Pick<ApiRequest, 'body' | 'upload'>[] {
  if (!operation.body) return [{}];
  const schema = bodySchemaOf(operation);
  if (schema === undefined) {
    const uploads = UPLOADS[operation.id];
    if (!uploads) {
      const types = Object.keys(operation.body).join(', ');
      throw new Unfilled(`${operation.id}: nobody says what to send as ${types}`);
    }
    return uploads(world).map((upload) => ({ upload }));
  }
  const bodies = BODIES[schema];
  if (!bodies) throw new Unfilled(`${operation.id}: nobody says what a ${schema} looks like`);
  const ids = operation.path.includes('/supervisor/')
    ? { ...world.ids, message: world.ids.supervisorMessage }
    : world.ids;
  return bodies({ ...world, ids }).map((body) => ({ body }));
}

/** The path parameters of a route, filled. */
export const pathOf = (operation: Operation, world: World): Readonly<Record<string, string>> =>
  Object.fromEntries(
    parametersIn(operation, 'path').map(({ name }) => [name, pathValue(operation, name, world)]),
  );

/** The query parameters of a route that are not its cursor. */
export const queryParametersOf = (operation: Operation): readonly Parameter[] =>
  parametersIn(operation, 'query').filter(({ name }) => name !== CURSOR);

/** Those of them that it cannot do without, filled. */
export const requiredQuery = (operation: Operation, world: World): Readonly<Record<string, string>> =>
  Object.fromEntries(
    queryParametersOf(operation)
      .filter(({ required }) => required)
      .map(({ name }) => [name, queryValue(operation, name, world)]),
  );

/** The request's path with its query. */
export function urlOf({ operation, path, query }: ApiRequest): string {
  const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path[name]!),
  );
  const search = new URLSearchParams(query).toString();
  return search === '' ? filled : `${filled}?${search}`;
}

/** The request as fetch takes it. */
export function initOf({ operation: { method }, body, upload }: ApiRequest): RequestInit {
  if (upload) return { method, body: upload.bytes, headers: { 'content-type': upload.mediaType } };
  if (body === undefined) return { method };
  return { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}
