-- Events that a version of a projection passes over, because an admin has told it to: building it anew does too. Who did
-- it and why is on record in the log.
CREATE TABLE skipped_events (
  projection text NOT NULL,
  version    integer NOT NULL,
  event_id   uuid NOT NULL,
  position   bigint NOT NULL,
  skipped_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (projection, version, event_id)
);
