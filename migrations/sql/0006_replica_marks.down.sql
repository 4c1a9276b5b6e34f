DROP TABLE interlock.replica_mark;
DROP TABLE interlock.replica_look;
