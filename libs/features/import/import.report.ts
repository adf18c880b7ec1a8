import type { LineReport } from '#libs/agents/transcripts/transcript.js';
import type { SessionEnd } from './session-end.js';

export const COUNTED = ['messages', 'toolResults', 'rewinds', 'keptLines'] as const;
export type Counted = (typeof COUNTED)[number];

/** Entries of a kind: total = new + amended + known + inherited. */
export interface Count {
  /** In the transcript. */
  total: number;
  /** Recorded now, or in a dry run: would be. */
  new: number;
  /** Recorded before, with another content: the transcript went on. */
  amended: number;
  /** There already. */
  known: number;
  /** Shown from the task that this one is a fork of, not stored again. */
  inherited: number;
}

export type Counts = Record<Counted, Count>;

const FATES = ['total', 'new', 'amended', 'known', 'inherited'] as const;

const noCount = (): Count => ({ total: 0, new: 0, amended: 0, known: 0, inherited: 0 });

export const noCounts = (): Counts => ({
  messages: noCount(),
  toolResults: noCount(),
  rewinds: noCount(),
  keptLines: noCount(),
});

export interface SessionReport extends Counts {
  readonly sessionId: string;
  readonly parentSessionId?: string;
  readonly title: string;
  readonly taskId: string;
  /** `not_imported`: only where the transcript has a problem. */
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'not_imported';
  readonly status: SessionEnd;
  readonly forkedFrom?: {
    readonly sessionId?: string;
    /** Absent when the source is not here. */
    readonly taskId?: string;
    /** Messages and tool results shown from it. */
    readonly messages: number;
  };
}

export interface TranscriptReport {
  readonly agent: string;
  /** Names, the main file first. */
  readonly files: readonly string[];
  readonly contractId: string;
  readonly contractCreated: boolean;
  /** The main session first, then its sub-agents. */
  readonly sessions: readonly SessionReport[];
  readonly lines: LineReport;
  /** Recording stopped here. What was recorded before stays, and importing again goes on from there. */
  readonly problem?: { readonly code: string; readonly detail: string };
}

export interface ImportReport {
  readonly dryRun: boolean;
  /** Position of the last event; '0' when nothing was written. */
  readonly position: string;
  /** In the order of their import. */
  readonly transcripts: readonly TranscriptReport[];
  /** Files that are no transcript, or cannot be read. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
  readonly totals: Totals;
}

export interface Totals extends Counts {
  readonly transcripts: number;
  readonly sessions: number;
  readonly lines: number;
  readonly imported: number;
  readonly raw: number;
  readonly skipped: number;
  readonly blank: number;
  readonly invalid: number;
}

/** @param notes oddities that the import itself found. */
export const linesReport = (report: LineReport, notes: Readonly<Record<string, number>>): LineReport => ({
  ...report,
  notes: { ...report.notes, ...notes },
});

export function totalsOf(transcripts: readonly TranscriptReport[]): Totals {
  const counts = noCounts();
  const lines = { lines: 0, imported: 0, raw: 0, skipped: 0, blank: 0, invalid: 0 };
  for (const transcript of transcripts) {
    for (const session of transcript.sessions) addCounts(counts, session);
    lines.lines += transcript.lines.lines;
    lines.imported += transcript.lines.imported;
    lines.raw += sum(transcript.lines.raw);
    lines.skipped += sum(transcript.lines.skipped);
    lines.blank += transcript.lines.blank;
    lines.invalid += transcript.lines.invalidCount;
  }
  const sessions = transcripts.reduce((count, transcript) => count + transcript.sessions.length, 0);
  return { transcripts: transcripts.length, sessions, ...lines, ...counts };
}

function addCounts(to: Counts, from: Counts): void {
  for (const kind of COUNTED) for (const fate of FATES) to[kind][fate] += from[kind][fate];
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);
