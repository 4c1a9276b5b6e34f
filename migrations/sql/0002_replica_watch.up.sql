-- What the leading control plane last saw of a scope's cluster and a replica of it: soft state, for
-- the day on which the cluster does not answer any more. Logged, because that may be the same day.
CREATE TABLE interlock.replica_watch (
  scope        text NOT NULL,
  from_cluster text NOT NULL,
  to_cluster   text NOT NULL,
  watched      jsonb       NOT NULL,
  seen_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, from_cluster, to_cluster)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON interlock.replica_watch TO interlock_app;
