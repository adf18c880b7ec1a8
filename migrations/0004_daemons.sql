-- Daemons as they were last heard, whichever process they are connected to. What they are stands in the log; this is
-- made anew by their next hello. Times are the database's own, so that no two clocks are compared.
CREATE TABLE daemon_presence (
  daemon_id     uuid PRIMARY KEY,
  owner_id      uuid NOT NULL REFERENCES owners (id),
  last_seen_at  timestamptz NOT NULL,
  -- The connection that speaks for it: the newest one. Null: it has closed.
  connection_id uuid,
  free_bytes    bigint,
  used_bytes    bigint
);
CREATE INDEX daemon_presence_owner ON daemon_presence (owner_id);
ALTER TABLE daemon_presence ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON daemon_presence FOR SELECT TO makima_app USING (owner_id = (SELECT makima_owner()));
GRANT SELECT ON daemon_presence TO makima_app;
