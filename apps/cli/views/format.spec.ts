import { ago, bytes, count, counted, dollars, idShortener, localTime, oneLine } from './format.js';
import { duration, overviewLines } from './overview.js';
import { exitCodeIn, targetOf } from './tool-call.js';
import { render } from '../terminal/styled.js';

describe('formatting', () => {
  it('shows times as the reader’s clock does', () => {
    expect(localTime('2026-03-01T10:00:05.123Z')).toMatch(/^2026-0[23]-\d\d \d\d:\d\d:05 [+-]\d\d:\d\d$/);
    expect(localTime('nonsense')).toBe('nonsense');
  });

  it.each([
    ['12:00:59', '1 s ago'],
    ['12:00:00', '1 min ago'],
    ['09:30:00', '2 h ago'],
    ['12:01:05', '0 s ago'],
  ])('says of %s, at 12:01, that it was %s', (time, text) =>
    expect(ago(`2026-03-01T${time}Z`, new Date('2026-03-01T12:01:00Z'))).toBe(text),
  );

  it('says how many days ago something was', () =>
    expect(ago('2026-02-01T00:00:00Z', new Date('2026-03-01T12:00:00Z'))).toBe('28 d ago'));

  it('counts', () => {
    expect(count(1_234_567)).toBe('1,234,567');
    expect([counted(0, 'message'), counted(1, 'message'), counted(2, 'entry', 'entries')]).toEqual([
      '0 messages',
      '1 message',
      '2 entries',
    ]);
    expect([bytes(0), bytes(1_023), bytes(1_536), bytes(5 * 1024 ** 3), bytes(200 * 1024)]).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '5.0 GiB',
      '200 KiB',
    ]);
    expect([dollars(0), dollars(1.234), dollars(0.0042)]).toEqual(['$0.00', '$1.23', '$0.0042']);
    expect([duration(0.2), duration(45), duration(600), duration(7_200), duration(432_000)]).toEqual([
      '200 ms',
      '45 s',
      '10 min',
      '2 h',
      '5 d',
    ]);
  });

  it('puts text on one line', () => {
    expect(oneLine('  a\n\tb  c ')).toBe('a b c');
    expect(oneLine('abcdef', 4)).toBe('abc…');
    expect(oneLine('😀😀😀', 3)).toBe('😀😀😀');
    expect(oneLine('😀😀😀😀', 3)).toBe('😀😀…');
    expect(oneLine('x'.repeat(10_000_000), 5)).toBe('xxxx…');
  });

  it('shortens ids as far as they stay different', () => {
    const a = '0190c3d4-aaaa-7000-8000-000000000001';
    const b = '0190c3d4-aaab-7000-8000-000000000001';
    expect(idShortener([a, b], false)(a)).toBe('0190c3d4-aaaa');
    expect(idShortener([a], false)(a)).toBe('0190c3d4');
    expect(idShortener([a, a], false)(a)).toBe('0190c3d4');
    expect(idShortener([a, b], true)(a)).toBe(a);
  });
});

describe('a tool call', () => {
  it.each([
    [{ command: 'npm test', description: 'Run the tests' }, 'npm test'],
    [{ file_path: '/a/b.ts', content: 'x' }, '/a/b.ts'],
    [{ command: ['bash', '-lc', 'ls -l'] }, 'ls -l'],
    [{ command: ['git', 'status'] }, 'git status'],
    [{ pattern: 'x', path: '' }, 'x'],
    [{ unknown: 5 }, '{"unknown":5}'],
    ['*** Begin Patch\nxyz', '*** Begin Patch xyz'],
    [{}, ''],
    [null, ''],
    [undefined, ''],
    [[1, 2], '[1,2]'],
  ])('%j is about %j', (input, target) => expect(targetOf(input, 100)).toBe(target));

  it.each([
    ['Exit code 2\nboom', 2],
    ['Exit code: 0\nWall time: 1 s', 0],
    ['Process exited with code -9', -9],
    ['{"metadata":{"exit_code":1}}', 1],
    ['all good', undefined],
    [`${'x'.repeat(300)} exit code 3`, undefined],
  ])('that answers %j ended with %s', (result, code) => expect(exitCodeIn(result)).toBe(code));
});

describe('an overview', () => {
  it('draws how much happened when', () => {
    const lines = overviewLines(
      {
        from: '2026-03-01T10:00:00.000Z',
        to: '2026-03-01T10:00:40.000Z',
        bucketSeconds: 10,
        failed: 1,
        totals: { chat_message: 9, task_event: 1 },
        buckets: [
          { start: '2026-03-01T10:00:00.000Z', counts: { chat_message: 1, task_event: 1 }, failed: 0 },
          { start: '2026-03-01T10:00:30.000Z', counts: { chat_message: 8 }, failed: 1 },
        ],
      },
      4,
    ).map((one) => render(one, false));
    expect(lines[0]).toContain('one bar: 10 s');
    expect(lines.slice(1)).toEqual([
      'task        █           1',
      'chat        ▁  █        9',
      'failed         █        1',
      '10 entries',
    ]);
  });

  it('of nothing is nothing', () => {
    expect(
      overviewLines({ from: null, to: null, bucketSeconds: null, failed: 0, totals: {}, buckets: [] }, 60),
    ).toEqual([]);
  });
});
