// What a database takes on disk.

/** Bytes of all tables of makima's in a database, with indexes and what is stored out of line. */
export async function databaseBytes(client) {
  const { rows } = await client.query(`
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`);
  return Number(rows[0].bytes);
}

/** The same by table, largest first: [schema.table, bytes of the table, bytes of its indexes]. */
export async function tableBytes(client) {
  const { rows } = await client.query(`
    SELECT format('%s.%s', n.nspname, c.relname) AS name, pg_table_size(c.oid)::bigint AS heap,
      pg_indexes_size(c.oid)::bigint AS indexes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY pg_total_relation_size(c.oid) DESC`);
  return rows.map(({ name, heap, indexes }) => [name, Number(heap), Number(indexes)]);
}
