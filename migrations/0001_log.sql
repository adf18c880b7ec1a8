-- The log: append-only. Positions are gapless and commit in order, because every append locks log_head first.

CREATE TABLE log_head (
  one        boolean PRIMARY KEY DEFAULT true CHECK (one),
  position   bigint NOT NULL,
  recorded_at timestamptz NOT NULL
);
INSERT INTO log_head (position, recorded_at) VALUES (0, 'epoch');

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
-- Answers one row an item: 'ok', 'conflict' (with the actual version) or 'duplicate' (an id stands there already).
-- `probe`: look the ids up first; the appender asks for it after a unique violation or a lost connection.
CREATE FUNCTION append_events(
  item_streams text[], item_owners uuid[], item_expected bigint[], item_counts integer[],
  ids uuid[], types text[], schema_versions smallint[], metadata bytea[], bodies bytea[],
  body_hashes bytea[], digests bytea[], probe boolean
) RETURNS TABLE (outcome text, version bigint, "position" bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  n         integer := array_length(item_streams, 1);
  at        integer := 0;            -- events of the items before this one
  pos       bigint;
  was       bigint;
  recorded  timestamptz;
  stream    bigint;
  current   bigint;
  chain     bytea;
  held      integer;
  -- one element an event; null where its item was not accepted
  row_position bigint[] := '{}';
  row_stream   bigint[] := '{}';
  row_version  bigint[] := '{}';
  row_owner    uuid[] := '{}';
  row_hash     bytea[] := '{}';
BEGIN
  SELECT h.position, greatest(h.recorded_at, clock_timestamp()) INTO pos, recorded FROM log_head h FOR UPDATE;
  was := pos;
  FOR i IN 1 .. n LOOP
    SELECT s.id, s.version, s.hash INTO stream, current, chain FROM streams s WHERE s.name = item_streams[i];
    IF NOT FOUND THEN
      stream := NULL; current := 0; chain := decode(repeat('00', 32), 'hex');
    END IF;
    outcome := 'ok';
    IF probe AND stream IS NOT NULL THEN
      SELECT count(*) INTO held FROM events e
        WHERE e.stream_id = stream AND e.event_id = ANY (ids[at + 1 : at + item_counts[i]]);
      IF held > 0 THEN outcome := 'duplicate'; END IF;
    END IF;
    IF outcome = 'ok' AND item_expected[i] >= 0 AND item_expected[i] <> current THEN outcome := 'conflict'; END IF;
    IF outcome = 'ok' THEN
      FOR j IN at + 1 .. at + item_counts[i] LOOP
        current := current + 1;
        pos := pos + 1;
        chain := sha256(chain || int8send(current) || digests[j]);
        row_position := row_position || pos;
        row_version := row_version || current;
        row_owner := row_owner || item_owners[i];
        row_hash := row_hash || chain;
      END LOOP;
      IF stream IS NULL THEN
        INSERT INTO streams (name, owner_id, version, hash) VALUES (item_streams[i], item_owners[i], current, chain)
          RETURNING id INTO stream;
      ELSE
        UPDATE streams SET version = current, hash = chain WHERE id = stream;
      END IF;
      row_stream := row_stream || array_fill(stream, ARRAY[item_counts[i]]);
    ELSE
      row_position := row_position || array_fill(NULL::bigint, ARRAY[item_counts[i]]);
      row_stream := row_stream || array_fill(NULL::bigint, ARRAY[item_counts[i]]);
      row_version := row_version || array_fill(NULL::bigint, ARRAY[item_counts[i]]);
      row_owner := row_owner || array_fill(NULL::uuid, ARRAY[item_counts[i]]);
      row_hash := row_hash || array_fill(NULL::bytea, ARRAY[item_counts[i]]);
    END IF;
    version := current;
    position := pos;
    at := at + item_counts[i];
    RETURN NEXT;
  END LOOP;
  IF pos > was THEN
    INSERT INTO events (position, stream_id, version, event_id, owner_id, recorded_at, schema_version, type, metadata,
                        body, body_hash, hash)
      SELECT r.position, r.stream, r.version, r.id, r.owner, recorded, r.schema_version, r.type, r.metadata, r.body,
             r.body_hash, r.hash
      FROM unnest(row_position, row_stream, row_version, ids, row_owner, schema_versions, types, metadata, bodies,
                  body_hashes, row_hash)
        AS r(position, stream, version, id, owner, schema_version, type, metadata, body, body_hash, hash)
      WHERE r.position IS NOT NULL;
    UPDATE log_head SET position = pos, recorded_at = recorded;
  END IF;
END $$;
