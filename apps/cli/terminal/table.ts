import { cutLine, line, lineWidth, span, wrapLine, type Line, type Span } from './styled.js';

export interface Column {
  readonly head: string;
  readonly align?: 'left' | 'right';
  /** What happens where the terminal is too narrow: the column stays whole (default), is wrapped, or is cut off. */
  readonly narrow?: 'whole' | 'wrap' | 'cut';
  /** Columns that it takes at least, for rows that are printed one by one. */
  readonly least?: number;
}

export type Cell = string | Span | Line | undefined;

/** A row of cells, or a line between rows that takes the whole width. */
export type Row = readonly Cell[] | { readonly heading: Line };

const GAP = 2;
/** A column that gives way keeps at least this, or no table has room. */
const LEAST = 16;

/**
 * Lines up rows in columns. Where the terminal has no room for them, each row's cells stand below each other, whole.
 * @param width columns of the terminal; Infinity where nothing is to be wrapped or cut.
 * @param withHead false: the columns' heads were printed before.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly Row[],
  width: number,
  withHead = true,
): readonly Line[] {
  const head = columns.map(({ head: text }) => line(span(text, 'dim')));
  const body = rows.map((row) => ('heading' in row ? row : columns.map((_, index) => toLine(row[index]))));
  const widths = fitted(columns, [head, ...body.flatMap((row) => ('heading' in row ? [] : [row]))], width);
  if (widths.reduce((sum, one) => sum + one + GAP, -GAP) > width)
    return stackedLines(columns, body, width, withHead);
  return [
    ...(withHead ? rowLines(columns, head, widths) : []),
    ...body.flatMap((row) => ('heading' in row ? [row.heading] : rowLines(columns, row, widths))),
  ];
}

/** Rows as blocks of names and values, with an empty line between two of them. */
function stackedLines(
  columns: readonly Column[],
  rows: readonly (readonly Line[] | { readonly heading: Line })[],
  width: number,
  isFirst: boolean,
): readonly Line[] {
  return rows.flatMap((row, index) => {
    const between = isFirst && index === 0 ? [] : [[]];
    if ('heading' in row) return [...between, row.heading];
    return [...between, ...stackedRow(columns, row, width)];
  });
}

/** What may not give way, such as an id, stays in one piece: below its name where it has no room beside it. */
function stackedRow(columns: readonly Column[], row: readonly Line[], width: number): readonly Line[] {
  const label = Math.max(...columns.map(({ head }) => head.length)) + GAP;
  return columns.flatMap(({ head, narrow = 'whole' }, index) => {
    const cell = row[index]!;
    if (cell.length === 0) return [];
    const name = span(head.padEnd(label), 'dim');
    const lines = narrow === 'whole' ? [cell] : wrapLine(cell, width - label);
    if (narrow === 'whole' && label + lineWidth(cell) > width) return [line(span(head, 'dim')), cell];
    return lines.map((one, at) => line(at === 0 ? name : ' '.repeat(label), ...one));
  });
}

const toLine = (cell: Cell): Line =>
  cell === undefined ? [] : typeof cell === 'string' || 'styles' in cell ? line(cell) : cell;

function fitted(
  columns: readonly Column[],
  rows: readonly (readonly Line[])[],
  width: number,
): readonly number[] {
  const widths = columns.map(({ least = 0 }, index) =>
    rows.reduce((most, row) => Math.max(most, lineWidth(row[index]!)), least),
  );
  const gaps = GAP * (columns.length - 1);
  let excess = widths.reduce((sum, one) => sum + one, gaps) - width;
  // The widest of those that may give way gives first, until all of them are equally narrow.
  while (excess > 0) {
    const index = widest(columns, widths);
    if (index === -1) break;
    widths[index]! -= 1;
    excess -= 1;
  }
  return widths;
}

function widest(columns: readonly Column[], widths: readonly number[]): number {
  let found = -1;
  columns.forEach(({ narrow = 'whole', head }, index) => {
    if (narrow === 'whole' || widths[index]! <= Math.max(LEAST, head.length)) return;
    if (found === -1 || widths[index]! > widths[found]!) found = index;
  });
  return found;
}

function rowLines(
  columns: readonly Column[],
  row: readonly Line[],
  widths: readonly number[],
): readonly Line[] {
  const stacked = row.map((cell, index) => {
    const room = widths[index]!;
    return columns[index]!.narrow === 'cut' ? [cutLine(cell, room)] : wrapLine(cell, room);
  });
  const height = Math.max(...stacked.map((cell) => cell.length));
  return Array.from({ length: height }, (_, level) => {
    const parts: (Span | string)[] = [];
    let pending = 0;
    stacked.forEach((cell, index) => {
      const text = cell[level] ?? [];
      const slack = widths[index]! - lineWidth(text);
      const before = columns[index]!.align === 'right' ? slack : 0;
      if (text.length > 0) parts.push(' '.repeat(pending + before), ...text);
      pending = text.length > 0 ? slack - before + GAP : pending + widths[index]! + GAP;
    });
    return line(...parts);
  });
}

/** Names and values below each other; those without a value are left out. */
export function factLines(
  facts: readonly (readonly [name: string, value: Cell])[],
  width: number,
): readonly Line[] {
  const present = facts.filter(([, value]) => toLine(value).length > 0);
  const widest = present.reduce((most, [name]) => Math.max(most, name.length), 0);
  return present.flatMap(([name, value]) => {
    const label = span(name.padEnd(widest + GAP), 'dim');
    const [first = [], ...rest] = wrapLine(toLine(value), width - widest - GAP);
    return [line(label, ...first), ...rest.map((one) => line(' '.repeat(widest + GAP), ...one))];
  });
}
