import type { HistoryOverview } from '#libs/client/types.js';
import { line, span, type Line, type Style } from '../terminal/styled.js';
import { count, counted, localTime } from './format.js';

const LEVELS = '▁▂▃▄▅▆▇█';
const KINDS: readonly (readonly [kind: string, name: string, style: Style])[] = [
  ['task_event', 'task', 'blue'],
  ['chat_message', 'chat', 'cyan'],
  ['phase_change', 'phase', 'magenta'],
  ['checkpoint', 'checkpoint', 'green'],
  ['file_change', 'file', 'yellow'],
];

/** How much happened when: a row of bars per kind of entry, with sums. */
export function overviewLines(overview: HistoryOverview, buckets: number): readonly Line[] {
  const { from, to, bucketSeconds, failed, totals } = overview;
  if (from === null || to === null || bucketSeconds === null) return [];
  const seconds = bucketSeconds;
  const start = Date.parse(from);
  const perBucket = (value: (bucket: HistoryOverview['buckets'][number]) => number): readonly number[] => {
    const values = Array.from({ length: buckets }, () => 0);
    for (const bucket of overview.buckets) {
      const index = Math.round((Date.parse(bucket.start) - start) / 1_000 / seconds);
      values[Math.min(Math.max(index, 0), buckets - 1)]! += value(bucket);
    }
    return values;
  };
  const rows = KINDS.filter(([kind]) => (totals[kind] ?? 0) > 0).map(([kind, name, style]) =>
    barLine(
      name,
      perBucket(({ counts }) => counts[kind] ?? 0),
      totals[kind] ?? 0,
      style,
    ),
  );
  return [
    line(
      span(`${localTime(from)}  →  ${localTime(to)}`, 'bold'),
      span(`   one bar: ${duration(seconds)}`, 'dim'),
    ),
    ...rows,
    ...(failed > 0
      ? [
          barLine(
            'failed',
            perBucket((bucket) => bucket.failed),
            failed,
            'red',
          ),
        ]
      : []),
    line(
      span(
        counted(
          Object.values(totals).reduce((sum, one) => sum + one, 0),
          'entry',
          'entries',
        ),
        'dim',
      ),
    ),
  ];
}

function barLine(name: string, values: readonly number[], total: number, style: Style): Line {
  const most = Math.max(...values, 1);
  const bars = values
    .map((value) => (value === 0 ? ' ' : LEVELS[Math.ceil((value / most) * LEVELS.length) - 1]!))
    .join('');
  return line(span(name.padEnd(12), 'dim'), span(bars, style), `  ${count(total).padStart(7)}`);
}

/** `45 s`, `12 min`, `3 h`, `2 d`. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1_000))} ms`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129_600 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}
