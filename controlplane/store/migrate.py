"""Brings the database to the schema of this release."""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from alembic import command, op
from alembic.config import Config

_MIGRATIONS = Path(__file__).parents[2] / "migrations"


def run_script(name: str) -> None:
    """Execute a versioned SQL file of `migrations/sql/` within the running migration."""
    script = (_MIGRATIONS / "sql" / name).read_text()
    # A driver's prepared statement holds one command; the simple protocol takes a whole script.
    # The SELECT makes the adapter open its transaction, which the script then runs in.
    connection = op.get_bind()
    connection.execute(sa.text("SELECT 1"))
    connection.connection.dbapi_connection.run_async(lambda driver: driver.execute(script))  # type: ignore[union-attr] # the asyncpg adapter's own way in


async def migrate(url: str, revision: str = "head") -> None:
    """Upgrade the database; the URL's user must be allowed to create a schema and a role."""
    await asyncio.to_thread(command.upgrade, _config(url), revision)


async def downgrade(url: str, revision: str = "base") -> None:
    """Take migrations back, newest first."""
    await asyncio.to_thread(command.downgrade, _config(url), revision)


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config
