"""Brings the database to the schema of this release."""

import asyncio
from pathlib import Path

import asyncpg
import sqlalchemy as sa
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory

from controlplane.store.database import connect

_UNTOLD = (
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedTableError,
    asyncpg.InsufficientPrivilegeError,
)
_SCHEMA = "SELECT version_num FROM interlock.alembic_version"
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


class SchemaError(Exception):
    """The database has not the schema of this release; the message says what to do."""


async def require_schema(url: str) -> None:
    """Look whether the database has the schema of this release, and change nothing.

    Raises:
        SchemaError: it has another, or none.
    """
    needed = ScriptDirectory.from_config(_config(url)).get_current_head()
    found = await _schema_of(url)
    if found != needed:
        raise SchemaError(
            f"the database has the schema {found or 'of no release that can be told'}, and this"
            f" release needs {needed}: run `interlock database migrate` with DATABASE_URL of the"
            " user that owns it"
        )


async def _schema_of(url: str) -> str | None:
    try:
        connection = await connect(url)
    except asyncpg.InvalidParameterValueError:
        return None  # not even the application's role is there
    try:
        found: str | None = await connection.fetchval(_SCHEMA)
    except _UNTOLD:
        return None
    else:
        return found
    finally:
        await connection.close()


async def downgrade(url: str, revision: str = "base") -> None:
    """Take migrations back, newest first."""
    await asyncio.to_thread(command.downgrade, _config(url), revision)


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config
