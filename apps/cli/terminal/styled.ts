import { styleText } from 'node:util';
import { displayWidth, graphemes, graphemeWidth, takeWidth } from './display-width.js';
import { neutralise, neutraliseLine } from './neutralise.js';

export type Style =
  'bold' | 'dim' | 'italic' | 'underline' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

/**
 * A piece of text on one line, with its looks. Whatever text it is made of, it holds nothing that a terminal obeys:
 * everything that people are shown is made of spans, so that none of it can be forgotten.
 */
export class Span {
  private constructor(
    readonly text: string,
    readonly styles: readonly Style[],
  ) {}

  static of(text: string, ...styles: readonly Style[]): Span {
    return new Span(neutraliseLine(text), styles);
  }

  /** The same looks on a part of the text, or on another one. */
  with(text: string): Span {
    return new Span(neutraliseLine(text), this.styles);
  }
}

/** A line as it is printed. */
export type Line = readonly Span[];

export const span = (text: string, ...styles: readonly Style[]): Span => Span.of(text, ...styles);

/** A line of spans and plain texts; empty texts are left out. */
export const line = (...parts: readonly (Span | string | undefined)[]): Line =>
  parts
    .map((part) => (typeof part === 'string' ? span(part) : part))
    .filter((part) => part !== undefined)
    .filter((part) => part.text !== '');

/** A text as lines. */
export const linesOf = (text: string, ...styles: readonly Style[]): readonly Line[] =>
  neutralise(text)
    .split('\n')
    .map((one) => line(span(one, ...styles)));

export const lineWidth = (parts: Line): number =>
  parts.reduce((sum, { text }) => sum + displayWidth(text), 0);

/** What is written to a stream for a line, without the line feed. */
export const render = (parts: Line, colour: boolean): string =>
  parts.map(({ text, styles }) => (colour && styles.length > 0 ? painted(text, styles) : text)).join('');

// Whether to colour is decided once, for the stream that it goes to; not by styleText, which asks stdout.
const painted = (text: string, styles: readonly Style[]): string =>
  styleText([...styles], text, { validateStream: false });

export const indented = (lines: readonly Line[], by: string | Span): readonly Line[] =>
  lines.map((one) => (one.length === 0 ? one : line(by, ...one)));

/** A line of at most so many columns; what was cut off shows as `…`. */
export function cutLine(parts: Line, width: number): Line {
  if (lineWidth(parts) <= width) return parts;
  const kept: Span[] = [];
  let left = width - 1;
  for (const part of parts) {
    const own = lineWidth([part]);
    if (own > left) return [...kept, part.with(`${takeWidth(part.text, left).trimEnd()}…`)];
    kept.push(part);
    left -= own;
  }
  return kept;
}

interface Unit {
  readonly text: string;
  readonly width: number;
  readonly owner: Span;
}

/**
 * Breaks a line into lines of at most so many columns, between words where it can. Lines that follow keep the first
 * one's indentation, up to a third of the width.
 */
export function wrapLine(parts: Line, width: number): readonly Line[] {
  if (!Number.isFinite(width) || lineWidth(parts) <= width) return [parts];
  const units = parts.flatMap((owner) =>
    Array.from(graphemes(owner.text), (text): Unit => ({ text, width: graphemeWidth(text), owner })),
  );
  const start = units.findIndex(({ text }) => text !== ' ');
  const hang = start > 0 && start <= width / 3 ? start : 0;
  const rows: Line[] = [];
  for (let from = 0; from < units.length;) {
    const room = Math.max(1, rows.length === 0 ? width : width - hang);
    const to = endOfRow(units, from, room);
    const row = joined(units.slice(from, to));
    rows.push(rows.length > 0 && hang > 0 ? line(' '.repeat(hang), ...row) : row);
    from = to;
    while (units[from]?.text === ' ') from += 1;
  }
  return rows;
}

/** Where the row that begins at `from` ends (exclusive): at the last space that fits, else where the room ends. */
function endOfRow(units: readonly Unit[], from: number, room: number): number {
  let used = 0;
  let space = -1;
  for (let at = from; at < units.length; at += 1) {
    const unit = units[at]!;
    used += unit.width;
    if (used > room && unit.text === ' ') return at;
    if (used > room) return space > from ? space : Math.max(at, from + 1);
    if (unit.text === ' ' && hasText(units, from, at)) space = at + 1;
  }
  return units.length;
}

const hasText = (units: readonly Unit[], from: number, to: number): boolean => {
  for (let at = from; at < to; at += 1) if (units[at]!.text !== ' ') return true;
  return false;
};

function joined(units: readonly Unit[]): Line {
  const parts: Span[] = [];
  let text = '';
  let owner = units[0]?.owner;
  for (const unit of units) {
    if (unit.owner !== owner) {
      if (owner) parts.push(owner.with(text));
      text = '';
      owner = unit.owner;
    }
    text += unit.text;
  }
  if (owner) parts.push(owner.with(text));
  return withoutTrailingSpace(parts);
}

function withoutTrailingSpace(parts: readonly Span[]): Line {
  const last = parts.at(-1);
  if (!last) return parts;
  const text = last.text.trimEnd();
  return text === '' ? withoutTrailingSpace(parts.slice(0, -1)) : [...parts.slice(0, -1), last.with(text)];
}
