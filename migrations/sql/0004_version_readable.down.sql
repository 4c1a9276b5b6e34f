REVOKE SELECT ON interlock.alembic_version FROM interlock_app;
