/** A task's stream for the specs of this folder. Imported by specs only. */
import type { TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import { isRefusal } from '#libs/kernel/decider.js';
import type { Recorded } from '#libs/kernel/event.js';
import { hashOf } from '../task/activity.process.js';
import { taskDecider, type TaskCommand } from '../task/task.decider.js';
import type { TaskEvent } from '../task/task.events.js';
import { KnownTask } from './known-task.js';
import { SessionPlan, type PlannedHappening } from './session-plan.js';
import { ImportIds } from './transcript-ids.js';

export const ids = new ImportIds('owner', { agent: 'claude-code', names: ['s'] });

const CREATED: TaskEvent = {
  type: 'TaskCreated',
  data: {
    taskId: ids.taskId,
    contractId: null,
    parentTaskId: null,
    name: 'A session',
    plan: '',
    isSupervisor: false,
    continueFromTaskId: null,
    checkpointSha: null,
    copyFiles: [],
    source: { agent: 'claude-code', sessionId: 's' },
  },
};

/** A task's stream in memory, decided by the real rules. */
export class Stream {
  readonly events: Recorded<TaskEvent>[] = [];

  constructor() {
    this.#add(CREATED, ids.other('opening'), '2026-01-05T10:00:00.000Z');
  }

  import(session: TranscriptSession) {
    const known = this.known();
    const plan = new SessionPlan(session, known, ids, null);
    const happenings: PlannedHappening[] = [];
    for (let next = plan.next(); next; next = plan.next()) happenings.push(...next);
    this.#decide(
      happenings.map(({ activity }) => activity),
      (index) => happenings[index]!,
    );
    expect(this.known().entries).toEqual(known.entries);
    return { happenings, counts: plan.counts, notes: plan.notes };
  }

  known(): KnownTask {
    const known = new KnownTask(ids.taskId);
    for (const event of this.events) known.apply(event);
    return known;
  }

  state() {
    return this.events.reduce((state, { event }) => taskDecider.evolve(state, event), taskDecider.initial);
  }

  #decide(
    activities: Extract<TaskCommand, { type: 'RecordActivity' }>['activities'],
    originOf: (index: number) => { readonly id: string; readonly occurredAt: string },
  ): void {
    const command = { type: 'RecordActivity', activities } as const;
    const decision = taskDecider.decide(command, this.state());
    if (isRefusal(decision)) throw new Error(`${decision.code}: ${decision.detail}`);
    decision.forEach((event, index) => {
      const { id, occurredAt } = originOf(index);
      this.#add(event, id, occurredAt, hashOf(activities[index]!));
    });
  }

  #add(event: TaskEvent, id: string, occurredAt: string, inputHash = ''): void {
    if (this.events.some((other) => other.id === id))
      throw new Error(`${event.type}: the id is there already`);
    const version = this.events.length + 1;
    this.events.push({
      event,
      id,
      stream: `task-${ids.taskId}`,
      version,
      position: BigInt(version),
      recordedAt: new Date(0),
      metadata: { actor: { kind: 'user', id: 'u' }, ownerId: 'owner', occurredAt, inputHash },
    });
  }
}
