-- The role stays: it belongs to the server, and other databases may use it.
DROP TABLE interlock.publication, interlock.idempotency_key, interlock.node_session;
DROP FUNCTION interlock.lock_log();
DROP TABLE interlock.event CASCADE;
DROP TABLE interlock.event_head CASCADE;
DROP FUNCTION interlock.event_seal(), interlock.event_immutable(), interlock.event_notify();
