import { fingerprint, safeId, timeOf, titleOf, UniqueIds } from './entry-names.js';

describe('UniqueIds', () => {
  test('gives the same ids to the same questions', () => {
    const ask = (ids: UniqueIds): string[] => ['a', 'b', 'a', 'a'].map((id) => ids.take(id));
    expect(ask(new UniqueIds())).toEqual(['a', 'b', 'a~2', 'a~3']);
    expect(ask(new UniqueIds())).toEqual(ask(new UniqueIds()));
  });

  test('never gives an id twice, even when one looks like a given one', () => {
    const ids = new UniqueIds();
    const given = ['a', 'a~2', 'a', 'a~2', 'a'].map((id) => ids.take(id));
    expect(new Set(given).size).toBe(given.length);
  });
});

describe('safeId', () => {
  test('leaves ordinary ids', () => {
    expect(safeId('toolu_01:x/y')).toBe('toolu_01:x/y');
  });

  test.each(['', 'a b', 'x\u0000', '\u001b[31m', 'x'.repeat(201)])('names %j by its content', (id) => {
    expect(safeId(id)).toBe(`id-${fingerprint(id)}`);
  });
});

describe('titleOf', () => {
  test('is one line', () => {
    expect(titleOf('  Add\n\n a list ')).toBe('Add a list');
  });

  test('is cut to 120 characters, none of them halved', () => {
    const title = titleOf('🌱'.repeat(200));
    expect(Array.from(title)).toHaveLength(120);
    expect(title.endsWith('🌱…')).toBe(true);
    expect(titleOf('x'.repeat(120))).toHaveLength(120);
  });
});

describe('timeOf', () => {
  test('takes years from 1 on, which are all that read models know', () => {
    expect(timeOf('0000-01-01T00:00:00Z')).toBeUndefined();
    expect(timeOf('0001-01-01T00:00:00Z')).toBe('0001-01-01T00:00:00.000Z');
  });

  test.each([
    ['2026-01-05T10:00:00Z', '2026-01-05T10:00:00.000Z'],
    ['2026-01-05T10:00:00.123456Z', '2026-01-05T10:00:00.123Z'],
    ['2026-01-05T12:00:00+02:00', '2026-01-05T10:00:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(timeOf(text)).toBe(time);
  });

  test.each([
    '',
    'yesterday',
    '2026-13-05T10:00:00Z',
    '2026-01-05',
    '+012026-01-05T10:00:00Z',
    1767607200000,
    null,
  ])('%j is no time', (value) => {
    expect(timeOf(value)).toBeUndefined();
  });
});
