import {
  GivesCounts,
  GivesFlag,
  GivesId,
  GivesList,
  GivesObject,
  GivesOneOf,
  GivesPosition,
  GivesProblem,
  GivesText,
  GivesTexts,
  GivesWhole,
} from '#libs/http/answer-fields.js';

/** Entries of a kind: total = new + amended + known + inherited + notImported. */
export class EntryCount {
  @GivesWhole('In the transcript.')
  readonly total!: number;

  @GivesWhole('Recorded now, or in a dry run: would be.')
  readonly new!: number;

  @GivesWhole('Recorded before, with another content: the transcript went on.')
  readonly amended!: number;

  @GivesWhole('There already.')
  readonly known!: number;

  @GivesWhole('Shown from the task that this one is a fork of, not stored again.')
  readonly inherited!: number;

  @GivesWhole('Of a session that was not imported to its end. What was recorded of it stays.')
  readonly notImported!: number;
}

class EntryCounts {
  @GivesObject(() => EntryCount, 'Messages.')
  readonly messages!: EntryCount;

  @GivesObject(() => EntryCount, 'Tool results.')
  readonly toolResults!: EntryCount;

  @GivesObject(() => EntryCount, 'Rewinds: a second prompt under one parent.')
  readonly rewinds!: EntryCount;

  @GivesObject(() => EntryCount, 'Lines kept as they are.')
  readonly keptLines!: EntryCount;
}

export class ForkedSession {
  @GivesText('The session that it was forked from, where the transcript says.', { optional: true })
  readonly sessionId?: string;

  @GivesId('The task of that session; absent when it is not here.', { optional: true })
  readonly taskId?: string;

  @GivesWhole('Messages and tool results shown from it.')
  readonly messages!: number;
}

export class SessionReport extends EntryCounts {
  @GivesText("The agent's id of the session.")
  readonly sessionId!: string;

  @GivesText('The session that spawned it, for sub-agents.', { optional: true })
  readonly parentSessionId?: string;

  @GivesText('For people.')
  readonly title!: string;

  @GivesId('The task that it became, or would become.')
  readonly taskId!: string;

  @GivesOneOf(
    ['created', 'updated', 'unchanged', 'not_imported'],
    'What happened to the task; `not_imported`, or not to its end: only where the transcript has a problem.',
  )
  readonly outcome!: string;

  @GivesOneOf(['completed', 'interrupted'], 'How the transcript leaves off.')
  readonly status!: string;

  @GivesObject(() => ForkedSession, 'For forks: of what.', { optional: true })
  readonly forkedFrom?: ForkedSession;
}

export class InvalidLineAnswer {
  @GivesWhole('Number of the line, from 1.')
  readonly line!: number;

  @GivesWhole('Where it begins in the file, after decompression.')
  readonly byteOffset!: number;

  @GivesText('The file, where a transcript has several.', { optional: true })
  readonly file?: string;

  @GivesText('What is wrong with it.')
  readonly reason!: string;
}

/** Where every line went: lines = imported + raw + skipped + blank + invalid + notImported. */
export class LinesReport {
  @GivesWhole('Lines read.')
  readonly lines!: number;

  @GivesWhole('Lines that became or joined a message, a tool result or a rewind.')
  readonly imported!: number;

  @GivesCounts('Lines kept as they are, by their type.')
  readonly raw!: Readonly<Record<string, number>>;

  @GivesCounts('Lines that carry nothing to keep, by the reason.')
  readonly skipped!: Readonly<Record<string, number>>;

  @GivesWhole('Empty lines.')
  readonly blank!: number;

  @GivesList(() => InvalidLineAnswer, 'The first 1,000 lines that cannot be read.')
  readonly invalid!: readonly InvalidLineAnswer[];

  @GivesWhole('Lines that cannot be read.')
  readonly invalidCount!: number;

  @GivesWhole(
    'Lines that hold something, of sessions that were not imported to their end. What was recorded of these stays.',
  )
  readonly notImported!: number;

  @GivesCounts('Oddities that lost nothing, by kind.')
  readonly notes!: Readonly<Record<string, number>>;
}

export class TranscriptProblem {
  @GivesText('Stable name for programs.')
  readonly code!: string;

  @GivesText('What is wrong, and what to do.')
  readonly detail!: string;
}

export class TranscriptReport {
  @GivesOneOf(['claude-code', 'codex', 'gemini-cli'], 'The agent that wrote it.')
  readonly agent!: string;

  @GivesTexts('Names of its files, the main one first.')
  readonly files!: readonly string[];

  @GivesId('The contract that it stands in.')
  readonly contractId!: string;

  @GivesFlag('Whether that contract was made for it, or would be.')
  readonly contractCreated!: boolean;

  @GivesList(() => SessionReport, 'The main session first, then its sub-agents.')
  readonly sessions!: readonly SessionReport[];

  @GivesObject(() => LinesReport, 'Where every line went.')
  readonly lines!: LinesReport;

  @GivesObject(
    () => TranscriptProblem,
    'Recording stopped here. What was recorded before stays, and importing again goes on.',
    { optional: true },
  )
  readonly problem?: TranscriptProblem;
}

export class RefusedFile {
  @GivesText('Name of the file.')
  readonly name!: string;

  @GivesText('Why it is no transcript, or cannot be read.')
  readonly reason!: string;
}

export class ImportTotals extends EntryCounts {
  @GivesWhole('Transcripts.')
  readonly transcripts!: number;

  @GivesWhole('Sessions.')
  readonly sessions!: number;

  @GivesWhole('Lines read.')
  readonly lines!: number;

  @GivesWhole('Lines imported.')
  readonly imported!: number;

  @GivesWhole('Lines kept as they are.')
  readonly raw!: number;

  @GivesWhole('Lines that carry nothing to keep.')
  readonly skipped!: number;

  @GivesWhole('Empty lines.')
  readonly blank!: number;

  @GivesWhole('Lines that cannot be read.')
  readonly invalid!: number;

  @GivesWhole('Lines of sessions that were not imported to their end.')
  readonly notImported!: number;
}

/** What was imported, file by file and line by line. */
export class ImportReport {
  @GivesFlag('True: nothing was written.')
  readonly dryRun!: boolean;

  @GivesPosition(
    'Of the last event that was written; when none was, of the newest there is. As `minPosition` it lets you read what was imported or found.',
  )
  readonly position!: string;

  @GivesList(() => TranscriptReport, 'In the order of their import.')
  readonly transcripts!: readonly TranscriptReport[];

  @GivesList(() => RefusedFile, 'Files that are no transcript, or could not be read.')
  readonly refused!: readonly RefusedFile[];

  @GivesObject(() => ImportTotals, 'Everything together.')
  readonly totals!: ImportTotals;
}

export class ImportProgress {
  @GivesWhole('Bytes of the files that were imported.')
  readonly done!: number;

  @GivesWhole('Bytes of all files.')
  readonly total!: number;

  @GivesText('The file that it is at.')
  readonly file!: string;
}

/** A line of an import: how far it is. */
export class ImportProgressLine {
  @GivesObject(() => ImportProgress, 'How far it is.')
  readonly progress!: ImportProgress;
}

/** The last line of an import. */
export class ImportReportLine {
  @GivesObject(() => ImportReport, 'What was imported.')
  readonly report!: ImportReport;
}

/** The last line of an import that failed after its first line. */
export class ImportProblemLine {
  @GivesProblem('Why it failed.')
  readonly problem!: unknown;
}
