import { UsageError } from '../usage-error.js';

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const RELATIVE = /^(\d{1,6})\s*(s|m|h|d|w)(?:\s+ago)?$/;
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const LOCAL = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$/;
const ZONED = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s?(Z|[+-]\d{2}:?\d{2})$/i;

/** What people may write where a time is asked for; printed in help texts. */
export const TIME_FORMS = `A <time> is 2026-03-01, 2026-03-01 14:30, 2026-03-01T14:30:00Z, 90m, 2h, 3d or 1w ago,
now, today or yesterday. Without a zone it is local time (TZ).`;

/**
 * Reads a time as people write it, in the machine's zone.
 * @param edge where a whole day is meant: its first or its last millisecond.
 * @returns ISO 8601 in UTC.
 */
export function parseTime(text: string, now: Date, edge: 'start' | 'end' = 'start'): string {
  const trimmed = text.trim();
  const date =
    wordOf(trimmed, now, edge) ?? relativeTo(trimmed, now) ?? dayOf(trimmed, edge) ?? instantOf(trimmed);
  if (!date || Number.isNaN(date.getTime())) {
    throw new UsageError(`${JSON.stringify(text)} is no time`, TIME_FORMS.split('\n'));
  }
  return date.toISOString();
}

/** A position (digits only), or a time. For --as-of. */
export const parseAsOf = (text: string, now: Date): string =>
  /^\d{1,19}$/.test(text.trim()) ? text.trim() : parseTime(text, now, 'end');

function wordOf(text: string, now: Date, edge: 'start' | 'end'): Date | undefined {
  if (text === 'now') return now;
  const back = text === 'today' ? 0 : text === 'yesterday' ? 1 : undefined;
  if (back === undefined) return undefined;
  return dayEdge(now.getFullYear(), now.getMonth(), now.getDate() - back, edge);
}

function relativeTo(text: string, now: Date): Date | undefined {
  const [, amount, unit] = RELATIVE.exec(text) ?? [];
  return amount === undefined ? undefined : new Date(now.getTime() - Number(amount) * UNITS[unit!]!);
}

function dayOf(text: string, edge: 'start' | 'end'): Date | undefined {
  const [, year, month, day] = DAY.exec(text) ?? [];
  if (year === undefined) return undefined;
  const date = dayEdge(Number(year), Number(month) - 1, Number(day), edge);
  // 2026-02-31 must not become 3 March.
  return date.getMonth() === Number(month) - 1 && date.getDate() === Number(day)
    ? date
    : new Date(Number.NaN);
}

function dayEdge(year: number, month: number, day: number, edge: 'start' | 'end'): Date {
  return edge === 'start' ? new Date(year, month, day) : new Date(year, month, day, 23, 59, 59, 999);
}

function instantOf(text: string): Date | undefined {
  if (!LOCAL.test(text) && !ZONED.test(text)) return undefined;
  const day = dayOf(text.slice(0, 10), 'start');
  if (!day || Number.isNaN(day.getTime())) return undefined;
  return new Date(text.replace(/^(\S{10})[T ]/i, '$1T').replace(/\s(?=Z|[+-])/i, ''));
}
