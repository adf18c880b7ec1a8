import type { TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import type { TaskEvent, TaskSource } from '../task/task.events.js';
import type { ForkSources } from './fork-sources.js';
import { originOf, type ImportRun } from './import-run.js';
import type { SessionReport } from './import.report.js';
import type { KnownTask } from './known-task.js';
import type { KnownTasks } from './known-tasks.js';
import { endOf } from './session-end.js';
import type { SessionPlan } from './session-plan.js';
import type { SessionRecorder } from './session-recorder.js';
import { callsLeftOpen, partBefore, type SharedPart } from './shared-part.js';
import { ImportIds, keyOf } from './transcript-ids.js';

type Data<Type extends TaskEvent['type']> = Extract<TaskEvent, { type: Type }>['data'];
type Opening =
  | { readonly type: 'CreateTask'; readonly data: Data<'TaskCreated'> }
  | { readonly type: 'ForkTask'; readonly data: Data<'TaskForked'> };

/** Where a session's task belongs. */
export interface TaskPlace {
  readonly contractId: string;
  readonly parentTaskId: string | null;
  readonly isSupervisor: boolean;
  /** For a sub-agent: the session that its main session was forked from. */
  readonly mainForkedFrom: string | null;
}

export interface SessionOutcome {
  readonly report: SessionReport;
  readonly notes: Readonly<Record<string, number>>;
  /** The session whose task this one is a fork of. */
  readonly forkedFrom: string | null;
}

const PLAN_LENGTH = 2_000;

/** Makes a session a task, or brings its task up to date. */
export class SessionImport {
  constructor(
    private readonly run: ImportRun,
    private readonly tasks: KnownTasks,
    private readonly sources: ForkSources,
    private readonly recorder: SessionRecorder,
  ) {}

  /** @param opened is called when the session has its task, before anything is recorded in it. */
  async import(
    session: TranscriptSession,
    ids: ImportIds,
    place: TaskPlace,
    opened: () => Promise<void> = async () => undefined,
  ): Promise<SessionOutcome> {
    const before = await this.tasks.load(ids.taskId);
    const shared = before.opening
      ? await this.#partBefore(session, before, place)
      : await this.#sharedPart(session, ids, place);
    const isNew = before.opening === null && (await this.open(session, ids, place, shared));
    const known = before.opening ? before : await this.tasks.load(ids.taskId);
    await opened();
    const plan = await this.recorder.record(session, ids, shared, known);
    this.sources.add(session, ids.taskId);
    const source = shared && (await this.tasks.load(shared.source.taskId)).source;
    return {
      report: reportOf(session, ids, plan, { isNew, shared, source }),
      notes: plan.notes,
      forkedFrom: source?.sessionId ?? null,
    };
  }

  /**
   * Opens a session's task, as a fork of the one that it shares its beginning with.
   * @returns false if another import of the same session was faster.
   */
  async open(
    session: TranscriptSession,
    ids: ImportIds,
    place: TaskPlace,
    shared: SharedPart | null,
  ): Promise<boolean> {
    const command = openingOf(session, ids, place, shared);
    if (this.run.dryRun) {
      const known = await this.tasks.load(ids.taskId);
      known.open(command.data);
      this.tasks.plan(known);
      return true;
    }
    const origin = originOf(ids.other('opening'), startOf(session, this.run.context.now), command);
    return this.run.unlessThere('TASK_EXISTS', this.run.task(ids.taskId, command, [origin]));
  }

  async #sharedPart(
    session: TranscriptSession,
    ids: ImportIds,
    place: TaskPlace,
  ): Promise<SharedPart | null> {
    if (!session.parent) return this.sources.find(session, ids);
    if (place.mainForkedFrom === null) return null;
    const sourceIds = new ImportIds(ids.ownerId, keyOf(session, place.mainForkedFrom));
    return sourceIds.taskId === ids.taskId ? null : this.sources.findAgent(session, sourceIds);
  }

  async #partBefore(
    session: TranscriptSession,
    known: KnownTask,
    place: TaskPlace,
  ): Promise<SharedPart | null> {
    if (known.forkedFromTaskId === null) return null;
    const key = session.parent && place.mainForkedFrom !== null ? keyOf(session, place.mainForkedFrom) : null;
    const source = await this.sources.of(known.forkedFromTaskId, key);
    return partBefore(session, source, known.inherited?.place ?? null);
  }
}

/** When a session began; where none of its lines has a time, now. */
export const startOf = ({ startedAt, entries }: TranscriptSession, now: Date): string =>
  startedAt ?? entries[0]?.occurredAt ?? now.toISOString();

function openingOf(
  session: TranscriptSession,
  { taskId }: ImportIds,
  { contractId, parentTaskId, isSupervisor }: TaskPlace,
  shared: SharedPart | null,
): Opening {
  const opened = {
    taskId,
    contractId,
    parentTaskId,
    name: session.title,
    plan: promptOf(session),
    source: sourceOf(session),
  };
  if (!shared) {
    const rest = { continueFromTaskId: null, checkpointSha: null, copyFiles: [] };
    return { type: 'CreateTask', data: { ...opened, isSupervisor, ...rest } };
  }
  const { source, lastEntry } = shared;
  const openCalls = callsLeftOpen(session, shared);
  const point = {
    type: 'message_id',
    value: lastEntry.eventId,
    inclusive: true,
    checkpointId: null,
    timestamp: lastEntry.occurredAt,
  } as const;
  return {
    type: 'ForkTask',
    data: {
      ...opened,
      sourceTaskId: source.taskId,
      sourceVersion: source.version,
      point,
      after: lastEntry.place,
      keptMessages: lastEntry.count,
      ...(openCalls.length > 0 && { openCalls }),
      conversationIncluded: true,
      checkpointSha: null,
      checkpointNumber: source.checkpointNumber,
      branchName: null,
    },
  };
}

/** What the agent was asked to do first. */
function promptOf({ entries, parent }: TranscriptSession): string {
  const asked = entries.find(
    (entry) =>
      entry.kind === 'message' && entry.role === 'user' && (entry.origin === 'human' || parent !== undefined),
  );
  return asked?.kind === 'message' ? asked.content.slice(0, PLAN_LENGTH) : '';
}

const sourceOf = (session: TranscriptSession): TaskSource => ({
  agent: session.agent,
  sessionId: session.sessionId,
  ...(session.cwd !== undefined && { cwd: session.cwd }),
  ...(session.gitBranch !== undefined && { gitBranch: session.gitBranch }),
  ...(session.agentVersion !== undefined && { agentVersion: session.agentVersion }),
  ...(session.forkedFrom?.sessionId !== undefined && { forkedFromSessionId: session.forkedFrom.sessionId }),
});

function reportOf(
  session: TranscriptSession,
  { taskId }: ImportIds,
  { changes, counts }: SessionPlan,
  { isNew, shared, source }: { isNew: boolean; shared: SharedPart | null; source: TaskSource | null },
): SessionReport {
  const from = source?.sessionId ?? session.forkedFrom?.sessionId;
  const messages = counts.messages.inherited + counts.toolResults.inherited;
  return {
    sessionId: session.sessionId,
    ...(session.parent && { parentSessionId: session.parent.sessionId }),
    title: session.title,
    taskId,
    outcome: isNew ? 'created' : changes ? 'updated' : 'unchanged',
    status: endOf(session),
    ...((shared || from !== undefined) && {
      forkedFrom: {
        ...(from !== undefined && { sessionId: from }),
        ...(shared && { taskId: shared.source.taskId }),
        messages,
      },
    }),
    ...counts,
  };
}
