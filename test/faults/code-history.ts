import pg from 'pg';

/** An event of a task, as the log holds it. */
export interface Logged {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A checkpoint, as the log tells of it. */
export interface LoggedCheckpoint {
  readonly taskId: string;
  readonly checkpointId: string;
  readonly number: number;
  readonly commitSha: string;
  isSafe: boolean;
}

interface Point {
  readonly checkpointId: string;
  readonly commitSha: string;
}

interface Rewind {
  readonly rewindId: string;
  readonly scope: string;
  readonly mode: string;
  readonly branchName: string | null;
  phase: 'requested' | 'committed' | 'deferred' | 'completed' | 'aborted' | 'failed';
  before: Point | null;
  target: Point | null;
  branch: number | null;
  reason: string | null;
  /** The daemon that kept what was there, and later brought the folder to the target; null: another one, or none. */
  daemonId: string | null;
}

interface Place {
  readonly taskId: string;
  readonly seq: number;
}

const named = (place: Place | null): string | null => place && `${place.taskId}/${place.seq}`;

/**
 * What the events of a task come to, told a second time and in another way than makima does: where its code is, which
 * messages it shows, which rewinds are not over. What contradicts itself is in `findings`.
 */
export class CodeHistory {
  readonly findings: string[] = [];
  readonly checkpoints = new Map<string, LoggedCheckpoint>();
  readonly rewinds = new Map<string, Rewind>();
  /** What the agent printed. */
  readonly output: string[] = [];
  /** Epochs of runs that ended by themselves. */
  readonly completed: number[] = [];
  /** Where the code is; null: nowhere yet. */
  code: Point | null = null;
  /** The daemon that has the folder. */
  folderAt: string | null = null;
  /** The daemon whose folder was brought to where the code is: not yet that of a lease which ended before it began. */
  codeAt: string | null = null;
  /** Of the last lease; 0: none yet. */
  lastEpoch = 0;
  /** The folder may hold what no checkpoint does: its agent's work was cut off. */
  isDirty = false;
  #lease: { readonly epoch: number; readonly daemonId: string } | null = null;
  /** Of each message the one before it. */
  readonly #before = new Map<string, string | null>();
  #tip: string | null = null;
  #branch = 0;
  /** What was shown last on each branch. */
  readonly #tips = new Map<number, string | null>();

  /** @param source of a fork: its history up to now. */
  constructor(
    readonly taskId: string,
    events: readonly Logged[],
    private readonly source: CodeHistory | null = null,
  ) {
    for (const [index, event] of events.entries()) this.#take(event, events[index + 1]);
  }

  /** The messages that are shown, first to last, as `task/seq`. */
  get shown(): readonly string[] {
    return this.#wayTo(this.#tip);
  }

  get isLeased(): boolean {
    return this.#lease !== null;
  }

  /** Rewinds that are neither over nor left to the next lease. */
  get open(): readonly string[] {
    return [...this.rewinds.values()]
      .filter(({ phase }) => phase === 'requested' || phase === 'committed')
      .map(({ rewindId, phase }) => `rewind ${rewindId} of ${this.taskId} is ${phase}`);
  }

  /** Whether the folder is brought to where the code is by the next lease only. */
  get isDeferred(): boolean {
    return [...this.rewinds.values()].some(({ phase }) => phase === 'deferred');
  }

  #wayTo(tip: string | null): readonly string[] {
    const way: string[] = [];
    for (let at = tip; at !== null; at = this.messageBefore(at)) way.push(at);
    return way.toReversed();
  }

  /** The message before another one; null: it was the first. */
  messageBefore(message: string): string | null {
    return this.#before.get(message) ?? this.source?.messageBefore(message) ?? null;
  }

  #take({ type, data }: Logged, next: Logged | undefined): void {
    switch (type) {
      case 'TaskForked':
        this.#tip = named(data['after'] as Place | null);
        this.code = this.source?.checkpointAt(data['point'] as { checkpointId: string | null }) ?? null;
        return;
      case 'MessageRecorded':
      case 'ToolResultRecorded':
        return this.#record(named({ taskId: this.taskId, seq: data['seq'] as number })!);
      case 'ConversationRewound':
      case 'ConversationRewindUndone':
        return this.#branchOff(type, data);
      case 'TaskOutputRecorded':
        this.output.push(...String(data['text']).trimEnd().split('\n'));
        return;
      case 'CheckpointRecorded':
        return this.#checkpoint(data);
      case 'CheckpointSecured':
        this.checkpoints.get(String(data['checkpointId']))!.isSafe = true;
        return;
      case 'CheckpointRequestAnswered':
        this.isDirty = false;
        return;
      case 'TaskStatusChanged':
        // What the daemon says of a run's end, and the end of its lease, are one append.
        if (data['newStatus'] === 'completed' && next?.type === 'TaskLeaseEnded')
          this.completed.push(next.data['epoch'] as number);
        if (data['newStatus'] === 'running') this.codeAt = this.#lease?.daemonId ?? this.codeAt;
        if (/cannot be prepared/.test(String(data['reason']))) this.#say(String(data['reason']));
        return;
      default:
        if (type.startsWith('TaskLease')) this.#leaseMoves(type, data);
        if (/^Rewind(Requested|Prepared|Committed|Completed|Aborted|Failed)$/.test(type))
          this.#rewindMoves(type, data, next);
    }
  }

  checkpointAt({ checkpointId }: { readonly checkpointId: string | null }): LoggedCheckpoint | null {
    if (checkpointId === null) return null;
    return this.checkpoints.get(checkpointId) ?? this.source?.checkpointAt({ checkpointId }) ?? null;
  }

  #record(message: string): void {
    if (this.#before.has(message)) this.#say(`message ${message} stands twice`);
    this.#before.set(message, this.#tip);
    this.#tip = message;
  }

  /** An undo must show again what was shown when the rewind came. */
  #branchOff(type: string, data: Logged['data']): void {
    this.#tips.set(this.#branch, this.#tip);
    const undone = data['undoneBranch'] as number | undefined;
    this.#branch = data['branch'] as number;
    this.#tip = named(data['after'] as Place | null);
    if (type === 'ConversationRewound') return void this.#parents.set(this.#branch, this.#previous(data));
    const expected = this.#tips.get(this.#parents.get(undone!) ?? -1);
    if (expected !== undefined && expected !== this.#tip)
      this.#say(`undoing branch ${undone} shows ${this.#tip}, and ${expected} was shown before it`);
    this.#parents.set(this.#branch, this.#previous(data));
  }

  readonly #parents = new Map<number, number>();
  readonly #previous = (data: Logged['data']): number => data['previousBranch'] as number;

  #checkpoint(data: Logged['data']): void {
    const checkpointId = String(data['checkpointId']);
    if (this.checkpoints.has(checkpointId)) this.#say(`checkpoint ${checkpointId} stands twice`);
    const commitSha = String(data['commitSha']);
    const number = data['number'] as number;
    const checkpoint = { taskId: this.taskId, checkpointId, number, commitSha, isSafe: false };
    this.checkpoints.set(checkpointId, checkpoint);
    if (data['isAside']) return;
    [this.code, this.codeAt] = [checkpoint, this.folderAt];
    this.isDirty = false;
  }

  #leaseMoves(type: string, data: Logged['data']): void {
    const epoch = data['epoch'] as number;
    const daemonId = String(data['daemonId']);
    if (type === 'TaskLeased') {
      if (this.#lease) this.#say(`lease ${epoch} began while ${this.#lease.epoch} was held`);
      if (this.folderAt !== daemonId) this.isDirty = false;
      [this.folderAt, this.lastEpoch] = [daemonId, epoch];
      this.#lease = { epoch, daemonId };
      return;
    }
    if (this.#lease?.epoch !== epoch) this.#say(`lease ${epoch} ended, and was not held`);
    this.#lease = null;
    if (data['end'] !== 'released') this.isDirty = true;
  }

  #rewindMoves(type: string, data: Logged['data'], next: Logged | undefined): void {
    const rewindId = String(data['rewindId']);
    if (type === 'RewindRequested') return this.#requested(rewindId, data);
    const rewind = this.rewinds.get(rewindId);
    if (!rewind) return this.#say(`${type} of rewind ${rewindId}, which nobody asked for`);
    switch (type) {
      case 'RewindPrepared':
        rewind.before = data['before'] as Point | null;
        rewind.daemonId = data['daemonId'] as string | null;
        return;
      case 'RewindCommitted':
        return this.#committed(rewind, data, next);
      case 'RewindCompleted':
        rewind.phase = 'completed';
        this.codeAt = String(data['daemonId']);
        if (rewind.daemonId !== data['daemonId']) rewind.daemonId = null;
        return;
      case 'RewindAborted':
        if (rewind.phase !== 'requested') this.#say(`rewind ${rewindId} was aborted when ${rewind.phase}`);
        [rewind.phase, rewind.reason] = ['aborted', String(data['reason'])];
        return;
      case 'RewindFailed':
        [rewind.phase, rewind.reason] = ['failed', String(data['reason'])];
        this.code = rewind.before ?? this.code;
        if (rewind.branch !== null) this.#mustFollow(rewind, next, 'ConversationRewindUndone');
    }
  }

  #requested(rewindId: string, data: Logged['data']): void {
    if (this.rewinds.has(rewindId)) this.#say(`rewind ${rewindId} was requested twice`);
    if (this.open.length > 0) this.#say(`rewind ${rewindId} began while another was under way`);
    const { mode, branchName } = data['preserve'] as { mode: string; branchName: string | null };
    this.rewinds.set(rewindId, {
      ...{ rewindId, scope: String(data['scope']), mode, branchName, phase: 'requested' },
      ...{ before: null, target: null, branch: null, reason: null, daemonId: null },
    });
  }

  /** Code and conversation move in one append: one cannot be without the other. */
  #committed(rewind: Rewind, data: Logged['data'], next: Logged | undefined): void {
    if (rewind.phase !== 'requested') this.#say(`rewind ${rewind.rewindId} was committed twice`);
    rewind.target = data['target'] as Point | null;
    rewind.branch = data['branch'] as number | null;
    if (rewind.target)
      for (const one of this.rewinds.values()) if (one.phase === 'deferred') one.phase = 'completed';
    rewind.phase = data['isDeferred'] ? 'deferred' : rewind.target ? 'committed' : 'completed';
    if (rewind.target) this.code = rewind.target;
    if (rewind.branch !== null) this.#mustFollow(rewind, next, 'Conversation');
    if (rewind.scope !== 'conversation' && !rewind.target)
      this.#say(`rewind ${rewind.rewindId} has no target`);
  }

  #mustFollow({ rewindId }: Rewind, next: Logged | undefined, type: string): void {
    if (!next?.type.startsWith(type)) this.#say(`rewind ${rewindId} moved the code and not the conversation`);
  }

  #say(finding: string): void {
    this.findings.push(`${this.taskId}: ${finding}`);
  }
}

/** Reads tasks' events with SQL of our own, so that no reader of makima's can hide anything. */
export async function eventsOf(databaseUrl: string, taskId: string): Promise<readonly Logged[]> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'code-history' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ type: string; body: Buffer }>(
      `SELECT e.type, e.body FROM events e JOIN streams s ON s.id = e.stream_id WHERE s.name = $1 ORDER BY e.version`,
      [`task-${taskId}`],
    );
    return rows.map(({ type, body }) => ({ type, data: JSON.parse(body.toString()) as Logged['data'] }));
  } finally {
    await client.end();
  }
}
