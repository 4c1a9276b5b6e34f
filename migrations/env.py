"""Runs migrations: one at a time per database, each in a transaction of its own."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, make_url, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

SCHEMA = "interlock"


def _url() -> str:
    url = context.config.attributes.get("url") or os.environ["DATABASE_URL"]
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def _migrate(connection: Connection) -> None:
    # Control planes start together; the second waits here and finds nothing left to do.
    connection.execute(text("SELECT pg_advisory_lock(hashtext('interlock.migrations'))"))
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    connection.commit()
    context.configure(
        connection=connection, version_table_schema=SCHEMA, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


async def _run() -> None:
    engine = create_async_engine(_url(), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


asyncio.run(_run())
