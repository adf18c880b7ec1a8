import { render, span, line, type Line } from './styled.js';
import { factLines, tableLines } from './table.js';

const text = (lines: readonly Line[]): string => lines.map((one) => render(one, false)).join('\n');

const COLUMNS = [
  { head: 'id' },
  { head: 'n', align: 'right' as const },
  { head: 'name', narrow: 'wrap' as const },
];

describe('a table', () => {
  it('lines its columns up', () => {
    expect(
      text(
        tableLines(
          COLUMNS,
          [
            ['a', '1', 'short'],
            ['long-id', '100', 'other'],
          ],
          Infinity,
        ),
      ),
    ).toBe(['id         n  name', 'a          1  short', 'long-id  100  other'].join('\n'));
  });

  it('wraps what may be wrapped where the terminal is narrow', () => {
    expect(text(tableLines(COLUMNS, [['a', '1', 'one two three four five']], 24))).toBe(
      ['id  n  name', 'a   1  one two three', '       four five'].join('\n'),
    );
  });

  it('cuts what may be cut', () => {
    const columns = [{ head: 'id' }, { head: 'name', narrow: 'cut' as const }];
    expect(text(tableLines(columns, [['a', line('one two ', span('three four', 'red'))]], 20))).toBe(
      ['id  name', 'a   one two three f…'].join('\n'),
    );
  });

  it('leaves a column whole that may not give way', () => {
    const columns = [{ head: 'id' }, { head: 'x' }];
    expect(text(tableLines(columns, [['a'.repeat(30), 'b']], 33))).toContain(`${'a'.repeat(30)}  b`);
    expect(text(tableLines(columns, [['a'.repeat(30), 'b']], 10))).toBe(
      ['id', 'a'.repeat(30), 'x   b'].join('\n'),
    );
  });

  it('stacks the cells of a row, whole, where there is no room for the columns', () => {
    const columns = [
      { head: 'id' },
      { head: 'n', align: 'right' as const },
      { head: 'name', narrow: 'cut' as const },
    ];
    const rows = [
      ['long-id', '1', 'one two three four'],
      { heading: line('between') },
      ['b', undefined, 'two'],
    ];
    const lines = ['id    long-id', 'n     1', 'name  one two', '      three', '      four'];
    const rest = ['', 'between', '', 'id    b', 'name  two'];
    expect(text(tableLines(columns, rows, 15))).toBe([...lines, ...rest].join('\n'));
    expect(text(tableLines(columns, rows, 15, false))).toBe(['', ...lines, ...rest].join('\n'));
    expect(text(tableLines(columns, rows, 40)).split('\n')[0]).toBe('id       n  name');
    expect(text(tableLines(columns, rows, 40, false)).split('\n')[0]).toBe('long-id  1  one two three four');
  });

  it('has no spaces at the ends of its lines, and empty cells', () => {
    expect(
      text(
        tableLines(
          COLUMNS,
          [
            [undefined, '', 'x'],
            ['a', '1', undefined],
          ],
          Infinity,
        ),
      ),
    ).toBe('id  n  name\n       x\na   1');
  });

  it('may have lines of other kinds between its rows', () => {
    expect(
      text(tableLines(COLUMNS, [{ heading: line('Monday, of any length') }, ['a', '1', 'x']], Infinity)),
    ).toBe(['id  n  name', 'Monday, of any length', 'a   1  x'].join('\n'));
  });

  it('counts what is wide as wide', () => {
    expect(
      text(
        tableLines(
          [{ head: 'a' }, { head: 'b' }],
          [
            ['中文', '1'],
            ['x', '2'],
          ],
          Infinity,
        ),
      ),
    ).toBe('a     b\n中文  1\nx     2');
  });

  it('shows nothing that a terminal obeys', () => {
    expect(text(tableLines([{ head: 'a' }], [['\x1b[2J\n']], Infinity))).toBe('a\n␛[2J␊');
  });
});

describe('facts', () => {
  it('stand below each other, without those that have no value', () => {
    expect(
      text(
        factLines(
          [
            ['name', 'x'],
            ['nothing', ''],
            ['status', span('ok', 'green')],
          ],
          Infinity,
        ),
      ),
    ).toBe('name    x\nstatus  ok');
  });

  it('are wrapped beside their names', () => {
    expect(text(factLines([['name', 'one two three']], 14))).toBe('name  one two\n      three');
  });
});
