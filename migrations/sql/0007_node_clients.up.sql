-- Who the clients of each gateway node are, as it told last: for people who ask. Nothing is decided
-- on it, and it may be lost at any time.
CREATE TABLE interlock.node_clients (
  node_id text        PRIMARY KEY,
  seen    jsonb       NOT NULL,
  told_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, UPDATE, DELETE ON interlock.node_clients TO interlock_app;
