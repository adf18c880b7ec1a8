import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { items } from './activity.js';
import { expectOk, request } from './api.js';
import type { Chance } from './chance.js';
import type { Step } from './code-faults.js';
import { blobId, filesOf, gitOn } from './code-folder.js';
import { CodeHistory, eventsOf } from './code-history.js';
import type { CodeWorld, DaemonSeat } from './code-world.js';
import { Ledger } from './ledger.js';
import type { Acknowledged } from './load.js';

const AGENT = fileURLToPath(new URL('./scripted-agent.mjs', import.meta.url));

/** A task that the story is about. */
export interface Subject {
  readonly taskId: string;
  readonly contractId: string | null;
  readonly source: Subject | null;
}

/** People who ask for things; what they are told is remembered. */
export class CodeStory {
  readonly ledger: Ledger;
  readonly subjects: Subject[] = [];
  /** By event id, what was acknowledged of messages. */
  readonly acknowledged = new Map<string, Acknowledged>();
  /** Rewinds that somebody was told of, and how they were said to be. */
  readonly told = new Map<string, string>();
  /** Answers that nobody expects. */
  readonly strange: string[] = [];
  #contractId: string | undefined;

  constructor(
    private readonly world: CodeWorld,
    private readonly chance: Chance,
  ) {
    this.ledger = new Ledger(world.homes.path('ledger'));
  }

  get subject(): Subject {
    const subject = this.subjects.at(-1);
    if (!subject) throw new Error('there is no task yet');
    return subject;
  }

  async history({ taskId, source }: Subject = this.subject): Promise<CodeHistory> {
    const before = source ? await this.history(source) : null;
    return new CodeHistory(taskId, await eventsOf(this.world.databaseUrl, taskId), before);
  }

  /** The present task's events, shortened, for whoever looks for the cause of something. */
  async log(): Promise<readonly string[]> {
    const events = await eventsOf(this.world.databaseUrl, this.subject.taskId);
    return events.map(({ type, data }) => `${type} ${JSON.stringify(data).slice(0, 200)}`);
  }

  /** The daemon that has the folder. */
  async seat(): Promise<DaemonSeat> {
    const { folderAt } = await this.history();
    return this.world.seats.find(({ id }) => id === folderAt) ?? this.chance.pick(this.world.seats);
  }

  /** A new task, with a repository or without one. */
  async begin(withRepository: boolean): Promise<void> {
    const contractId = withRepository ? await this.#contract() : null;
    const body = { name: 'a task', plan: 'change files', ...(contractId ? { contractId } : {}) };
    const { id, taskId = id } = await expectOk(this.world.door, 'POST', '/api/v1/mesh/tasks', body);
    this.subjects.push({ taskId: String(taskId), contractId, source: null });
  }

  /** Somebody says something in the task, and tries until it is acknowledged. */
  async say(): Promise<void> {
    const { taskId } = this.subject;
    const batch = [...items(this.chance), ...items(this.chance)].map(({ id }) => ({
      ...{ id, kind: 'message', role: 'user', content: `said ${id}` },
    }));
    const { position } = await expectOk(this.world.door, 'POST', path(taskId, 'activity'), { items: batch });
    for (const { id } of batch)
      this.acknowledged.set(id, { stream: `task-${taskId}`, position: BigInt(position as string) });
  }

  /** Does a step; nobody answers for what a fault makes of it. */
  async take(step: Step, seat: DaemonSeat): Promise<void> {
    switch (step) {
      case 'run':
        return this.start(seat);
      case 'move':
        return this.start(seat, this.chance.pick(['start', 'continue']));
      case 'checkpoint':
        return this.checkpoint(seat);
      case 'rewind':
        return this.rewind();
      case 'rewind at work':
        await this.start(seat, 'start', 60);
        await this.#leased();
        return this.rewind();
      case 'undo':
        return this.undo();
      case 'fork':
        await this.fork();
        return this.start(seat);
    }
  }

  /** @param pauseMs between two changes. */
  async start(
    seat: DaemonSeat,
    way: 'start' | 'continue' = 'start',
    pauseMs = this.chance.pick([0, 0, 15]),
  ): Promise<void> {
    const seed = this.chance.whole(1, 1e9);
    const command = [process.execPath, AGENT, this.ledger.path, seed, this.chance.whole(3, 15), pauseMs].map(
      String,
    );
    const body = way === 'start' ? { runner: { name: 'command', command } } : { resumeMode: 'with_context' };
    await this.#ask(way, { ...body, targetDaemonId: seat.id });
  }

  /** Somebody changes a file by hand, and asks for a checkpoint. */
  async checkpoint(seat: DaemonSeat): Promise<void> {
    const folder = seat.place(this.subject.taskId, 'folder');
    if (existsSync(folder)) this.#write(join(folder, `by hand ${this.chance.whole(1, 4)}`));
    await this.#ask('checkpoint-requests', { message: 'by hand' });
  }

  #write(file: string): void {
    const content = Buffer.from(`by hand ${this.chance.whole(1, 1e9)}\n`);
    this.ledger.written.add(blobId(content));
    writeFileSync(file, content);
  }

  async rewind(): Promise<void> {
    const { chance } = this;
    const { checkpoints, code, shown } = await this.history();
    const others = [...checkpoints.values()].filter(({ commitSha }) => commitSha !== code?.commitSha);
    const scope = shown.length > 1 ? chance.pick(['code', 'code', 'both', 'both', 'conversation']) : 'code';
    const mode = chance.pick(['discard', 'create_branch', 'stash']);
    const branchName =
      mode === 'create_branch' && chance.next() < 0.5 ? { branchName: `kept-${randomUUID()}` } : {};
    const backBy = { byMessageCount: chance.whole(1, Math.max(1, shown.length - 1)) };
    const number = others.length > 0 ? chance.pick(others).number : 1;
    const revert = scope === 'code' && chance.next() < 0.2;
    const point =
      scope === 'conversation' ? backBy : revert ? { withoutCheckpoint: number } : { toCheckpoint: number };
    await this.#rewound('rewind', { ...point, scope, preserveMode: mode, ...branchName, reason: 'to see' });
  }

  /** Takes the last rewind back, or goes back if there is none. */
  async undo(): Promise<void> {
    const { rewinds } = await this.history();
    const isThere = [...rewinds.values()].some(({ phase }) => phase === 'completed' || phase === 'deferred');
    return isThere ? this.#rewound('rewind/undo', {}) : this.rewind();
  }

  async fork(): Promise<void> {
    const { checkpoints } = await this.history();
    const from = this.chance.pick([...checkpoints.values()]);
    const name = `fork-${this.subjects.length}`;
    const body = {
      forkFrom: { type: 'checkpoint', value: from.checkpointId },
      newTask: { name, plan: 'go on' },
      ...(this.chance.next() < 0.5 ? { branchOptions: { createBranch: true, branchName: name } } : {}),
    };
    const answer = await this.#ask('fork', body);
    const taskId = answer?.['newTaskId'];
    if (typeof taskId === 'string')
      this.subjects.push({ taskId, contractId: this.subject.contractId, source: this.subject });
  }

  async #leased(): Promise<void> {
    for (const end = Date.now() + 3_000; Date.now() < end;) {
      const history = await this.history().catch(() => null);
      if (!history || history.isLeased) return;
    }
  }

  async #rewound(way: 'rewind' | 'rewind/undo', body: object): Promise<void> {
    const answer = await this.#ask(way, body);
    if (answer) this.told.set(String(answer['rewindId']), String(answer['phase']));
  }

  /** Null: no answer, or it was refused for a reason that a fault explains, or chance. */
  async #ask(what: string, body: object): Promise<Record<string, unknown> | null> {
    const answer = await request(this.world.door, 'POST', path(this.subject.taskId, what), body).catch(
      () => null,
    );
    if (!answer) return null;
    if (answer.status < 300) return answer.body;
    const code = String(answer.body['code']);
    this.refused.set(`${what} ${code}`, (this.refused.get(`${what} ${code}`) ?? 0) + 1);
    if (answer.status !== 409 && answer.status !== 503)
      this.strange.push(`${what}: ${JSON.stringify(answer.body)}`);
    return null;
  }

  /** How often something was refused, and with which code. */
  readonly refused = new Map<string, number>();

  /** A contract over a small repository; made once. */
  async #contract(): Promise<string> {
    if (this.#contractId) return this.#contractId;
    const repository = this.world.homes.path('repository');
    mkdirSync(join(repository, 'src'), { recursive: true });
    for (const name of ['README.md', 'src/main.ts', 'notes.txt'])
      writeFileSync(join(repository, name), `${name} as it was\n`.repeat(20));
    const gitDir = join(repository, '.git');
    const run = (...args: readonly string[]) =>
      gitOn(gitDir, [
        '-c',
        'user.name=a',
        '-c',
        'user.email=a@example.org',
        `--work-tree=${repository}`,
        ...args,
      ]);
    run('init', '-q', '-b', 'main');
    run('add', '-A');
    run('commit', '-q', '-m', 'begin');
    for (const file of filesOf(gitDir, 'HEAD').values()) this.ledger.written.add(file.split(' ')[1] ?? '');
    const body = { name: 'work', repository };
    this.#contractId = String((await expectOk(this.world.door, 'POST', '/api/v1/contracts', body))['id']);
    return this.#contractId;
  }
}

export const path = (taskId: string, rest: string): string => `/api/v1/mesh/tasks/${taskId}/${rest}`;
