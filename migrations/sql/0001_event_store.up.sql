-- The event store: an append-only log with gapless numbers, a hash chain, and one lock for writers.

DO $$
BEGIN
  CREATE ROLE interlock_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL; -- roles belong to the server: another database of it was migrated before
END $$;
GRANT interlock_app TO CURRENT_USER;

-- One row. Its row lock is the append mutex, so seq is gapless and seq order is commit order.
CREATE TABLE interlock.event_head (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  log_id    uuid    NOT NULL DEFAULT gen_random_uuid(),
  seq       bigint  NOT NULL DEFAULT 0,
  hash      bytea   NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
) WITH (fillfactor = 10);
INSERT INTO interlock.event_head DEFAULT VALUES;

CREATE TABLE interlock.event (
  seq            bigint      PRIMARY KEY,
  event_id       uuid        NOT NULL UNIQUE,
  stream         text        NOT NULL,
  version        integer     NOT NULL CHECK (version > 0),
  type           text        NOT NULL CHECK (type ~ '^[a-z_]+\.[a-z_]+$'),
  schema_version smallint    NOT NULL DEFAULT 1 CHECK (schema_version > 0),
  data           jsonb       NOT NULL CHECK (jsonb_typeof(data) = 'object'),
  actor          text        NOT NULL,
  request_id     uuid,
  causation_seq  bigint      REFERENCES interlock.event (seq),
  reason         text,
  recorded_at    timestamptz NOT NULL,
  prev_hash      bytea       NOT NULL,
  hash           bytea       NOT NULL,
  UNIQUE (stream, version)
);
CREATE INDEX event_type_seq ON interlock.event (type, seq);
CREATE INDEX event_actor_seq ON interlock.event (actor, seq);
CREATE INDEX event_recorded_brin ON interlock.event USING brin (recorded_at);

-- What is hashed. Time as integer microseconds, so that no session's time zone gets into it.
CREATE FUNCTION interlock.event_canonical(e interlock.event) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_array(
    e.seq, e.event_id, e.stream, e.version, e.type, e.schema_version, e.data, e.actor, e.request_id,
    e.causation_seq, e.reason, (extract(epoch FROM e.recorded_at) * 1000000)::bigint)::text
$$;

CREATE FUNCTION interlock.event_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = interlock, pg_catalog AS $$
DECLARE head interlock.event_head;
BEGIN
  UPDATE interlock.event_head SET seq = seq + 1 RETURNING * INTO head;
  NEW.seq := head.seq;
  NEW.recorded_at := clock_timestamp();
  NEW.prev_hash := head.hash;
  NEW.hash := sha256(NEW.prev_hash || convert_to(interlock.event_canonical(NEW), 'UTF8'));
  UPDATE interlock.event_head SET hash = NEW.hash;
  RETURN NEW;
END $$;
CREATE TRIGGER event_seal BEFORE INSERT ON interlock.event
  FOR EACH ROW EXECUTE FUNCTION interlock.event_seal();

CREATE FUNCTION interlock.event_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'interlock.event is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER event_no_rewrite BEFORE UPDATE OR DELETE ON interlock.event
  FOR EACH ROW EXECUTE FUNCTION interlock.event_immutable();
CREATE TRIGGER event_no_truncate BEFORE TRUNCATE ON interlock.event
  FOR EACH STATEMENT EXECUTE FUNCTION interlock.event_immutable();

-- A hint that wakes followers; they poll as well.
CREATE FUNCTION interlock.event_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('interlock_log', '');
  RETURN NULL;
END $$;
CREATE TRIGGER event_notify AFTER INSERT ON interlock.event
  FOR EACH STATEMENT EXECUTE FUNCTION interlock.event_notify();

-- Takes the append mutex before a decision, so that what was decided on cannot change meanwhile.
CREATE FUNCTION interlock.lock_log() RETURNS interlock.event_head
LANGUAGE sql SECURITY DEFINER SET search_path = interlock, pg_catalog AS $$
  SELECT * FROM interlock.event_head FOR UPDATE
$$;

-- Heartbeats are soft state and never in the log. Lost in a crash of the server, and that is right:
-- a lease that nobody remembers is assumed to have been granted just now.
CREATE UNLOGGED TABLE interlock.node_session (
  node_id     text PRIMARY KEY,
  report      jsonb       NOT NULL,
  granted     boolean     NOT NULL,
  reported_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE interlock.idempotency_key (
  principal    text     NOT NULL,
  key          text     NOT NULL,
  request_hash bytea    NOT NULL,
  status       smallint NOT NULL,
  response     jsonb    NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (principal, key)
);

CREATE TABLE interlock.publication (
  topic      text   PRIMARY KEY,
  last_seq   bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now()
);

GRANT USAGE ON SCHEMA interlock TO interlock_app;
GRANT SELECT, INSERT ON interlock.event TO interlock_app;
GRANT SELECT ON interlock.event_head TO interlock_app;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON interlock.node_session, interlock.idempotency_key, interlock.publication TO interlock_app;
