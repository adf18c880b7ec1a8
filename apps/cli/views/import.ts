import type {
  ImportCount,
  ImportedSession,
  ImportedTranscript,
  ImportReport,
  ImportTotals,
} from '#libs/client/types-import.js';
import { line, span, type Line, type Span } from '../terminal/styled.js';
import { tableLines } from '../terminal/table.js';
import { count, counted, idShortener, oneLine } from './format.js';

const plus = (one: ImportCount, other: ImportCount): ImportCount => ({
  total: one.total + other.total,
  new: one.new + other.new,
  amended: one.amended + other.amended,
  known: one.known + other.known,
  inherited: one.inherited + other.inherited,
  notImported: one.notImported + other.notImported,
});

const plusAll = (one: ImportTotals, other: ImportTotals): ImportTotals => ({
  transcripts: one.transcripts + other.transcripts,
  sessions: one.sessions + other.sessions,
  lines: one.lines + other.lines,
  imported: one.imported + other.imported,
  raw: one.raw + other.raw,
  skipped: one.skipped + other.skipped,
  blank: one.blank + other.blank,
  invalid: one.invalid + other.invalid,
  notImported: one.notImported + other.notImported,
  messages: plus(one.messages, other.messages),
  toolResults: plus(one.toolResults, other.toolResults),
  rewinds: plus(one.rewinds, other.rewinds),
  keptLines: plus(one.keptLines, other.keptLines),
});

/** What several requests did, as if it had been one. */
export function mergedReports(reports: readonly ImportReport[]): ImportReport {
  const [first, ...rest] = reports;
  if (!first) throw new RangeError('nothing was imported');
  return rest.reduce(
    (all, report) => ({
      dryRun: all.dryRun,
      position: report.position === '0' ? all.position : report.position,
      transcripts: [...all.transcripts, ...report.transcripts],
      refused: [...all.refused, ...report.refused],
      totals: plusAll(all.totals, report.totals),
    }),
    first,
  );
}

const LISTED = 10;

/** What an import did: each session, then where every line went. */
export function importLines(report: ImportReport, width: number, full: boolean): readonly Line[] {
  const most = full ? Infinity : LISTED;
  const invalid = report.transcripts.flatMap((transcript) =>
    transcript.lines.invalid.map(
      (one) => `${one.file ?? transcript.files[0] ?? ''}:${one.line}  ${one.reason}`,
    ),
  );
  const { totals } = report;
  return [
    ...(report.transcripts.length > 0 ? sessionTable(report.transcripts, width) : []),
    ...problems(report.transcripts),
    ...(report.transcripts.length > 0
      ? [[], summary(report), ...lineAccount(report.transcripts, report)]
      : []),
    ...listing(`${counted(totals.invalid, 'invalid line')}:`, invalid, totals.invalid, most, 'yellow'),
    ...listing(
      `${counted(report.refused.length, 'file')} not imported:`,
      report.refused.map(({ name, reason }) => `${name}  ${reason}`),
      report.refused.length,
      most,
      report.transcripts.length > 0 ? 'yellow' : 'red',
    ),
  ];
}

function sessionTable(transcripts: readonly ImportedTranscript[], width: number): readonly Line[] {
  const ids = transcripts.flatMap(({ sessions }) => sessions.map(({ taskId }) => taskId));
  const idOf = idShortener(ids, !Number.isFinite(width));
  const rows = transcripts.flatMap(({ agent, sessions }) =>
    sessions.map((session) => [
      outcomeSpan(session),
      span(idOf(session.taskId), 'bold'),
      agent,
      newOf(session.messages),
      newOf(session.toolResults),
      line(
        session.parentSessionId === undefined ? undefined : span('└ ', 'dim'),
        oneLine(session.title, 120),
        forkText(session),
      ),
    ]),
  );
  return tableLines(
    [
      { head: '' },
      { head: 'task' },
      { head: 'agent' },
      { head: 'messages', align: 'right' },
      { head: 'results', align: 'right' },
      { head: 'title', narrow: 'cut' },
    ],
    rows,
    width,
  );
}

const outcomeSpan = ({ outcome }: ImportedSession): Span => {
  const style =
    outcome === 'created'
      ? 'green'
      : outcome === 'updated'
        ? 'cyan'
        : outcome === 'not_imported'
          ? 'red'
          : 'dim';
  return span(outcome.replace('_', ' '), style);
};

/** `+12 of 40`, or `40` where nothing or everything is new. */
const newOf = ({ total, new: fresh, amended }: ImportCount): string => {
  const changed = fresh + amended;
  return changed === total || changed === 0 ? count(total) : `+${count(changed)} of ${count(total)}`;
};

const forkText = ({ forkedFrom }: ImportedSession): Span | undefined =>
  forkedFrom && span(`  fork of ${forkedFrom.taskId ?? forkedFrom.sessionId ?? 'another session'}`, 'yellow');

const problems = (transcripts: readonly ImportedTranscript[]): readonly Line[] =>
  transcripts.flatMap(({ files, problem }) =>
    problem
      ? [line(span('✗ ', 'red'), `${files[0] ?? ''}: ${problem.detail} `, span(problem.code, 'dim'))]
      : [],
  );

function summary({ dryRun, totals, transcripts }: ImportReport): Line {
  const sessions = transcripts.flatMap((transcript) => transcript.sessions);
  const imported = sessions.filter(({ outcome }) => outcome !== 'not_imported').length;
  const fresh = totals.messages.new + totals.toolResults.new;
  const verb = dryRun ? span('would import ', 'yellow', 'bold') : span('✓ imported ', 'green');
  const amended = totals.messages.amended + totals.toolResults.amended;
  const known = totals.messages.known + totals.toolResults.known;
  return line(
    verb,
    `${counted(fresh, 'new entry', 'new entries')}${amended > 0 ? `, ${count(amended)} that went on` : ''} in ${counted(imported, 'session')}`,
    span(known > 0 ? `; ${count(known)} were there already` : '', 'dim'),
    span(dryRun ? '  (dry run: nothing was changed)' : '', 'dim'),
  );
}

function lineAccount(transcripts: readonly ImportedTranscript[], { totals }: ImportReport): readonly Line[] {
  const kinds = (of: (transcript: ImportedTranscript) => Readonly<Record<string, number>>): string => {
    const sums = new Map<string, number>();
    for (const transcript of transcripts) {
      for (const [kind, times] of Object.entries(of(transcript)))
        sums.set(kind, (sums.get(kind) ?? 0) + times);
    }
    const sorted = [...sums].sort(([, a], [, b]) => b - a);
    const shown = sorted.slice(0, 6).map(([kind, times]) => `${oneLine(kind, 40)} ${count(times)}`);
    return sorted.length > 6 ? `${shown.join(', ')}, …` : shown.join(', ');
  };
  const raw = kinds(({ lines }) => lines.raw);
  const skipped = kinds(({ lines }) => lines.skipped);
  return [
    line(
      span('  lines: ', 'dim'),
      `${count(totals.lines)} = ${count(totals.imported)} imported + ${count(totals.raw)} kept as they are + ${count(totals.skipped)} with nothing to keep + ${count(totals.blank)} blank + ${count(totals.invalid)} invalid${totals.notImported > 0 ? ` + ${count(totals.notImported)} not imported` : ''}`,
    ),
    ...(raw === '' ? [] : [line(span(`  kept as they are: ${raw}`, 'dim'))]),
    ...(skipped === '' ? [] : [line(span(`  nothing to keep: ${skipped}`, 'dim'))]),
  ];
}

function listing(
  head: string,
  items: readonly string[],
  total: number,
  most: number,
  style: 'yellow' | 'red',
): readonly Line[] {
  if (total === 0) return [];
  const shown = items.slice(0, most);
  return [
    [],
    line(span(head, style)),
    ...shown.map((one) => line(`  ${oneLine(one)}`)),
    ...(total > shown.length
      ? [line(span(`  … and ${count(total - shown.length)} more (--full)`, 'dim'))]
      : []),
  ];
}
