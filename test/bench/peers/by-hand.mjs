// A hand-written program that builds makima's read models from the same log: it reads 1,000 events at a time, writes each
// table with one `unnest` statement, and commits once for each 1,000 events. Everything that it must remember is in memory.
import { connect, disconnect } from '../server.mjs';
import { addRows, emptyMemory } from './by-hand-rows.mjs';

const BATCH = 1000;
const SCHEMA = 'by_hand';

const READ = {
  name: 'read',
  text: `SELECT e.position, e.version, s.name AS stream, e.event_id AS id, e.type,
      convert_from(e.metadata, 'UTF8') AS metadata, convert_from(e.body, 'UTF8') AS body
    FROM events e JOIN streams s ON s.id = e.stream_id WHERE e.position > $1 ORDER BY e.position LIMIT ${BATCH}`,
};

/** Rows to be inserted into a table. */
class Inserts {
  rows = [];

  constructor(name, columns, conflict = '') {
    this.columns = columns;
    const list = columns.map(({ column }) => `"${column}"`).join(', ');
    const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
    this.text = `INSERT INTO ${SCHEMA}.${name} (${list}) SELECT * FROM unnest(${arrays})${conflict}`;
    this.name = `insert ${name}`;
  }

  add(row) {
    this.rows.push(row);
  }

  async flush(client) {
    if (this.rows.length === 0) return;
    const values = this.columns.map(({ column }) => this.rows.map((row) => row[column] ?? null));
    await client.query({ name: this.name, text: this.text, values });
    this.rows = [];
  }
}

/** New values for rows that are there (or, with a conflict clause, also for new ones): of each key the last. */
class Latest {
  rows = new Map();

  constructor(statement) {
    this.statement = statement;
  }

  put(key, row) {
    this.rows.set(key, { ...this.rows.get(key), ...row });
  }

  async flush(client) {
    for (const row of this.rows.values()) this.statement.add(row);
    this.rows.clear();
    await this.statement.flush(client);
  }
}

/** Updates by key through unnest; the same shape as Inserts. */
class Updates extends Inserts {
  constructor(name, columns, key) {
    super(name, columns);
    const list = columns.map(({ column }) => `"${column}"`).join(', ');
    const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
    const set = columns
      .filter(({ column }) => !key.includes(column))
      .map(({ column }) => `"${column}" = u."${column}"`);
    const same = key.map((column) => `t."${column}" = u."${column}"`);
    this.text = `UPDATE ${SCHEMA}.${name} t SET ${set.join(', ')} FROM unnest(${arrays}) AS u (${list}) WHERE ${same.join(' AND ')}`;
    this.name = `update ${name} ${columns.length}`;
  }
}

/** Rows that hold from one position to another: the next one ends the one before. */
class States extends Inserts {
  /** Rows that are not in the table yet: they are ended before they are written. */
  unwritten = new Set();

  constructor(name, columns, key) {
    super(name, columns);
    const wanted = [...key, 'from_position', 'to_position'];
    this.ends = new Updates(
      name,
      columns.filter(({ column }) => wanted.includes(column)),
      [...key, 'from_position'],
    );
  }

  /** Ends the former row and begins a new one, which it answers. */
  next(before, row, position) {
    const after = { ...row, from_position: position, to_position: null };
    if (before) {
      before.to_position = position;
      if (!this.unwritten.has(before)) this.ends.add(before);
    }
    this.unwritten.add(after);
    this.add(after);
    return after;
  }

  async flush(client) {
    await this.ends.flush(client);
    await super.flush(client);
    this.unwritten.clear();
  }
}

const LIVE = `SELECT schema, p.name AS projection, c.relname AS table, c.oid
  FROM projections p JOIN pg_namespace n ON n.nspname = p.schema JOIN pg_class c ON c.relnamespace = n.oid
  WHERE p.status = 'live' AND c.relkind = 'r' ORDER BY 1, 3`;
const COLUMNS = `SELECT attname AS column, format_type(atttypid, atttypmod) AS type FROM pg_attribute
  WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`;

/** Empty tables with the columns and indexes of makima's. */
async function makeTables(client) {
  await client.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`);
  await client.query(`CREATE SCHEMA ${SCHEMA}`);
  const columns = {};
  for (const { schema, table, oid } of (await client.query(LIVE)).rows) {
    await client.query(`CREATE TABLE ${SCHEMA}.${table} (LIKE "${schema}".${table} INCLUDING ALL)`);
    columns[table] = (await client.query(COLUMNS, [oid])).rows;
  }
  const of = (table, names) => columns[table].filter(({ column }) => names.includes(column));
  const inserts = (table) => new Inserts(table, columns[table]);
  const upserts = (table, key, values) => {
    const set = values.map((value) => `${value} = excluded.${value}`).join(', ');
    return new Latest(new Inserts(table, columns[table], ` ON CONFLICT (${key}) DO UPDATE SET ${set}`));
  };
  const fixed = ['owner_id', 'position', 'message_id', 'occurred_at', 'latest_at', 'call_seq'];
  const amended = columns.messages.filter(({ column }) => !fixed.includes(column));
  const taken = of('checkpoints', ['id', 'task_id', 'conversation_snapshot_id']);
  const left = of('conversation_branches', ['task_id', 'branch', 'left_position', 'left_seq']);
  return {
    contract_states: new States('contract_states', columns.contract_states, ['contract_id']),
    task_states: new States('task_states', columns.task_states, ['task_id']),
    messages: inserts('messages'),
    former_messages: inserts('former_messages'),
    amendedMessages: new Latest(new Updates('messages', amended, ['task_id', 'seq'])),
    conversation_branches: inserts('conversation_branches'),
    leftBranches: new Latest(new Updates('conversation_branches', left, ['task_id', 'branch'])),
    checkpoints: inserts('checkpoints'),
    snapshotOfCheckpoint: new Latest(new Updates('checkpoints', taken, ['id', 'task_id'])),
    snapshots: inserts('snapshots'),
    entries: inserts('entries'),
    amended_signatures: upserts('amended_signatures', 'task_id, seq', ['position', 'signature']),
    task_places: upserts('task_places', 'task_id', ['contract_id']),
    contract_phases: upserts('contract_phases', 'contract_id', ['phase']),
  };
}

/** Builds all tables anew; answers the number of events read. */
export async function rebuildByHand(url) {
  const [reader, writer] = await connect(url, 2);
  const tables = await makeTables(writer);
  const memory = emptyMemory();
  let position = 0;
  let count = 0;
  for (;;) {
    const { rows } = await reader.query({ ...READ, values: [position] });
    if (rows.length === 0) break;
    for (const row of rows) {
      addRows(tables, memory, { ...row, metadata: JSON.parse(row.metadata), data: JSON.parse(row.body) });
    }
    await writer.query('BEGIN');
    for (const table of Object.values(tables)) await table.flush(writer);
    await writer.query('COMMIT');
    position = rows.at(-1).position;
    count += rows.length;
  }
  await disconnect([reader, writer]);
  return count;
}

const hash = (schema, table) =>
  `SELECT count(*)::int AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS hash FROM "${schema}".${table} t`;

/** Tables whose rows are not the same as makima's; none, if the program was right. */
export async function differences(url) {
  const clients = await connect(url, 1);
  const [client] = clients;
  const different = [];
  for (const { schema, table } of (await client.query(LIVE)).rows) {
    const [makima, byHand] = [
      (await client.query(hash(schema, table))).rows[0],
      (await client.query(hash(SCHEMA, table))).rows[0],
    ];
    if (makima.hash !== byHand.hash) different.push(`${table} (${makima.rows} and ${byHand.rows} rows)`);
  }
  await disconnect(clients);
  return different;
}
