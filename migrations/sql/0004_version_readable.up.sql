GRANT SELECT ON interlock.alembic_version TO interlock_app;
