DROP TABLE interlock.fold_snapshot;
