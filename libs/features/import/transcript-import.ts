import type { Transcript, TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import type { StreamStates } from '#libs/commands/stream-states.js';
import { isConnectionError } from '#libs/database/database.js';
import { LogOverloaded } from '#libs/event-store/event-store.js';
import { statusOf } from '#libs/http/problem-answer.js';
import { Problem } from '#libs/kernel/problem.js';
import type { ContractState } from '../contract/contract.decider.js';
import { contractStream, type ContractEvent } from '../contract/contract.events.js';
import { ImportStopped, originOf, type ImportRun } from './import-run.js';
import { countsLeft, linesReport, type SessionReport, type TranscriptReport } from './import.report.js';
import type { KnownTasks } from './known-tasks.js';
import { endOf } from './session-end.js';
import { startOf, type SessionImport, type TaskPlace } from './session-import.js';
import { ImportIds, keyOf } from './transcript-ids.js';

/** The contract that a transcript goes into, and the session that its sub-agents belong to. */
interface Home {
  readonly main: TranscriptSession;
  readonly ids: ImportIds;
  readonly contractId: string;
  readonly contractCreated: boolean;
}

/** Imports one transcript: its contract, its main session and its sub-agents. */
export class TranscriptImport {
  constructor(
    private readonly run: ImportRun,
    private readonly tasks: KnownTasks,
    private readonly sessions: SessionImport,
    private readonly contracts: StreamStates<ContractState, ContractEvent>,
    /** The contract to import into; undefined: one of the session's own. */
    private readonly contractId: string | undefined,
    private readonly onFault: (error: unknown) => void,
  ) {}

  /** Never throws because of what the transcript holds: what went wrong is in the report. */
  async import(files: readonly string[], transcript: Transcript): Promise<TranscriptReport> {
    const { agent } = transcript.sessions[0]!;
    const ids = this.#mainIds(transcript);
    const reports: SessionReport[] = [];
    const notes = new Map<string, number>();
    let home: Home | undefined;
    let problem: TranscriptReport['problem'];
    try {
      home = await this.#home(transcript, ids);
      await this.#importSessions(transcript, home, (report, found) => {
        reports.push(report);
        for (const [kind, times] of Object.entries(found)) notes.set(kind, (notes.get(kind) ?? 0) + times);
      });
    } catch (error) {
      problem = this.#problemOf(error);
    }
    const left = transcript.sessions.slice(reports.length);
    for (const session of left) reports.push(notImported(session, this.#idsOf(session, ids)));
    return {
      agent,
      files,
      contractId: home?.contractId ?? this.contractId ?? ids.contractId,
      contractCreated: home?.contractCreated ?? false,
      sessions: reports,
      lines: linesReport(transcript.report, left, Object.fromEntries(notes)),
      ...(problem && { problem }),
    };
  }

  async #importSessions(
    { sessions }: Transcript,
    { main, ids, contractId }: Home,
    done: (report: SessionReport, notes: Readonly<Record<string, number>>) => void,
  ): Promise<void> {
    const taskIds = new Map<string, string>([[main.sessionId, ids.taskId]]);
    const isOwn = contractId === ids.contractId;
    const top = { contractId, parentTaskId: null, isSupervisor: isOwn, mainForkedFrom: null };
    if (!sessions.includes(main)) await this.#openPlaceholder(main, ids, top);
    let mainForkedFrom: string | null = null;
    for (const session of sessions) {
      const own = session === main ? ids : this.#idsOf(session, ids);
      const parentTaskId = taskIds.get(session.parent?.sessionId ?? '') ?? ids.taskId;
      const place: TaskPlace =
        session === main ? top : { contractId, parentTaskId, isSupervisor: false, mainForkedFrom };
      const opened = async (): Promise<void> => {
        if (place.isSupervisor) await this.#setSupervisor(ids, startOf(main, this.run.context.now));
      };
      const { report, notes, forkedFrom } = await this.sessions.import(session, own, place, opened);
      taskIds.set(session.sessionId, own.taskId);
      if (session === main) mainForkedFrom = forkedFrom;
      done(report, notes);
    }
  }

  /** The main session's task, for sub-agents that were sent without it. */
  async #openPlaceholder(main: TranscriptSession, ids: ImportIds, place: TaskPlace): Promise<void> {
    const known = await this.tasks.load(ids.taskId);
    if (known.opening) return;
    await this.sessions.open(main, ids, place, null);
    if (place.isSupervisor) await this.#setSupervisor(ids, startOf(main, this.run.context.now));
  }

  #mainIds({ sessions }: Transcript): ImportIds {
    const main = mainOf(sessions);
    return new ImportIds(this.run.context.ownerId, keyOf(main, main.sessionId));
  }

  #idsOf(session: TranscriptSession, main: ImportIds): ImportIds {
    return new ImportIds(main.ownerId, keyOf(session, main.key.names[0]!));
  }

  async #home({ sessions }: Transcript, ids: ImportIds): Promise<Home> {
    const main = mainOf(sessions);
    const { opening } = await this.tasks.load(ids.taskId);
    if (!opening) return this.#newHome(main, ids);
    const contractId = opening.contractId ?? ids.contractId;
    if (this.contractId !== undefined && contractId !== this.contractId) {
      throw new Problem(
        'IMPORTED_ELSEWHERE',
        `Session ${main.sessionId} stands in another contract already. Import it without naming a contract to bring it up to date there.`,
      );
    }
    return { main, ids, contractId, contractCreated: false };
  }

  async #newHome(main: TranscriptSession, ids: ImportIds): Promise<Home> {
    if (this.contractId !== undefined)
      return { main, ids, contractId: this.contractId, contractCreated: false };
    const { contractId } = ids;
    const { version } = await this.contracts.refresh(contractStream(contractId));
    if (version > 0) return { main, ids, contractId, contractCreated: false };
    const command = {
      type: 'CreateContract',
      data: {
        contractId,
        name: lineOf(main.title) || main.sessionId,
        description: `Imported: session ${main.sessionId} of ${main.agent}.`,
        phase: 'execute',
        repository: main.cwd ?? null,
      },
    } as const;
    const origin = originOf(ids.other('contract'), startOf(main, this.run.context.now), command);
    const contractCreated =
      this.run.dryRun ||
      (await this.run.unlessThere('CONTRACT_EXISTS', this.run.contract(contractId, command, origin)));
    return { main, ids, contractId, contractCreated };
  }

  /** Also when the task was there before: an earlier import may have been cut off in between. */
  async #setSupervisor(ids: ImportIds, occurredAt: string): Promise<void> {
    if (this.run.dryRun) return;
    const { state } = await this.contracts.load(contractStream(ids.contractId));
    if (state.kind !== 'open' || state.supervisorTaskId !== null) return;
    const command = { type: 'SetSupervisor', taskId: ids.taskId } as const;
    await this.run.contract(ids.contractId, command, originOf(ids.other('supervisor'), occurredAt, command));
  }

  #problemOf(error: unknown): { readonly code: string; readonly detail: string } {
    const concernsAll =
      error instanceof ImportStopped || error instanceof LogOverloaded || isConnectionError(error);
    if (concernsAll) throw error;
    if (error instanceof Problem && statusOf(error.code) < 500)
      return { code: error.code, detail: error.detail };
    this.onFault(error);
    return {
      code: 'INTERNAL',
      detail: 'Something failed on our side. What was recorded stays; importing again goes on from there.',
    };
  }
}

/** The main session; where only its sub-agents are there, one without entries in its place. */
function mainOf(sessions: readonly TranscriptSession[]): TranscriptSession {
  const [first] = sessions;
  const main = sessions.find(({ parent }) => !parent);
  if (main || !first?.parent) return (main ?? first)!;
  const ids = new Set(sessions.map(({ sessionId }) => sessionId));
  const sessionId = sessions.find(({ parent }) => parent && !ids.has(parent.sessionId))?.parent?.sessionId;
  const starts = sessions.flatMap(({ startedAt }) => startedAt ?? []).sort();
  return {
    agent: first.agent,
    sessionId: sessionId ?? first.parent.sessionId,
    title: sessionId ?? first.parent.sessionId,
    ...(starts[0] !== undefined && { startedAt: starts[0] }),
    ...(first.cwd !== undefined && { cwd: first.cwd }),
    entries: [],
    importedLines: 0,
  };
}

/** A title without what would move a cursor or turn the direction of text: a contract's name is one clean line. */
const lineOf = (title: string): string =>
  title.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '').trim();

const notImported = (session: TranscriptSession, { taskId }: ImportIds): SessionReport => ({
  sessionId: session.sessionId,
  ...(session.parent && { parentSessionId: session.parent.sessionId }),
  title: session.title,
  taskId,
  outcome: 'not_imported',
  status: endOf(session),
  ...countsLeft(session),
});
