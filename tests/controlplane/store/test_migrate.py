"""Migrations: up, down, and from two control planes at once."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from controlplane.domain.events import RebuildRequested
from controlplane.store.database import open_engine
from controlplane.store.event_store import Attribution, EventStore
from controlplane.store.migrate import SchemaError, downgrade, migrate, require_schema

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


async def test_up_and_down_and_up_again(empty_database):
    await migrate(empty_database)
    full = await _tables(empty_database)
    assert {"event", "event_head", "node_session", "publication", "idempotency_key"} <= full
    await downgrade(empty_database)
    assert await _tables(empty_database) == {"alembic_version"}
    await migrate(empty_database)
    assert await _tables(empty_database) == full


MIGRATE = """
import asyncio, sys
from controlplane.store.migrate import migrate
asyncio.run(migrate(sys.argv[1]))
"""


async def test_two_at_once_do_it_once(empty_database):
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, empty_database)
        for _ in range(2)
    ]
    assert [await process.wait() for process in processes] == [0, 0]
    assert "event" in await _tables(empty_database)


@pytest.fixture
async def login(empty_database, unique_name) -> AsyncIterator[str]:
    """A user of the database who owns nothing."""
    owner = await asyncpg.connect(empty_database)
    try:
        await owner.execute(f"CREATE ROLE {unique_name} LOGIN PASSWORD 'x'")
        netloc = f"{unique_name}:x@{urlsplit(empty_database).netloc.rpartition('@')[2]}"
        yield urlsplit(empty_database)._replace(netloc=netloc).geturl()
        await owner.execute(f"REVOKE interlock_app FROM {unique_name}")
        await owner.execute(f"DROP ROLE {unique_name}")
    finally:
        await owner.close()


async def test_the_application_need_not_own_the_log(empty_database, login, unique_name):
    with pytest.raises(SchemaError, match="run `interlock database migrate`"):
        await require_schema(empty_database)
    await migrate(empty_database)
    owner = await asyncpg.connect(empty_database)
    await owner.execute(f"GRANT interlock_app TO {unique_name}")
    await owner.close()
    await require_schema(login)
    engine = open_engine(login)
    store = EventStore(engine)
    (appended,) = await store.append([RebuildRequested()], {}, Attribution(actor="user:test"))
    assert await store.read(0) == [appended]
    await engine.dispose()
    connection = await asyncpg.connect(login)
    for statement in (
        "ALTER TABLE interlock.event DISABLE TRIGGER ALL",
        "DELETE FROM interlock.event",
        "UPDATE interlock.event_head SET seq = 0",
        "CREATE TABLE interlock.mine ()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_a_database_of_an_older_release_is_told_from_that_of_this_one(empty_database):
    await migrate(empty_database, "0003_reconciling")
    with pytest.raises(SchemaError, match="of no release that can be told"):
        await require_schema(empty_database)


async def test_a_release_runs_on_the_schema_of_the_next_one(empty_database):
    await migrate(empty_database)
    connection = await asyncpg.connect(empty_database)
    await connection.execute("UPDATE interlock.alembic_version SET version_num = '9999_later'")
    await require_schema(empty_database)
    await migrate(empty_database)
    found = await connection.fetchval("SELECT version_num FROM interlock.alembic_version")
    assert found == "9999_later"
    await connection.close()


async def test_the_command_takes_the_schema_back(empty_database):
    await migrate(empty_database)
    said = await _database_migrate(empty_database, "--back-to", "0006_replica_marks")
    assert said == (0, b"the schema is 0006_replica_marks")
    assert "node_clients" not in await _tables(empty_database)
    assert (await _database_migrate(empty_database, "--back-to", "0006"))[0] == 2


async def _database_migrate(url: str, *words: str) -> tuple[int | None, bytes]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "interlock", "database", "migrate", *words),
        env=os.environ | {"DATABASE_URL": url},
        stdout=PIPE,
    )
    said, _ = await process.communicate()
    return process.returncode, said.partition(b";")[0]


async def test_the_command_brings_the_schema(empty_database):
    said = await _database_migrate(empty_database)
    assert said == (0, b"the schema is that of this release")
    await require_schema(empty_database)
