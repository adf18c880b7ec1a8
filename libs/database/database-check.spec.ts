import { obstacleIn, type DatabaseFacts } from './database-check.js';

const FIT: DatabaseFacts = {
  version: 150_000,
  encoding: 'UTF8',
  readOnly: false,
  user: 'o"brien',
  database: 'history',
  mayCreateTables: true,
  mayCreateSchemas: true,
};

describe('what stands in the way of using a database', () => {
  it.each([150_000, 160_004, 180_004, 190_000])('nothing, on version number %d', (version) => {
    expect(obstacleIn({ ...FIT, version })).toBeUndefined();
  });

  it.each([
    [149_999, '14'],
    [140_013, '14'],
    [100_000, '10'],
    [90_624, '9.x'],
  ])('its age, at version number %d', (version, release) => {
    expect(obstacleIn({ ...FIT, version })).toBe(
      `the database server is Postgres ${release}; makima needs 15 or newer`,
    );
  });

  it('rights that its role lacks, with the SQL that grants them, quoted', () => {
    expect(obstacleIn({ ...FIT, mayCreateTables: false })).toBe(
      'the role o"brien may not create tables in the database history. Run there as its owner: ' +
        'GRANT CREATE ON SCHEMA public TO "o""brien";',
    );
    expect(obstacleIn({ ...FIT, mayCreateSchemas: false })).toContain(
      'GRANT CREATE ON DATABASE "history" TO "o""brien";',
    );
  });

  it('a text encoding that does not hold every text', () => {
    expect(obstacleIn({ ...FIT, encoding: 'SQL_ASCII' })).toContain('SQL_ASCII');
  });

  it('that it can only be read', () => {
    expect(obstacleIn({ ...FIT, readOnly: true })).toContain('can only be read');
  });
});
