// A timeline as a hand-written program would keep it: one table, one index, a page is one SELECT.
import { randomUUID } from 'node:crypto';
import { nextProse } from '../payloads.mjs';
import { connect, disconnect } from '../server.mjs';

const TABLE = `
  CREATE TABLE timeline (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id uuid NOT NULL, task_id uuid NOT NULL, kind text NOT NULL, phase text NOT NULL, title text NOT NULL,
    content text NOT NULL, created_at timestamptz NOT NULL)`;

const FILL = `
  INSERT INTO timeline (owner_id, task_id, kind, phase, title, content, created_at)
  SELECT $1, $2, 'chat_message', 'execute', 'Task ' || n % 720, ($3::text[])[1 + n % cardinality($3::text[])],
    '2026-01-01'::timestamptz + n * interval '1 second'
  FROM generate_series($4::int, $5::int) AS n`;

const FIRST_PAGE = {
  name: 'first-page',
  text: `SELECT id, task_id, kind, phase, title, content, created_at FROM timeline
    WHERE owner_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`,
};

/** A table of `count` entries of 1 KB of one owner. */
export async function plainTimeline(url, count) {
  const clients = await connect(url, 1);
  const [client] = clients;
  const owner = randomUUID();
  const texts = Array.from({ length: 256 }, nextProse);
  await client.query(TABLE);
  for (let from = 1; from <= count; from += 50_000) {
    await client.query(FILL, [owner, randomUUID(), texts, from, Math.min(from + 49_999, count)]);
  }
  await client.query('CREATE INDEX ON timeline (owner_id, created_at, id)');
  await client.query('VACUUM ANALYZE timeline');
  return {
    async firstPage(size) {
      const { rows } = await client.query({ ...FIRST_PAGE, values: [owner, size] });
      if (rows.length !== size) throw new Error(`the plain table answers ${rows.length} rows`);
    },
    close: () => disconnect(clients),
  };
}
