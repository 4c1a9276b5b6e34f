-- What the leading control plane last saw of each partition of a scope's cluster and a replica of
-- it: a look writes those that have changed since the look before. `replica_watch` has the same in
-- one value, as control planes of an older release write and read it; the newer of both counts.
CREATE TABLE interlock.replica_look (
  scope        text NOT NULL,
  from_cluster text NOT NULL,
  to_cluster   text NOT NULL,
  -- Who wrote the marks: whoever finds another one there writes all of its own.
  writer       uuid        NOT NULL,
  looked       jsonb       NOT NULL,
  seen_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, from_cluster, to_cluster)
);

CREATE TABLE interlock.replica_mark (
  scope        text NOT NULL,
  from_cluster text NOT NULL,
  to_cluster   text NOT NULL,
  partition    text NOT NULL,
  mark         jsonb NOT NULL,
  PRIMARY KEY (scope, from_cluster, to_cluster, partition)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON interlock.replica_look TO interlock_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON interlock.replica_mark TO interlock_app;
