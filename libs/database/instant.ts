const PARTS = /^(\S+) (\S+)([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?$/;

/**
 * Reads a timestamptz as Postgres writes it (`2025-01-31 09:30:00.5+00`). Date takes that for a date in words, in which
 * the year 0001 is 2001; for later years it is right, and fastest.
 */
export function instantOf(text: string): Date {
  const date = new Date(text);
  if (!text.startsWith('0') && !Number.isNaN(date.getTime())) return date;
  const [, day, time, sign, hours, minutes = '0', seconds = '0'] = PARTS.exec(text) ?? [];
  const offset = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
  return new Date(Date.parse(`${day}T${time}Z`) + (sign === '-' ? offset : -offset));
}
