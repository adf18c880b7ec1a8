-- The log: append-only. Positions are gapless and commit in order, because every append locks log_head first.

CREATE TABLE log_head (
  position    bigint NOT NULL,
  recorded_at timestamptz NOT NULL
);
INSERT INTO log_head (position, recorded_at) VALUES (0, 'epoch');
-- One row, always. A key with a CHECK would say so too, but cost every append time.
CREATE RULE one_row AS ON INSERT TO log_head DO INSTEAD NOTHING;

CREATE TABLE streams (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name     text NOT NULL UNIQUE,
  owner_id uuid NOT NULL,
  version  bigint NOT NULL,
  hash     bytea NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE events (
  position       bigint PRIMARY KEY,
  stream_id      bigint NOT NULL,
  version        bigint NOT NULL,
  event_id       uuid NOT NULL,
  owner_id       uuid NOT NULL,
  recorded_at    timestamptz NOT NULL,
  schema_version smallint NOT NULL,
  key_id         integer,
  type           text NOT NULL,
  metadata       bytea NOT NULL,
  body           bytea,
  body_hash      bytea NOT NULL,
  hash           bytea NOT NULL,
  UNIQUE (stream_id, version),
  UNIQUE (stream_id, event_id)
);
COMMENT ON COLUMN events.key_id IS 'the key that the body is encrypted with; null: not encrypted';
COMMENT ON COLUMN events.body IS 'JSON as UTF-8 bytes; null: erased, body_hash still stands for it in the chain';

-- Appends a batch of items in one call and one commit. An item is one caller's append: a stream, an expected version
-- (-1: any) and a run of events. The lock on log_head comes first; each later statement sees what was committed before
-- the lock was granted, so checks are never made against a stale snapshot, and one item's conflict fails no neighbour.
-- Answers three numbers an item: 0 accepted, 1 conflict or 2 duplicate (an id stands there already); the stream's
-- version now; the position of the item's last event (means nothing if it was refused).
-- `probe`: look the ids up first; the appender asks for it after a unique violation or a lost connection.
CREATE FUNCTION append_events(
  item_streams text[], item_owners uuid[], item_expected bigint[], item_counts integer[],
  ids uuid[], types text[], schema_versions smallint[], metadata bytea[], bodies bytea[],
  body_hashes bytea[], digests bytea[], probe boolean
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  at        integer;                 -- events of the items before this one
  size      integer;
  head      bigint;                  -- where the log ends when nothing is refused
  pos       bigint;
  recorded  timestamptz;
  stream    bigint;
  current   bigint;
  chain     bytea;
  refusal   integer;
  answers   bigint[];
  -- one element an event; null where its item was refused
  row_position bigint[];
  row_stream   bigint[];
  row_version  bigint[];
  row_owner    uuid[];
  row_hash     bytea[];
BEGIN
  UPDATE log_head h
    SET position = h.position + cardinality(ids), recorded_at = greatest(h.recorded_at, clock_timestamp())
    RETURNING h.position, h.recorded_at INTO head, recorded;

  at := 0;
  pos := head - cardinality(ids);
  FOR i IN 1 .. cardinality(item_streams) LOOP
    size := item_counts[i];
    refusal := 0;
    SELECT s.id, s.version, s.hash INTO stream, current, chain FROM streams s WHERE s.name = item_streams[i];
    IF NOT FOUND THEN
      current := 0;
      chain := decode(repeat('00', 32), 'hex');
    ELSIF probe THEN
      PERFORM FROM events e WHERE e.stream_id = stream AND e.event_id = ANY (ids[at + 1 : at + size]);
      IF FOUND THEN refusal := 2; END IF;
    END IF;
    IF refusal = 0 AND item_expected[i] NOT IN (-1, current) THEN refusal := 1; END IF;
    IF refusal = 0 THEN
      FOR j IN at + 1 .. at + size LOOP
        current := current + 1;
        pos := pos + 1;
        chain := sha256(chain || int8send(current) || digests[j]);
        row_position := row_position || pos;
        row_version := row_version || current;
        row_owner := row_owner || item_owners[i];
        row_hash := row_hash || chain;
      END LOOP;
      IF stream IS NULL THEN
        INSERT INTO streams AS s (name, owner_id, version, hash)
          VALUES (item_streams[i], item_owners[i], current, chain) RETURNING s.id INTO stream;
      ELSE
        UPDATE streams s SET version = current, hash = chain WHERE s.id = stream;
      END IF;
      row_stream := row_stream || array_fill(stream, ARRAY[size]);
    ELSE
      row_position := row_position || array_fill(NULL::bigint, ARRAY[size]);
      row_stream := row_stream || array_fill(NULL::bigint, ARRAY[size]);
      row_version := row_version || array_fill(NULL::bigint, ARRAY[size]);
      row_owner := row_owner || array_fill(NULL::uuid, ARRAY[size]);
      row_hash := row_hash || array_fill(NULL::bytea, ARRAY[size]);
    END IF;
    answers := answers || ARRAY[refusal, current, pos];
    at := at + size;
  END LOOP;

  -- unnest in the select list hands rows on one by one; in FROM each array would be kept in a store of its own first.
  INSERT INTO events (position, stream_id, version, event_id, owner_id, recorded_at, schema_version, type, metadata,
                      body, body_hash, hash)
    SELECT r.position, r.stream, r.version, r.id, r.owner, recorded, r.schema_version, r.type, r.metadata, r.body,
           r.body_hash, r.hash
    FROM (
      SELECT unnest(row_position) AS position, unnest(row_stream) AS stream, unnest(row_version) AS version,
             unnest(ids) AS id, unnest(row_owner) AS owner, unnest(schema_versions) AS schema_version,
             unnest(types) AS type, unnest(metadata) AS metadata, unnest(bodies) AS body,
             unnest(body_hashes) AS body_hash, unnest(row_hash) AS hash
    ) r
    WHERE r.position IS NOT NULL;
  IF pos < head THEN UPDATE log_head SET position = pos; END IF;
  RETURN answers;
END $$;

-- Appends one event to one stream: most appends. Says and does the same as append_events, with few statements,
-- expressions and no arrays: each is set up anew in every transaction, which costs more than running it.
CREATE FUNCTION append_event(
  stream_name text, owner uuid, expected bigint, id uuid, type text, schema_version smallint, metadata bytea, body bytea,
  body_hash bytea, digest bytea
) RETURNS bigint[] LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  pos       bigint;
  recorded  timestamptz;
  stream    bigint;
  current   bigint;
  chain     bytea;
BEGIN
  UPDATE log_head h SET position = h.position + 1, recorded_at = greatest(h.recorded_at, clock_timestamp())
    RETURNING h.position, h.recorded_at INTO pos, recorded;
  UPDATE streams s SET version = s.version + 1, hash = sha256(s.hash || int8send(s.version + 1) || digest)
    WHERE s.name = stream_name AND expected IN (-1, s.version)
    RETURNING s.id, s.version, s.hash INTO stream, current, chain;
  IF FOUND THEN
    INSERT INTO events (position, stream_id, version, event_id, owner_id, recorded_at, schema_version, type, metadata,
                        body, body_hash, hash)
      VALUES (pos, stream, current, id, owner, recorded, schema_version, type, metadata, body, body_hash, chain);
    RETURN ARRAY[0, current, pos];
  END IF;
  -- A new stream, or another version.
  UPDATE log_head SET position = pos - 1;
  RETURN append_events(ARRAY[stream_name], ARRAY[owner], ARRAY[expected], ARRAY[1], ARRAY[id], ARRAY[type],
    ARRAY[schema_version], ARRAY[metadata], ARRAY[body], ARRAY[body_hash], ARRAY[digest], false);
END $$;
