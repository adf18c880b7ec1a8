// Histories as agents make them, decided by makima's own rules, so that every event is one that makima itself would write.
import { randomBytes, randomUUID } from 'node:crypto';
import { contractDecider } from '../../../dist/libs/features/contract/contract.decider.js';
import { contractStream, PHASES } from '../../../dist/libs/features/contract/contract.events.js';
import { taskDecider } from '../../../dist/libs/features/task/task.decider.js';
import { taskStream } from '../../../dist/libs/features/task/task.events.js';
import { below, nextProse, random } from '../payloads.mjs';

/** How often the server takes a snapshot of a conversation by itself, in messages: its default. */
const SNAPSHOT_EVERY = 200;

/** One stream with its state; `run` answers the events of a command. */
class Stream {
  constructor(name, decider) {
    this.name = name;
    this.decider = decider;
    this.state = decider.initial;
    /** Events that the loader has taken. */
    this.appended = 0;
  }

  run(command) {
    const decision = this.decider.decide(command, this.state);
    if (!Array.isArray(decision)) throw new Error(`${command.type}: ${decision.detail}`);
    for (const event of decision) this.state = this.decider.evolve(this.state, event);
    return decision;
  }
}

export class Contract extends Stream {
  constructor(name) {
    const id = randomUUID();
    super(contractStream(id), contractDecider);
    this.id = id;
    this.created = this.run({
      type: 'CreateContract',
      data: {
        contractId: id,
        name,
        description: nextProse().slice(0, 200),
        phase: PHASES[0],
        repository: null,
      },
    });
  }

  nextPhase() {
    const next = PHASES[(PHASES.indexOf(this.state.phase) + 1) % PHASES.length];
    return this.run({ type: 'ChangePhase', newPhase: next });
  }
}

const TOOLS = ['read_file', 'edit_file', 'run_command', 'search'];
const fileChanges = () =>
  Array.from({ length: 1 + below(3) }, () => ({
    path: `src/part${below(90)}/file${below(40)}.ts`,
    action: random() < 0.8 ? 'M' : 'A',
    linesAdded: below(80),
    linesRemoved: below(40),
  }));

export class Task extends Stream {
  #call = 0;

  constructor(name, { contractId = null, parentTaskId = null, isSupervisor = false } = {}) {
    const id = randomUUID();
    super(taskStream(id), taskDecider);
    this.id = id;
    this.created = this.run({
      type: 'CreateTask',
      data: {
        taskId: id,
        contractId,
        parentTaskId,
        name,
        plan: nextProse(),
        isSupervisor,
        continueFromTaskId: null,
        checkpointSha: null,
        copyFiles: [],
        source: null,
      },
    });
  }

  #record(...activities) {
    const places = activities.map(() => ({ snapshotId: randomUUID(), at: new Date().toISOString() }));
    const policy = { everyMessages: SNAPSHOT_EVERY, everyMinutes: 0 };
    return this.run({ type: 'RecordActivity', activities, snapshots: { policy, places } });
  }

  /** A message of 1 KB. */
  message(role, extra = {}) {
    return this.#record({ type: 'RecordMessage', content: { role, content: nextProse(), ...extra } });
  }

  /** An assistant's message with a call, and what came back. */
  toolUse() {
    const id = `call-${(this.#call += 1)}`;
    const name = TOOLS[below(TOOLS.length)];
    const toolCalls = [
      { id, name, input: { path: `src/part${below(90)}/file${below(40)}.ts`, offset: below(900) } },
    ];
    const usage = { input: below(50_000), output: below(2000) };
    const isError = random() < 0.05;
    return [
      ...this.message('assistant', { toolCalls, usage, model: 'model-1' }),
      ...this.#record({
        type: 'RecordToolResult',
        content: {
          toolCallId: id,
          toolName: '',
          result: nextProse(),
          isError,
          ...(name === 'edit_file' && !isError ? { files: fileChanges() } : {}),
        },
      }),
    ];
  }

  output = () => this.#record({ type: 'RecordOutput', data: { channel: 'agent', text: nextProse() } });
  files = () => this.#record({ type: 'RecordFiles', files: fileChanges() });
  line = () => this.#record({ type: 'KeepLine', data: { lineType: 'progress', raw: nextProse() } });
  waitFor = (taskIds) => this.#record({ type: 'ChangePendingTasks', taskIds });

  status(newStatus) {
    return this.state.status === newStatus
      ? []
      : this.#record({ type: 'ChangeStatus', newStatus, reason: null });
  }

  checkpoint() {
    return this.#record({
      type: 'RecordCheckpoint',
      data: {
        checkpointId: randomUUID(),
        commitSha: randomBytes(20).toString('hex'),
        branchName: 'main',
        message: nextProse().slice(0, 120),
        filesChanged: fileChanges(),
        linesAdded: below(200),
        linesRemoved: below(90),
      },
    });
  }

  amend() {
    const { seq } = this.state.conversation;
    return this.#record({ type: 'AmendMessage', seq, content: { role: 'assistant', content: nextProse() } });
  }

  /** Back by some messages, if the conversation shows so many that were recorded here. */
  rewind(count) {
    const { seq, branches, branch } = this.state.conversation;
    if (seq - count < branches[branch].from) return [];
    return this.run({
      type: 'RewindConversation',
      keepUpTo: { taskId: this.id, seq: seq - count },
      keptMessages: null, // the task's own: it knows
      point: { kind: 'messageCount', value: String(count) },
      reason: 'another way',
    });
  }

  undo() {
    const { branches } = this.state.conversation;
    return branches.some((branch) => branch.undoable && !branch.passedOver)
      ? this.run({ type: 'UndoRewind' })
      : [];
  }

  /** The next few events of ordinary work: mostly messages and tool calls, now and then everything else. */
  work() {
    const dice = random();
    if (dice < 0.1) return this.message('user', { origin: 'human' });
    if (dice < 0.2) return this.message('assistant');
    if (dice < 0.68) return this.toolUse();
    if (dice < 0.86) return this.output();
    if (dice < 0.9) return this.status(['running', 'paused', 'completed', 'failed', 'interrupted'][below(5)]);
    if (dice < 0.93) return this.checkpoint();
    if (dice < 0.96) return this.files();
    if (dice < 0.975) return this.line();
    if (dice < 0.985) return this.state.conversation.seq > 0 ? this.amendLast() : [];
    if (dice < 0.995) return this.rewind(1 + below(8));
    return this.undo();
  }

  /** Only messages are amended here: a tool result would need its own form. */
  amendLast() {
    return [...this.message('assistant'), ...this.amend()];
  }
}

/** A contract with a supervisor and its tasks, at work until there are some events; yields { stream, events }. */
export function* contractHistory({ contracts, tasksEach, events: wanted }) {
  let count = 0;
  const all = [];
  for (let n = 0; n < contracts; n++) {
    const contract = new Contract(`Contract ${n + 1}`);
    const supervisor = new Task('Supervisor', { contractId: contract.id, isSupervisor: true });
    const options = { contractId: contract.id, parentTaskId: supervisor.id };
    const tasks = Array.from({ length: tasksEach - 1 }, (_, i) => new Task(`Task ${i + 1}`, options));
    all.push({ contract, supervisor, tasks: [supervisor, ...tasks] });
    for (const stream of [contract, supervisor, ...tasks]) {
      count += stream.created.length;
      yield { stream, events: stream.created };
    }
    const appointed = contract.run({ type: 'SetSupervisor', taskId: supervisor.id });
    count += appointed.length;
    yield { stream: contract, events: appointed };
  }
  const phaseEvery = Math.ceil(wanted / (contracts * PHASES.length));
  for (let steps = 0; count < wanted; steps++) {
    const { contract, supervisor, tasks } = all[below(all.length)];
    const task = tasks[below(tasks.length)];
    const batch = { stream: task, events: [] };
    while (batch.events.length < 20) batch.events.push(...task.work());
    if (count + batch.events.length > wanted) batch.events.length = wanted - count;
    count += batch.events.length;
    yield batch;
    if (count < wanted && steps % Math.ceil(phaseEvery / 20) === 0) {
      count += 1;
      yield { stream: contract, events: contract.nextPhase() };
    }
    if (count < wanted && steps % 200 === 0) {
      count += 1;
      yield { stream: supervisor, events: supervisor.waitFor(tasks.slice(1, 4).map(({ id }) => id)) };
    }
  }
}
