"""One control plane leads: the one whose connection holds an advisory lock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from controlplane.store.database import connect

_LOCK = "hashtext('interlock.leader')"


@asynccontextmanager
async def candidate(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to lead with. Leadership lasts as long as it, and Postgres notices its end."""
    connection = await connect(url)
    try:
        yield connection
    finally:
        connection.terminate()


async def try_to_lead(connection: asyncpg.Connection) -> bool:
    """Become the leader, unless another control plane is."""
    # A stale leader does no harm: its appends are decided under the log's lock, and its producer is
    # fenced by the transactional id. Leading only keeps two from doing the same work.
    return bool(await connection.fetchval(f"SELECT pg_try_advisory_lock({_LOCK})"))
