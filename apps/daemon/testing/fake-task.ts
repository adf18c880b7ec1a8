import { randomUUID } from 'node:crypto';
import type {
  ActivityItem,
  CheckpointRecord,
  CheckpointRequest,
  CodePoint,
  Lease,
  Order,
  RewindOrder,
} from '../protocol.js';

type CheckpointItem = ActivityItem & { readonly checkpoint: CheckpointRecord };

/** What a lease says besides of what the server of specs knows itself. */
export type Asked = Partial<Lease> & Pick<Lease, 'runner'>;

/** A task as the server of specs knows it. */
export class FakeTask {
  readonly id = randomUUID();
  isWanted = true;
  epoch = 0;
  holder: string | null = null;
  folderAt: string | null = null;
  readonly items: ActivityItem[] = [];
  /** Items that came again, and those of a lease that had ended. */
  repeated = 0;
  stale = 0;
  /** Checkpoints whose code is in the hub. */
  readonly packs = new Set<string>();
  readonly ends: { readonly epoch: number; readonly status: string; readonly reason?: string }[] = [];
  order: RewindOrder | null = null;
  /** What became of rewinds: `prepared`, `completed <tree>`, `failed <reason>`. */
  readonly rewinds: string[] = [];
  /** Checkpoints of what was there before rewinds. */
  readonly befores: string[] = [];
  request: CheckpointRequest | null = null;
  readonly answers: string[] = [];

  constructor(
    readonly asked: Asked,
    /** What the next lease says of the code. */
    public code: Partial<Lease['code']>,
  ) {}

  isHeldUnder(epoch: number, daemonId = this.holder): boolean {
    return this.holder !== null && this.holder === daemonId && this.epoch === epoch;
  }

  get checkpoints(): readonly CheckpointItem[] {
    return this.items.filter((item): item is CheckpointItem => item.kind === 'checkpoint');
  }

  get outputs(): readonly string[] {
    return this.items.flatMap((item) => (item.kind === 'output' ? [item.content] : []));
  }

  /** Where a recorded checkpoint is. */
  point(checkpointId: string): CodePoint | undefined {
    const found = this.checkpoints.find(({ id }) => id === checkpointId)?.checkpoint;
    if (!found) return undefined;
    const { commitSha, headSha = null, branchName = null } = found;
    return { taskId: this.id, checkpointId, commitSha, headSha, branchName };
  }

  orderFor(daemonId: string): Order | null {
    if (this.folderAt !== daemonId || (!this.order && !this.request)) return null;
    return {
      taskId: this.id,
      epoch: this.holder === null ? null : this.epoch,
      ...(this.order ? { rewind: this.order } : {}),
      ...(this.request ? { checkpoint: this.request } : {}),
    };
  }

  lease(daemonId: string): Lease {
    Object.assign(this, { holder: daemonId, folderAt: daemonId, isWanted: false, epoch: this.epoch + 1 });
    return {
      taskId: this.id,
      epoch: this.epoch,
      runId: randomUUID(),
      name: 'a task',
      plan: '',
      contractId: null,
      repository: null,
      prompt: 'Do it.',
      conversation: [],
      ...this.asked,
      code: {
        checkpoint: null,
        restore: false,
        rewindId: null,
        branchName: null,
        copyFiles: null,
        ...this.code,
      },
    };
  }

  /** Asks for a rewind, as a user does. */
  rewind(target: CodePoint | null, more: Partial<RewindOrder> = {}): string {
    const rewindId = randomUUID();
    const preserve = { mode: 'discard', branchName: null } as const;
    this.order = {
      rewindId,
      phase: 'requested',
      kind: 'checkpoint',
      target,
      preserve,
      before: null,
      ...more,
    };
    return rewindId;
  }
}
