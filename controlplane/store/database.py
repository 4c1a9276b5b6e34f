"""Connections to Postgres, all of them as the role that cannot rewrite events."""

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

APP_ROLE = "interlock_app"

LOST = (
    OSError,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What is raised when Postgres cannot be reached, or goes away at whatever moment of a question:
asyncpg's errors have no base of their own."""

KINDS = (
    "log.reconciled",
    "node.token_issued",
    "account.password_sealed",
    "switch.topic_ids_recorded",
    "scope.added",
    "access.login_succeeded",
)
"""Kinds of event that came to be after the first release, in that order: who reads one of them,
reads those before it."""
READS = f"interlock reads {KINDS[-1]}"
"""What this process calls itself, and with it the newest kind of event that it can read. Releases
before the first of these kinds call themselves `interlock`."""

_SESSION = {
    "role": APP_ROLE,
    # A writer that hangs holds the append mutex: better that it fails.
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "application_name": READS,
    "jit": "off",
}


def open_engine(url: str) -> AsyncEngine:
    """A pool of connections for `DATABASE_URL`."""
    return create_async_engine(
        sa.make_url(url).set(drivername="postgresql+asyncpg"),
        connect_args={"server_settings": _SESSION},
        pool_pre_ping=True,
        pool_size=10,
    )


async def connect(url: str) -> asyncpg.Connection:
    """One connection of its own, for what is bound to a session: listening and leading."""
    return await asyncpg.connect(url, server_settings=_SESSION)


_OLDER = sa.text(
    "SELECT DISTINCT coalesce(host(client_addr), 'this host') AS address"
    " FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'interlock%' AND application_name <> ALL(:readers) ORDER BY address"
)


async def who_cannot_read(connection: AsyncConnection, kind: str) -> tuple[str, ...]:
    """Addresses from which control planes of a release that is older than a kind are connected."""
    readers = [f"interlock reads {one}" for one in KINDS[KINDS.index(kind) :]]
    # Where a session comes from is told to its own user alone, which is not the application's role.
    await connection.execute(sa.text("SET LOCAL ROLE NONE"))
    found = (await connection.execute(_OLDER, {"readers": readers})).scalars()
    await connection.execute(sa.text(f"SET LOCAL ROLE {APP_ROLE}"))
    return tuple(found)
