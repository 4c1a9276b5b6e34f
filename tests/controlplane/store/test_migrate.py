"""Migrations: up, down, and from two control planes at once."""

import asyncio
import sys

import asyncpg
import pytest

from controlplane.store.migrate import downgrade, migrate

pytestmark = pytest.mark.environment


async def _tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'interlock'"
        )
        return {row["tablename"] for row in rows}
    finally:
        await connection.close()


async def test_up_and_down_and_up_again(database_url):
    await migrate(database_url)
    full = await _tables(database_url)
    assert {"event", "event_head", "node_session", "publication", "idempotency_key"} <= full
    await downgrade(database_url)
    assert await _tables(database_url) == {"alembic_version"}
    await migrate(database_url)
    assert await _tables(database_url) == full


MIGRATE = """
import asyncio, sys
from controlplane.store.migrate import migrate
asyncio.run(migrate(sys.argv[1]))
"""


async def test_two_at_once_do_it_once(database_url):
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, database_url)
        for _ in range(2)
    ]
    assert [await process.wait() for process in processes] == [0, 0]
    assert "event" in await _tables(database_url)
