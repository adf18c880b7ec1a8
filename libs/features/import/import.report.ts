import { kindIn } from '#libs/agents/transcripts/line-account.js';
import type { LineReport, TranscriptEntry, TranscriptSession } from '#libs/agents/transcripts/transcript.js';
import type { SessionEnd } from './session-end.js';

export const COUNTED = ['messages', 'toolResults', 'rewinds', 'keptLines'] as const;
export type Counted = (typeof COUNTED)[number];

/** What the entries of a transcript are counted as. */
export const COUNTED_AS = {
  message: 'messages',
  tool_result: 'toolResults',
  rewind: 'rewinds',
  raw: 'keptLines',
} as const satisfies Record<TranscriptEntry['kind'], Counted>;

/** Entries of a kind: total = new + amended + known + inherited + notImported. */
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
  /** Of a session that was not imported to its end. What was recorded of it stays. */
  notImported: number;
}

export type Counts = Record<Counted, Count>;

const FATES = ['total', 'new', 'amended', 'known', 'inherited', 'notImported'] as const;

const noCount = (): Count => ({ total: 0, new: 0, amended: 0, known: 0, inherited: 0, notImported: 0 });

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
  /** `not_imported`, or not to its end: only where the transcript has a problem. */
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

/** Where every line went: lines = imported + raw + skipped + blank + invalid + notImported. */
export interface LinesReport extends LineReport {
  /** Lines that hold something, of sessions that were not imported to their end. What was recorded of these stays. */
  readonly notImported: number;
}

export interface TranscriptReport {
  readonly agent: string;
  /** Names, the main file first. */
  readonly files: readonly string[];
  readonly contractId: string;
  readonly contractCreated: boolean;
  /** The main session first, then its sub-agents. */
  readonly sessions: readonly SessionReport[];
  readonly lines: LinesReport;
  /** Recording stopped here. What was recorded before stays, and importing again goes on from there. */
  readonly problem?: { readonly code: string; readonly detail: string };
}

export interface ImportReport {
  readonly dryRun: boolean;
  /** Of the last event that was written; when none was, of the newest there is: what was found can be read by it. */
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
  readonly notImported: number;
}

/**
 * @param left sessions that were not imported to their end.
 * @param notes oddities that the import itself found.
 */
export function linesReport(
  report: LineReport,
  left: readonly TranscriptSession[],
  notes: Readonly<Record<string, number>>,
): LinesReport {
  const imported = report.imported - left.reduce((lines, { importedLines }) => lines + importedLines, 0);
  const raw = withoutKept(report.raw, left);
  const notImported = report.imported - imported + sum(report.raw) - sum(raw);
  return { ...report, imported, raw, notImported, notes: { ...report.notes, ...notes } };
}

/** Kept lines by their type, without those of some sessions. */
function withoutKept(
  raw: LineReport['raw'],
  sessions: readonly TranscriptSession[],
): Readonly<Record<string, number>> {
  const counts = new Map(Object.entries(raw));
  for (const { entries } of sessions) {
    for (const entry of entries) {
      if (entry.kind !== 'raw') continue;
      const kind = kindIn(raw, entry.lineType);
      counts.set(kind, counts.get(kind)! - 1);
    }
  }
  return Object.fromEntries([...counts].filter(([, count]) => count > 0));
}

/** The counts of a session that was not imported to its end. */
export function countsLeft({ entries }: TranscriptSession): Counts {
  const counts = noCounts();
  for (const { kind } of entries) {
    const count = counts[COUNTED_AS[kind]];
    count.total += 1;
    count.notImported += 1;
  }
  return counts;
}

export function totalsOf(transcripts: readonly TranscriptReport[]): Totals {
  const counts = noCounts();
  const lines = { lines: 0, imported: 0, raw: 0, skipped: 0, blank: 0, invalid: 0, notImported: 0 };
  for (const transcript of transcripts) {
    for (const session of transcript.sessions) addCounts(counts, session);
    lines.lines += transcript.lines.lines;
    lines.imported += transcript.lines.imported;
    lines.raw += sum(transcript.lines.raw);
    lines.skipped += sum(transcript.lines.skipped);
    lines.blank += transcript.lines.blank;
    lines.invalid += transcript.lines.invalidCount;
    lines.notImported += transcript.lines.notImported;
  }
  const sessions = transcripts.reduce((count, transcript) => count + transcript.sessions.length, 0);
  return { transcripts: transcripts.length, sessions, ...lines, ...counts };
}

function addCounts(to: Counts, from: Counts): void {
  for (const kind of COUNTED) for (const fate of FATES) to[kind][fate] += from[kind][fate];
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);
