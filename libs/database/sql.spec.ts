import { identifier, nothing, sql } from './sql.js';

describe('the sql tag', () => {
  it('numbers its values', () => {
    const statement = sql`SELECT ${1} WHERE a = ${'x'}`;
    expect(statement.text).toBe('SELECT $1 WHERE a = $2');
    expect(statement.values).toEqual([1, 'x']);
  });

  it('splices fragments with their own values, and never a value', () => {
    const hostile = "'; DROP TABLE events; --";
    const statement = sql`SELECT * FROM t WHERE ${sql`a = ${hostile} AND b = ${2}`} ${nothing} LIMIT ${3}`;
    expect(statement.text).toBe('SELECT * FROM t WHERE a = $1 AND b = $2  LIMIT $3');
    expect(statement.values).toEqual([hostile, 2, 3]);
  });

  it('quotes names, whatever is in them', () => {
    expect(sql`SELECT FROM ${identifier('of_a_schema', 'a "table"')}`.text).toBe(
      'SELECT FROM "of_a_schema"."a ""table"""',
    );
  });
});
