-- What the log adds up to at one of its events, so that a control plane need not add it all up when
-- it starts. It can be made anew at any time: the events are the truth, and stay as they are.

CREATE TABLE interlock.fold_snapshot (
  format    text   NOT NULL,
  seq       bigint NOT NULL,
  hash      bytea  NOT NULL,
  content   bytea  NOT NULL,
  signature text   NOT NULL,
  taken_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (format, seq)
);
-- It is deflated already.
ALTER TABLE interlock.fold_snapshot ALTER COLUMN content SET STORAGE EXTERNAL;

GRANT SELECT, INSERT, UPDATE, DELETE ON interlock.fold_snapshot TO interlock_app;
