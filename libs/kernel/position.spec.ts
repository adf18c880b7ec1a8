import { parseAsOf, parseInstant, parsePosition, positionToken } from './position.js';

describe('an instant', () => {
  it.each([
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['2025-06-01T12:00Z', '2025-06-01T12:00:00.000Z'],
    ['2025-06-01t12:00:00z', '2025-06-01T12:00:00.000Z'],
    ['2025-06-01T12:00:00.123456789Z', '2025-06-01T12:00:00.123Z'],
    ['2025-06-01T12:00:00+02:30', '2025-06-01T09:30:00.000Z'],
    ['2025-06-01T12:00:00-0230', '2025-06-01T14:30:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('%s is read', (text, expected) => {
    expect(parseInstant(text)?.toISOString()).toBe(expected);
  });

  it.each([
    '+275760-09-13T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    '10000-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-00-01T00:00:00Z',
    '2025-01-00T00:00:00Z',
    '2025-01-01T24:00:00Z',
    '2025-01-01T00:60:00Z',
    '2025-01-01T00:00:60Z',
    '2025-01-01',
    '2025-01-01T00:00:00',
    '2025-01-01T00:00:00+24:00',
    '2025-01-01 00:00:00Z',
    'yesterday',
    '',
    '0',
    ' 2025-01-01T00:00:00Z',
    'Wed, 01 Jan 2025 00:00:00 GMT',
    '2025-01-01T00:00:00Z\n',
  ])('%j is none', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });
});

describe('a position', () => {
  it.each([0n, 1n, 12_345_678_901_234_567n, 2n ** 63n - 1n])('%d comes back', (position) => {
    expect(parsePosition(positionToken(position))).toBe(position);
  });

  it.each([
    '',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x1',
    ' 1',
    '1\n',
    '9223372036854775808',
    '00000000000000000001',
    '\u0661',
  ])('%j is none', (text) => {
    expect(parsePosition(text)).toBeUndefined();
  });
});

it('asOf is a position or a time', () => {
  expect(parseAsOf('20250101')).toEqual({ position: 20_250_101n });
  expect(parseAsOf('2025-01-01T00:00:00Z')).toEqual({ time: new Date('2025-01-01T00:00:00Z') });
  expect(parseAsOf('2025-01-01')).toBeUndefined();
});
