// What an import answers: which task each session became, and where every line went.

export interface InvalidLine {
  readonly line: number;
  readonly byteOffset?: number;
  readonly file?: string;
  readonly reason: string;
}

/** Where every line that was read went. */
export interface LineReport {
  readonly lines: number;
  readonly imported: number;
  readonly raw: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, number>>;
  readonly blank: number;
  readonly invalid: readonly InvalidLine[];
  readonly notes: Readonly<Record<string, number>>;
  /** Lines of sessions that were not imported to their end. */
  readonly notImported: number;
}

/** Entries of a kind: total = new + amended + known + inherited + notImported. */
export interface ImportCount {
  readonly total: number;
  readonly new: number;
  readonly amended: number;
  readonly known: number;
  readonly inherited: number;
  readonly notImported: number;
}

export interface ImportCounts {
  readonly messages: ImportCount;
  readonly toolResults: ImportCount;
  readonly rewinds: ImportCount;
  readonly keptLines: ImportCount;
}

/** A session of a transcript, and the task that it became. */
export interface ImportedSession extends ImportCounts {
  readonly sessionId: string;
  readonly parentSessionId?: string;
  readonly title: string;
  readonly taskId: string;
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'not_imported';
  readonly status: string;
  readonly forkedFrom?: { readonly sessionId?: string; readonly taskId?: string; readonly messages: number };
}

export interface ImportedTranscript {
  readonly agent: string;
  readonly files: readonly string[];
  readonly contractId: string;
  readonly contractCreated: boolean;
  /** The main session first, then its sub-agents. */
  readonly sessions: readonly ImportedSession[];
  readonly lines: LineReport & { readonly invalidCount: number };
  /** Recording stopped here; importing again goes on from there. */
  readonly problem?: { readonly code: string; readonly detail: string };
}

export interface ImportTotals extends ImportCounts {
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

/** How far the server is with an import, in bytes of the files. */
export interface ImportProgress {
  readonly done: number;
  readonly total: number;
  readonly file: string;
}

export interface ImportReport {
  readonly dryRun: boolean;
  readonly position: string;
  readonly transcripts: readonly ImportedTranscript[];
  /** Files that are no transcript, or cannot be read. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
  readonly totals: ImportTotals;
}
