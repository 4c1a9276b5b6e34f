DROP TABLE interlock.replica_watch;
