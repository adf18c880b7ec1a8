import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { codeOf, type Code } from './world-code.js';
import { callerOf, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { TestDaemon } from '#libs/testing/daemon.js';

type Json = Readonly<Record<string, unknown>>;

/** Keys of one owner. */
export interface Keys {
  readonly user: TestCaller;
  /** An admin without all-owners. */
  readonly admin: TestCaller;
  readonly auditor: TestCaller;
  readonly daemon: TestCaller;
}

/** One of everything that an owner can have, by the id that names it. */
export type Ids = Readonly<
  Record<
    | 'contract'
    | 'task'
    | 'supervisor'
    | 'fork'
    | 'importedTask'
    | 'message'
    | 'supervisorMessage'
    | 'checkpoint'
    | 'snapshot'
    | 'rewind'
    | 'daemon'
    | 'worked'
    | 'workedCheckpoint'
    | 'checkpointRequest'
    | 'meshChat'
    | 'meshQuestion'
    | 'contractChat'
    | 'contractQuestion'
    | 'key'
    | 'job'
    | 'blob'
    | 'position'
    | 'commit',
    string
  >
>;

export interface World {
  readonly ownerId: string;
  readonly keys: Keys;
  /** Stands in every text of this world, and nowhere else. */
  readonly marker: string;
  readonly ids: Ids;
  /** The code of the checkpoint. */
  readonly code: Code;
}

/** Another key of an owner, made by the admin of all owners. */
export async function keyOf(app: TestApp, ownerId: string, key: Json): Promise<TestCaller> {
  const { status, body } = await app.call<Json>(
    'POST',
    '/api/v1/access/keys',
    { name: 'for a test', ...key },
    { 'x-makima-owner': ownerId },
  );
  if (status !== 201) throw new Error(`no key: ${status} ${JSON.stringify(body)}`);
  return callerOf(app.url, ownerId, body['token'] as string);
}

/** An owner with keys of its own, and nothing else. */
export async function newOwner(app: TestApp, name: string): Promise<Keys> {
  const user = await app.secondOwner(name);
  const [admin, auditor, daemon] = await Promise.all([
    keyOf(app, user.ownerId, { kind: 'admin' }),
    keyOf(app, user.ownerId, { kind: 'auditor' }),
    keyOf(app, user.ownerId, { kind: 'daemon' }),
  ]);
  return { user, admin, auditor, daemon };
}

/** A transcript with an image, whose texts hold the marker. */
export const transcriptOf = (marker: string, session = randomUUID()): string =>
  readFileSync(
    'libs/agents/transcripts/samples/claude-code/5b0c7e1d-6a52-4a57-9c3b-2f8d1e94a7c6.jsonl',
    'utf8',
  )
    .replaceAll('5b0c7e1d-6a52-4a57-9c3b-2f8d1e94a7c6', session)
    .replaceAll('todo list', `todo list ${marker}`);

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 5, 10, minute)).toISOString();

/** Makes one of everything for an owner, through the API. */
export async function buildWorld(app: TestApp, keys: Keys, marker: string): Promise<World> {
  const code = await codeOf(marker);
  const ids = await new Builder(app, keys, marker, code).build();
  await app.caughtUp();
  return { ownerId: keys.user.ownerId, keys, marker, ids, code };
}

class Builder {
  /** Long enough to stand in a blob. */
  readonly #long: string;

  constructor(
    private readonly app: TestApp,
    private readonly keys: Keys,
    private readonly marker: string,
    private readonly code: Code,
  ) {
    this.#long = `${marker} ${'long '.repeat(60_000)}`;
  }

  async build(): Promise<Ids> {
    const { marker } = this;
    const contract = await this.#id('/contracts', {
      name: `${marker} contract`,
      description: marker,
      repository: marker,
    });
    const supervisor = await this.#id('/mesh/tasks', {
      name: `${marker} supervisor`,
      plan: marker,
      contractId: contract,
      isSupervisor: true,
    });
    const task = await this.#id('/mesh/tasks', {
      name: `${marker} task`,
      plan: marker,
      contractId: contract,
      parentTaskId: supervisor,
      copyFiles: [`${marker}.ts`],
    });
    const conversation = await this.#talk(supervisor, task);
    await this.#post(`/contracts/${contract}/phase`, { phase: 'execute' });
    const fork = await this.#post(`/mesh/tasks/${task}/fork`, {
      forkFrom: { type: 'message_id', value: conversation.message },
      newTask: { name: `${marker} fork`, plan: marker },
      branchOptions: { branchName: marker },
    });
    const snapshot = await this.#id(`/mesh/tasks/${task}/snapshots`, { note: marker });
    await this.#rewind(`/mesh/tasks/${task}/conversation`);
    await this.#rewind(`/contracts/${contract}/supervisor/conversation`);
    await this.#post(`/mesh/tasks/${task}/tests`, { passed: true });
    const back = { checkpointId: conversation.checkpoint, reason: marker };
    const rewind = (await this.#post(`/mesh/tasks/${task}/rewind`, back))['rewindId'] as string;
    const mesh = await this.#chat('/mesh/chats', task);
    const chat = await this.#chat(`/contracts/${contract}/chats`, task);
    return {
      contract,
      task,
      supervisor,
      fork: fork['newTaskId'] as string,
      importedTask: await this.#importGrowing(contract),
      ...conversation,
      snapshot,
      rewind,
      ...(await this.#work(contract)),
      meshChat: mesh.id,
      meshQuestion: mesh.question,
      contractChat: chat.id,
      contractQuestion: chat.question,
      key: await this.#spareKey(),
      job: await this.#job(),
      blob: createHash('sha256').update(JSON.stringify(this.#long)).digest('hex'),
      commit: this.code.commit,
    };
  }

  async #post(path: string, body: Json, as: TestCaller = this.keys.user): Promise<Json> {
    const answer = await as.call<Json>('POST', `/api/v1${path}`, body);
    if (answer.status >= 300)
      throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async #id(path: string, body: Json): Promise<string> {
    return (await this.#post(path, body))['id'] as string;
  }

  async #record(taskId: string, items: readonly Json[]): Promise<Json> {
    return this.#post(`/mesh/tasks/${taskId}/activity`, { items });
  }

  /** Everything that can happen in a task. */
  async #talk(
    supervisor: string,
    task: string,
  ): Promise<Pick<Ids, 'message' | 'supervisorMessage' | 'checkpoint' | 'position'>> {
    const [message, supervisorMessage] = [randomUUID(), randomUUID()];
    const [checkpoint, later] = [randomUUID(), randomUUID()];
    await this.#record(supervisor, [
      { ...this.#said('user', 1), id: supervisorMessage },
      this.#said('assistant', 7),
      this.#said('user', 8),
      { id: randomUUID(), kind: 'pending_tasks', taskIds: [task] },
    ]);
    const { position } = await this.#record(task, [
      { id: randomUUID(), kind: 'status', status: 'running', reason: this.marker, occurredAt: at(3) },
      { ...this.#said('user', 4), id: message },
      ...this.#toolUse(),
      { id: randomUUID(), kind: 'output', content: this.marker, channel: 'stderr', occurredAt: at(7) },
      {
        id: randomUUID(),
        kind: 'files',
        files: [{ path: `${this.marker}.md`, action: 'D' }],
        occurredAt: at(7),
      },
      { id: checkpoint, kind: 'checkpoint', occurredAt: at(8), checkpoint: this.#checkpoint() },
      { ...this.#said('assistant', 9), content: this.#long },
      this.#said('user', 10),
      { id: randomUUID(), kind: 'line', lineType: 'summary', content: this.marker, occurredAt: at(11) },
    ]);
    await this.#record(task, [
      { id: later, kind: 'checkpoint', occurredAt: at(12), checkpoint: this.#checkpoint() },
      { id: randomUUID(), kind: 'output', content: this.marker, occurredAt: at(13) },
    ]);
    await this.#secure(task, checkpoint);
    await this.#secure(task, later);
    await this.#post(`/mesh/tasks/${task}/checkpoints/${checkpoint}/branch`, { branchName: this.marker });
    return { message, supervisorMessage, checkpoint, position: position as string };
  }

  /** A task that a daemon has worked in and has the folder of; the daemon is away, and a checkpoint is asked of it. */
  async #work(
    contractId: string,
  ): Promise<Pick<Ids, 'daemon' | 'worked' | 'workedCheckpoint' | 'checkpointRequest'>> {
    const { marker } = this;
    const daemon = await TestDaemon.connect(this.app.url, this.keys.daemon, {
      name: marker,
      hostname: marker,
      version: marker,
      runners: [marker],
    });
    daemon.beat();
    const worked = await this.#id('/mesh/tasks', { name: `${marker} worked`, plan: marker, contractId });
    const workedCheckpoint = randomUUID();
    const start = { runner: { name: 'command', command: [marker] }, prompt: marker };
    await this.#post(`/mesh/tasks/${worked}/start`, start);
    const { epoch } = await daemon.lease(worked);
    const items = [{ id: workedCheckpoint, kind: 'checkpoint', checkpoint: this.#checkpoint() }];
    const { call } = this.keys.daemon;
    await call('POST', `/api/v1/mesh/tasks/${worked}/activity`, { items }, daemon.under(epoch));
    const release = { daemonId: daemon.id, epoch, status: 'paused', reason: marker };
    await this.#post(`/mesh/tasks/${worked}/lease/release`, release, this.keys.daemon);
    await call('POST', `/api/v1/mesh/tasks/${worked}/activity`, { items }, daemon.under(epoch));
    await daemon.close();
    const asked = await this.#post(`/mesh/tasks/${worked}/checkpoint-requests`, { message: marker });
    return { daemon: daemon.id, worked, workedCheckpoint, checkpointRequest: asked['requestId'] as string };
  }

  async #secure(task: string, checkpoint: string): Promise<void> {
    const { status } = await this.keys.daemon.fetch(
      `/api/v1/mesh/tasks/${task}/checkpoints/${checkpoint}/pack`,
      {
        method: 'PUT',
        headers: { 'content-type': 'application/x-git-packed-objects' },
        body: this.code.pack,
      },
    );
    if (status !== 200) throw new Error(`pack: ${status}`);
  }

  #said(role: string, minute: number): Json {
    return {
      id: randomUUID(),
      kind: 'message',
      role,
      content: `${this.marker} said`,
      occurredAt: at(minute),
    };
  }

  #toolUse(): readonly Json[] {
    const call = { id: 'call-1', name: 'Write', input: { path: `${this.marker}.ts` } };
    return [
      {
        ...this.#said('assistant', 5),
        thinking: this.marker,
        toolCalls: [call],
        model: 'model-1',
        usage: { input: 100, output: 20, cacheRead: 3, cacheWrite: 4 },
        costUsd: 0.5,
      },
      {
        id: randomUUID(),
        kind: 'tool_result',
        toolCallId: call.id,
        content: `${this.marker} written`,
        isError: true,
        files: [{ path: `${this.marker}.ts`, action: 'A', linesAdded: 12, linesRemoved: 0 }],
        occurredAt: at(6),
      },
    ];
  }

  #checkpoint(): Json {
    return {
      commitSha: this.code.commit,
      headSha: this.code.commit,
      leftOut: [{ path: `${this.marker}.bin`, reason: 'too_large' }],
      branchName: this.marker,
      message: this.marker,
      filesChanged: [{ path: `${this.marker}.ts`, action: 'M' }],
      linesAdded: 12,
      linesRemoved: 1,
    };
  }

  /** A rewind, its undo, and another rewind: three branches. */
  async #rewind(conversation: string): Promise<void> {
    await this.#post(`${conversation}/rewind`, { byMessageCount: 1, reason: this.marker });
    await this.#post(`${conversation}/undo`, {});
    await this.#post(`${conversation}/rewind`, { byMessageCount: 1 });
  }

  async #chat(path: string, taskId: string): Promise<{ readonly id: string; readonly question: string }> {
    const { marker } = this;
    await this.#id(path, { name: `${marker} older chat` });
    const id = await this.#id(path, { name: `${marker} chat` });
    const question = `q-${marker}`;
    await this.#post(`${path}/${id}/messages`, {
      role: 'assistant',
      content: marker,
      contextTaskId: taskId,
      toolCalls: [{ id: 'call-1', name: 'Ask', input: marker, result: marker, isError: false }],
      pendingQuestions: [
        { id: question, question: marker, options: [marker] },
        { id: `answered-${marker}`, question: marker },
      ],
    });
    await this.#post(`${path}/${id}/messages`, { role: 'user', content: this.#long });
    await this.#post(`${path}/${id}/questions/answered-${marker}/answer`, { answer: marker });
    return { id, question };
  }

  /** A session that goes on after it was imported, so that a message is amended. */
  async #importGrowing(contractId: string): Promise<string> {
    const whole = transcriptOf(this.marker);
    const middleOfMessage = whole.split('\n', 7).join('\n');
    await this.#import(contractId, middleOfMessage);
    return this.#import(contractId, whole);
  }

  async #import(contractId: string, transcript: string): Promise<string> {
    const response = await this.keys.user.fetch(`/api/v1/import?contract_id=${contractId}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: transcript,
    });
    const report = (await response.json()) as {
      readonly transcripts: readonly { readonly sessions: readonly { readonly taskId: string }[] }[];
    };
    if (response.status !== 200) throw new Error(`import: ${response.status} ${JSON.stringify(report)}`);
    return report.transcripts[0]!.sessions[0]!.taskId;
  }

  async #spareKey(): Promise<string> {
    const key = await keyOf(this.app, this.keys.user.ownerId, { kind: 'user', name: `${this.marker} spare` });
    return key.token.split('_')[2]!;
  }

  async #job(): Promise<string> {
    const job = await this.#post('/admin/projections/verify', { name: 'contract' }, this.keys.admin);
    return job['id'] as string;
  }
}
