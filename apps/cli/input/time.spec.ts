import { UsageError } from '../usage-error.js';
import { parseAsOf, parseTime } from './time.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const local = (
  year: number,
  month: number,
  day: number,
  hours = 0,
  minutes = 0,
  seconds = 0,
  ms = 0,
): string => new Date(year, month, day, hours, minutes, seconds, ms).toISOString();

describe('a time', () => {
  it.each([
    ['now', '2026-03-01T12:00:00.000Z'],
    ['90s', '2026-03-01T11:58:30.000Z'],
    ['90m', '2026-03-01T10:30:00.000Z'],
    ['2h', '2026-03-01T10:00:00.000Z'],
    ['2 h ago', '2026-03-01T10:00:00.000Z'],
    ['3d', '2026-02-26T12:00:00.000Z'],
    ['1w ago', '2026-02-22T12:00:00.000Z'],
    ['2026-03-01T14:30:00Z', '2026-03-01T14:30:00.000Z'],
    ['2026-03-01T14:30Z', '2026-03-01T14:30:00.000Z'],
    ['2026-03-01 14:30:00.5 +01:00', '2026-03-01T13:30:00.500Z'],
    ['2026-03-01T14:30:00-0500', '2026-03-01T19:30:00.000Z'],
  ])('%j is %s', (text, expected) => expect(parseTime(text, NOW)).toBe(expected));

  it('without a zone is local', () => {
    expect(parseTime('2026-07-01 14:30', NOW)).toBe(local(2026, 6, 1, 14, 30));
    expect(parseTime('2026-07-01T14:30:15', NOW)).toBe(local(2026, 6, 1, 14, 30, 15));
  });

  it('that is a day is its beginning or its end', () => {
    expect(parseTime('2026-07-01', NOW)).toBe(local(2026, 6, 1));
    expect(parseTime('2026-07-01', NOW, 'end')).toBe(local(2026, 6, 1, 23, 59, 59, 999));
    expect(parseTime('today', NOW)).toBe(local(NOW.getFullYear(), NOW.getMonth(), NOW.getDate()));
    expect(parseTime('yesterday', NOW, 'end')).toBe(
      local(NOW.getFullYear(), NOW.getMonth(), NOW.getDate() - 1, 23, 59, 59, 999),
    );
  });

  it.each([
    '',
    'soon',
    '2026-02-30',
    '2026-13-01',
    '2026-02-30T10:00:00Z',
    '2026-03-01T25:00:00Z',
    '5x',
    '20260301',
    '1 2 3',
  ])('is not %j', (text) => expect(() => parseTime(text, NOW)).toThrow(UsageError));
});

describe('a point to look back to', () => {
  it('is a position or a time', () => {
    expect(parseAsOf('42', NOW)).toBe('42');
    expect(parseAsOf('2h', NOW)).toBe('2026-03-01T10:00:00.000Z');
    expect(parseAsOf('2026-07-01', NOW)).toBe(local(2026, 6, 1, 23, 59, 59, 999));
    expect(() => parseAsOf('-1', NOW)).toThrow(UsageError);
  });
});
