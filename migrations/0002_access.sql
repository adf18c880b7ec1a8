-- Owners, their keys, and blobs. What people read of the log is the projections' business.

CREATE TABLE owners (
  id         uuid PRIMARY KEY,
  name       text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE access_keys (
  id          text PRIMARY KEY,
  owner_id    uuid NOT NULL REFERENCES owners (id),
  kind        text NOT NULL CHECK (kind IN ('user', 'tool', 'daemon', 'admin', 'auditor')),
  scopes      text[] NOT NULL,
  contract_id uuid,
  name        text NOT NULL,
  secret_hash bytea NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz,
  revoked_at  timestamptz,
  last_used_at timestamptz
);
CREATE INDEX access_keys_owner ON access_keys (owner_id);

CREATE TABLE blobs (
  owner_id   uuid NOT NULL,
  sha256     bytea NOT NULL,
  bytes      bigint NOT NULL,
  content    bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (owner_id, sha256)
);

-- States that deciders resume from, so that a cold stream costs the same at ten events and at a hundred thousand.
CREATE TABLE decider_states (
  stream       text NOT NULL,
  decider      text NOT NULL,
  version      bigint NOT NULL,
  state        text NOT NULL,
  PRIMARY KEY (stream, decider)
);

CREATE TABLE projections (
  name       text NOT NULL,
  version    integer NOT NULL,
  schema     text NOT NULL,
  position   bigint NOT NULL,
  status     text NOT NULL CHECK (status IN ('live', 'building', 'failed', 'retired')),
  error      jsonb,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (name, version, schema)
);

-- Reads work under the role makima_app, which libs/database/application-role.ts makes before the migrations run: roles
-- belong to the whole server, and where makima's own may not create roles an administrator did it.
CREATE FUNCTION makima_owner() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('makima.owner_id', true), '')::uuid $$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['streams', 'events', 'access_keys', 'blobs'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner ON %I FOR SELECT TO makima_app USING (owner_id = (SELECT makima_owner()))', t);
    EXECUTE format('GRANT SELECT ON %I TO makima_app', t);
  END LOOP;
END $$;
