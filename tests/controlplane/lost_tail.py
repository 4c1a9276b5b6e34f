"""A database that is restored as it was at an event, under the control planes that use it."""

import asyncpg

_ALONE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def restore(database_url: str, seq: int) -> int:
    """As a backup from right after that event: what came later is gone, and so is soft state.

    Returns: how many events came later.
    """
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("ALTER TABLE interlock.event DISABLE TRIGGER USER")
            lost = await connection.execute("DELETE FROM interlock.event WHERE seq > $1", seq)
            await connection.execute("ALTER TABLE interlock.event ENABLE TRIGGER USER")
            await connection.execute(
                "UPDATE interlock.event_head SET seq = $1, hash = coalesce("
                "(SELECT hash FROM interlock.event WHERE seq = $1),"
                " decode(repeat('00', 32), 'hex'))",
                seq,
            )
            await connection.execute(
                "UPDATE interlock.publication SET last_seq = least(last_seq, $1)", seq
            )
            await connection.execute("TRUNCATE interlock.node_session")
        await connection.execute(_ALONE)
    finally:
        await connection.close()
    return int(lost.removeprefix("DELETE "))


async def replace(database_url: str) -> None:
    """By an empty one: another log."""
    await restore(database_url, 0)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE interlock.event_head SET log_id = gen_random_uuid()")
    finally:
        await connection.close()
