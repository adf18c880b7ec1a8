// Which rows a piece of work wrote: those whose transaction is younger than the moment before it.

async function tables(client) {
  const { rows } = await client.query(`
    SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`);
  return rows.map(({ name }) => name);
}

/**
 * Notes the present moment.
 * @returns a function that answers how many rows were inserted or changed since, and their bytes, by table.
 */
export async function writtenSince(client) {
  const { rows: moment } = await client.query(
    'SELECT pg_current_xact_id()::text::bigint % 4294967296 AS xid',
  );
  const { xid } = moment[0];
  return async () => {
    const found = [];
    for (const name of await tables(client)) {
      const { rows } = await client.query(
        `SELECT count(*)::int AS rows, coalesce(sum(pg_column_size(t.*)), 0)::int AS bytes
         FROM ${name} t WHERE t.xmin::text::bigint > $1`,
        [xid],
      );
      if (rows[0].rows > 0) found.push({ name, ...rows[0] });
    }
    return {
      rows: found.reduce((sum, { rows }) => sum + rows, 0),
      bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
      tables: found.map(({ name, rows }) => `${name.split('.').at(-1)} ${rows}`).join(', '),
    };
  };
}
