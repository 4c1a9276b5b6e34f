"""Connections to Postgres, all of them as the role that cannot rewrite events."""

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

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

_SESSION = {
    "role": APP_ROLE,
    # A writer that hangs holds the append mutex: better that it fails.
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "application_name": "interlock",
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
