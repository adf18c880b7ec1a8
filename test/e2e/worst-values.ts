import { randomUUID } from 'node:crypto';
import type { TestApp } from '#libs/testing/app.js';
import { TestDaemon } from '#libs/testing/daemon.js';

export type Json = Readonly<Record<string, unknown>>;

/** Writes a value into a field of a request, and gives what is read of it afterwards. */
export type RoundTrip = (app: TestApp, value: never) => Promise<unknown>;

const API = '/api/v1';
const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], value);

const made = async (app: TestApp, path: string, body: Json): Promise<string> =>
  (await app.post(`${API}${path}`, body))['id'] as string;
const read = async (app: TestApp, path: string): Promise<Json> => {
  await app.caughtUp();
  return app.get<Json>(`${API}${path}`);
};

const contract =
  (field: string): RoundTrip =>
  async (app, value) => {
    const id = await made(app, '/contracts', { name: 'c', [field]: value });
    return (await read(app, `/contracts/${id}`))[field];
  };

const task =
  (field: string): RoundTrip =>
  async (app, value) => {
    const id = await made(app, '/mesh/tasks', { name: 't', [field]: value });
    return (await read(app, `/mesh/tasks/${id}`))[field];
  };

/** A new task from a checkpoint, and what it says of itself. */
const resumedFrom =
  (body: (value: unknown) => Json, field: string): RoundTrip =>
  async (app, value) => {
    const id = await made(app, '/mesh/tasks', { name: 't' });
    const item = { id: randomUUID(), kind: 'checkpoint' };
    const counts = { filesChanged: [], linesAdded: 0, linesRemoved: 0 };
    const taken = { commitSha: 'a'.repeat(40), message: '', ...counts };
    await app.post(`${API}/mesh/tasks/${id}/activity`, { items: [{ ...item, checkpoint: taken }] });
    const path = `/mesh/tasks/${id}/checkpoints/${item.id}/resume`;
    const { newTaskId } = await app.post<{ newTaskId: string }>(`${API}${path}`, {
      ...body(value),
      start: false,
    });
    return (await read(app, `/mesh/tasks/${newTaskId}`))[field];
  };

/** Records something in a task of its own, and reads the task's list of what it is. */
const recorded =
  (list: string, item: (value: unknown) => Json, found: (answer: Json) => unknown): RoundTrip =>
  async (app, value) => {
    const id = await made(app, '/mesh/tasks', { name: 't' });
    const items = [{ id: randomUUID(), ...item(value) }];
    await app.post(`${API}/mesh/tasks/${id}/activity`, { items });
    return found(await read(app, `/mesh/tasks/${id}${list}`));
  };

const message = (item: (value: unknown) => Json, ...path: readonly (string | number)[]): RoundTrip =>
  recorded('/conversation', item, (answer) => at(answer, 'messages', 0, ...path));
const call = (more: Json): Json => ({
  kind: 'tool_call',
  toolCalls: [{ id: 'c', name: 'n', input: 1, ...more }],
});
const result = (more: Json): Json => ({ kind: 'tool_result', toolCallId: 'c', content: '', ...more });
const spoken = (more: Json): Json => ({ kind: 'message', role: 'assistant', content: '', ...more });

/** Of an entry in a list, the event; a long field comes from its blob, as the entry says. */
const event =
  (list: string, item: (value: unknown) => Json, field: string): RoundTrip =>
  async (app, value) => {
    const answer = await recorded(list, item, (all) => all)(app, value);
    // The newest: a history begins with it, a task's events end with it.
    const { entries, events } = answer as { entries?: readonly Json[]; events?: readonly Json[] };
    const entry = (entries?.[0] ?? events?.at(-1))!;
    const truncated = (entry['truncated'] as readonly { readonly url: string }[] | undefined)?.[0];
    return truncated ? (await app.fetch(truncated.url)).json() : at(entry, ...field.split('.'));
  };

const checkpoint =
  (
    field: string,
    wrap = (value: unknown): unknown => value,
    ...path: readonly (string | number)[]
  ): RoundTrip =>
  async (app, value) => {
    const [id, checkpointId] = [await made(app, '/mesh/tasks', { name: 't' }), randomUUID()];
    const usual = {
      commitSha: 'a'.repeat(40),
      message: '',
      filesChanged: [],
      linesAdded: 0,
      linesRemoved: 0,
    };
    const items = [{ id: checkpointId, kind: 'checkpoint', checkpoint: { ...usual, [field]: wrap(value) } }];
    await app.post(`${API}/mesh/tasks/${id}/activity`, { items });
    return at(await read(app, `/mesh/tasks/${id}/checkpoints/${checkpointId}`), field, ...path);
  };

const chatName =
  (rename: boolean): RoundTrip =>
  async (app, name) => {
    const id = await made(app, '/mesh/chats', rename ? {} : { name });
    if (rename) await app.post(`${API}/mesh/chats/${id}/rename`, { name });
    return (await read(app, `/mesh/chats/${id}`))['name'];
  };

const chat =
  (body: (value: unknown) => Json, ...path: readonly (string | number)[]): RoundTrip =>
  async (app, value) => {
    const id = await made(app, '/mesh/chats', {});
    await app.post(`${API}/mesh/chats/${id}/messages`, { role: 'user', content: '', ...body(value) });
    return at(await read(app, `/mesh/chats/${id}/messages`), 'messages', 0, ...path);
  };
const chatCall = (more: Json): Json => ({ toolCalls: [{ id: 'c', name: 'n', input: 1, ...more }] });
const question = (more: Json): Json => ({
  pendingQuestions: [{ id: 'q', question: 'q', options: [], ...more }],
});

const answered: RoundTrip = async (app, answer) => {
  const id = await made(app, '/mesh/chats', {});
  await app.post(`${API}/mesh/chats/${id}/messages`, { role: 'user', content: '', ...question({}) });
  await app.post(`${API}/mesh/chats/${id}/questions/q/answer`, { answer });
  return at(await read(app, `/mesh/chats/${id}/messages`), 'messages', 0, 'pendingQuestions', 0, 'answer');
};

/** A task with two messages. */
async function talkedIn(app: TestApp): Promise<string> {
  const id = await made(app, '/mesh/tasks', { name: 't' });
  const items = [spoken({ content: 'one' }), spoken({ content: 'two' })];
  const withIds = items.map((item) => ({ id: randomUUID(), ...item }));
  await app.post(`${API}/mesh/tasks/${id}/activity`, { items: withIds });
  await app.caughtUp();
  return id;
}

/** The data of the last event of a task that was started. */
const started =
  (body: (value: unknown) => Json, ...path: readonly (string | number)[]): RoundTrip =>
  async (app, value) => {
    const id = await made(app, '/mesh/tasks', { name: 't' });
    await app.post(`${API}/mesh/tasks/${id}/start`, body(value));
    const { events } = (await read(app, `/mesh/tasks/${id}/events`)) as { events: readonly Json[] };
    const last = events.at(-1)!;
    const truncated = (last['truncated'] as readonly { readonly url: string }[] | undefined)?.[0];
    return truncated ? (await app.fetch(truncated.url)).json() : at(last, 'eventData', ...path);
  };

/** The same of a task that a daemon holds, after something was asked of it. */
const leased =
  (ask: (value: unknown) => { readonly path: string; readonly body: Json }, field: string): RoundTrip =>
  async (app, value) => {
    const daemon = await TestDaemon.connect(app.url, await app.key('daemon'));
    const id = await made(app, '/mesh/tasks', { name: 't' });
    await app.post(`${API}/mesh/tasks/${id}/start`);
    await app.caughtUp();
    await daemon.lease(id);
    const { path, body } = ask(value);
    // A daemon that is away is not waited for.
    await daemon.close();
    const named =
      path === '/lease/release' ? { daemonId: daemon.id, epoch: 1, status: 'paused', ...body } : body;
    await daemon.caller.call('POST', `${API}/mesh/tasks/${id}${path}`, named);
    const { events } = (await read(app, `/mesh/tasks/${id}/events`)) as { events: readonly Json[] };
    return at(events.at(-1), 'eventData', field);
  };

const rewound: RoundTrip = async (app, reason) => {
  const id = await talkedIn(app);
  await app.post(`${API}/mesh/tasks/${id}/conversation/rewind`, {
    byMessageCount: 1,
    reason,
  });
  return at(await read(app, `/mesh/tasks/${id}/branches`), 'branches', 1, 'reason');
};

const codeRewound =
  (undo: boolean): RoundTrip =>
  async (app, reason) => {
    const id = await talkedIn(app);
    const point = { byMessageCount: 1, scope: 'conversation' };
    await app.post(`${API}/mesh/tasks/${id}/rewind`, undo ? point : { ...point, reason });
    if (undo) await app.post(`${API}/mesh/tasks/${id}/rewind/undo`, { reason });
    return at(await read(app, `/mesh/tasks/${id}/rewinds`), 'rewinds', 0, 'reason');
  };

const snapshot =
  (restore: boolean): RoundTrip =>
  async (app, value) => {
    const id = await talkedIn(app);
    const taken = await made(app, `/mesh/tasks/${id}/snapshots`, restore ? {} : { note: value });
    if (!restore) return (await read(app, `/mesh/tasks/${id}/snapshots/${taken}`))['note'];
    await app.post(`${API}/mesh/tasks/${id}/conversation/rewind`, { byMessageCount: 1 });
    await app.caughtUp();
    await app.post(`${API}/mesh/tasks/${id}/snapshots/${taken}/restore`, { reason: value });
    return at(await read(app, `/mesh/tasks/${id}/branches`), 'branches', 2, 'reason');
  };

const forked =
  (body: (value: unknown) => Json, ...path: readonly string[]): RoundTrip =>
  async (app, value) => {
    const id = await talkedIn(app);
    const { messages } = await app.get<{ messages: readonly Json[] }>(`${API}/mesh/tasks/${id}/conversation`);
    const from = {
      forkFromType: 'message_id',
      forkFromValue: messages[0]!['id'],
      newTaskName: 'f',
      newTaskPlan: '',
    };
    const fork = await app.post(`${API}/mesh/tasks/${id}/fork`, { ...from, ...body(value) });
    return at(await read(app, `/mesh/tasks/${fork['newTaskId'] as string}`), ...path);
  };
const nested =
  (part: string, field: string, ...path: readonly string[]): RoundTrip =>
  async (app, value) => {
    const id = await talkedIn(app);
    const { messages } = await app.get<{ messages: readonly Json[] }>(`${API}/mesh/tasks/${id}/conversation`);
    const newTask = { name: 'f', plan: '' };
    const body = { forkFrom: { type: 'message_id', value: messages[0]!['id'] }, newTask };
    const whole = { ...body, [part]: { ...(part === 'newTask' ? newTask : {}), [field]: value } };
    const fork = await app.post(`${API}/mesh/tasks/${id}/fork`, whole);
    return at(await read(app, `/mesh/tasks/${fork['newTaskId'] as string}`), ...path);
  };

const named =
  (path: string, list: string, body: Json): RoundTrip =>
  async (app, name) => {
    const id = await made(app, `/access/${path}`, { ...body, name });
    const all = (await read(app, `/access/${path}?limit=500`))[list] as readonly Json[];
    return all.find((one) => one['id'] === id)?.['name'];
  };

/** How every text and list of every write request is written and read, by its schema and field. */
export const ROUND_TRIPS: Readonly<Record<string, RoundTrip>> = {
  'NewKey.name': named('keys', 'keys', { kind: 'user' }),
  'NewOwner.name': named('owners', 'owners', {}),
  'CreateContractRequest.name': contract('name'),
  'CreateContractRequest.description': contract('description'),
  'CreateContractRequest.repository': contract('repository'),
  'OpenChatRequest.name': chatName(false),
  'RenameChatRequest.name': chatName(true),
  'NewChatMessageRequest.content': chat((content) => ({ content }), 'content'),
  'NewChatMessageRequest.toolCalls': chat((toolCalls) => ({ toolCalls }), 'toolCalls'),
  'ChatToolCallDto.id': chat((id) => chatCall({ id }), 'toolCalls', 0, 'id'),
  'ChatToolCallDto.name': chat((name) => chatCall({ name }), 'toolCalls', 0, 'name'),
  'ChatToolCallDto.input': chat((input) => chatCall({ input }), 'toolCalls', 0, 'input'),
  'ChatToolCallDto.result': chat((output) => chatCall({ result: output }), 'toolCalls', 0, 'result'),
  'NewChatMessageRequest.pendingQuestions': async (app, value) => {
    const questions = await chat((pendingQuestions) => ({ pendingQuestions }), 'pendingQuestions')(
      app,
      value,
    );
    return (questions as readonly Json[]).map(({ id, question: text, options }) => ({
      id,
      question: text,
      options,
    }));
  },
  'PendingQuestionDto.id': chat((id) => question({ id }), 'pendingQuestions', 0, 'id'),
  'PendingQuestionDto.question': chat(
    (text) => question({ question: text }),
    'pendingQuestions',
    0,
    'question',
  ),
  'PendingQuestionDto.options': chat((options) => question({ options }), 'pendingQuestions', 0, 'options'),
  'AnswerQuestionRequest.answer': answered,
  'CreateTaskRequest.name': task('name'),
  'CreateTaskRequest.plan': task('plan'),
  'CreateTaskRequest.checkpointSha': task('checkpointSha'),
  'CreateTaskRequest.copyFiles': task('copyFiles'),
  'ActivityDto.content': message((content) => spoken({ content }), 'content'),
  'ActivityDto.content of a result': message((content) => result({ content }), 'toolResult'),
  'ActivityDto.content of output': event(
    '/output',
    (content) => ({ kind: 'output', content }),
    'eventData.text',
  ),
  'ActivityDto.content of a line': event(
    '/events',
    (content) => ({ kind: 'line', lineType: 'l', content }),
    'eventData.raw',
  ),
  'ActivityDto.thinking': message((thinking) => spoken({ thinking }), 'thinking'),
  'ActivityDto.toolCalls': message((toolCalls) => ({ kind: 'tool_call', toolCalls }), 'toolCalls'),
  'ToolCallDto.id': message((id) => call({ id }), 'toolCalls', 0, 'id'),
  'ToolCallDto.name': message((name) => call({ name }), 'toolCalls', 0, 'name'),
  'ToolCallDto.input': message((input) => call({ input }), 'toolCalls', 0, 'input'),
  'ActivityDto.toolCallId': message((toolCallId) => result({ toolCallId }), 'toolCallId'),
  'ActivityDto.toolName': message((toolName) => result({ toolName }), 'toolName'),
  'ActivityDto.model': message((model) => spoken({ model }), 'model'),
  'ActivityDto.reason': event(
    '/events',
    (reason) => ({ kind: 'status', status: 'running', reason }),
    'eventData.reason',
  ),
  'ActivityDto.taskIds': async (app, taskIds) => {
    const id = await made(app, '/mesh/tasks', { name: 't' });
    const items = [{ id: randomUUID(), kind: 'pending_tasks', taskIds }];
    await app.post(`${API}/mesh/tasks/${id}/activity`, { items });
    return (await read(app, `/mesh/tasks/${id}`))['pendingTaskIds'];
  },
  'ActivityDto.files': event('/history', (files) => ({ kind: 'files', files }), 'filesChanged'),
  'ActivityDto.files of a result': message((files) => result({ files }), 'filesChanged'),
  'FileChangeDto.path': message(
    (path) => result({ files: [{ path, action: 'A' }] }),
    'filesChanged',
    0,
    'path',
  ),
  'CheckpointDto.commitSha': checkpoint('commitSha'),
  'CheckpointDto.branchName': checkpoint('branchName'),
  'CheckpointDto.message': checkpoint('message'),
  'CheckpointDto.filesChanged': checkpoint('filesChanged'),
  'CheckpointDto.headSha': checkpoint('headSha'),
  'CheckpointDto.previousSha': checkpoint('previousSha'),
  'CheckpointDto.leftOut': checkpoint('leftOut'),
  'LeftOutDto.path': checkpoint('leftOut', (path) => [{ path, reason: 'too_large' }], 0, 'path'),
  'ActivityDto.lineType': event(
    '/events',
    (lineType) => ({ kind: 'line', lineType, content: '' }),
    'eventData.lineType',
  ),
  'RecordActivityRequest.items': async (app, items) => {
    const id = await made(app, '/mesh/tasks', { name: 't' });
    await app.post(`${API}/mesh/tasks/${id}/activity`, { items });
    const { messages } = (await read(app, `/mesh/tasks/${id}/conversation?limit=1000`)) as {
      messages: readonly Json[];
    };
    return messages.map(({ id: itemId, role, content }) => ({ id: itemId, kind: 'message', role, content }));
  },
  'ContinueTaskRequest.prompt': async (app, prompt) => {
    const id = await made(app, '/mesh/tasks', { name: 't' });
    return (await app.post(`${API}/mesh/tasks/${id}/continue`, { prompt }))['prompt'];
  },
  'StartTaskRequest.prompt': started((prompt) => ({ prompt }), 'prompt'),
  'RunnerChoiceDto.model': started((model) => ({ runner: { name: 'claude', model } }), 'runner', 'model'),
  'RunnerChoiceDto.command': started(
    (command) => ({ runner: { name: 'command', command } }),
    'runner',
    'command',
  ),
  'RunnerChoiceDto.recording': started(
    (recording) => ({ runner: { name: 'replay', recording: recording } }),
    'runner',
    'recording',
  ),
  'StopTaskRequest.reason': leased((reason) => ({ path: '/stop', body: { reason } }), 'reason'),
  'ReleaseLeaseRequest.reason': leased((reason) => ({ path: '/lease/release', body: { reason } }), 'reason'),
  'RequestCheckpointRequest.message': leased(
    (message) => ({ path: '/checkpoint-requests', body: { message } }),
    'message',
  ),
  'ResumeSupervisorRequest.additionalContext': async (app, additionalContext) => {
    const contractId = await made(app, '/contracts', { name: 'c' });
    await made(app, '/mesh/tasks', { name: 't', contractId, isSupervisor: true });
    return (await app.post(`${API}/contracts/${contractId}/supervisor/resume`, { additionalContext }))[
      'prompt'
    ];
  },
  'ResumeFromCheckpointRequest.taskName': resumedFrom((taskName) => ({ plan: 'p', taskName }), 'name'),
  'ResumeFromCheckpointRequest.plan': resumedFrom((plan) => ({ plan }), 'plan'),
  'RewindConversationRequest.reason': rewound,
  'RewindTaskRequest.reason': codeRewound(false),
  'UndoTaskRewindRequest.reason': codeRewound(true),
  'TakeSnapshotRequest.note': snapshot(false),
  'RestoreSnapshotRequest.reason': snapshot(true),
  'NewTaskDto.name': nested('newTask', 'name', 'name'),
  'NewTaskDto.plan': nested('newTask', 'plan', 'plan'),
  'BranchOptionsDto.branchName': nested('branchOptions', 'branchName', 'fork', 'branchName'),
  'ForkTaskRequest.newTaskName': forked((newTaskName) => ({ newTaskName }), 'name'),
  'ForkTaskRequest.newTaskPlan': forked((newTaskPlan) => ({ newTaskPlan }), 'plan'),
  'ForkTaskRequest.branchName': forked((branchName) => ({ branchName }), 'fork', 'branchName'),
};

/** What is written nowhere, or names something that there is. */
export const WRITES_NOTHING: Readonly<Record<string, string>> = {
  'NewKey.scopes': 'some of a few words',
  'CreateBranchRequest.branchName': 'git takes few characters in the name of a branch',
  'VerifyRequest.name': 'names a projection',
  'ReleaseRequest.reason':
    'stands in an event that only the audit shows, and needs a projection that has stopped',
  'ContinueTaskRequest.checkpointSha': 'names a checkpoint',
  'RewindTaskRequest.checkpointSha': 'names a checkpoint',
  'RewindTaskRequest.branchName': 'becomes a branch where a daemon has the folder',
  'CompletedRewindRequest.tree': 'is said by the daemon that has the folder',
  'FailedRewindRequest.reason': 'is said by the daemon that has the folder',
  'ReportTestsRequest.summary': 'becomes the message of a checkpoint where a daemon has the folder',
  'ForkFromDto.value': 'names a message, a time or a checkpoint',
  'ForkTaskRequest.forkFromValue': 'names a message, a time or a checkpoint',
};
