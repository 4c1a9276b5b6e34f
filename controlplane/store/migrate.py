"""Brings the database to the schema of this release, or leaves it at that of a newer one.

A release runs on the schema of the next one: while control planes are exchanged, those that are
still of the one before may end and begin again (ADR 42).
"""

import asyncio
from pathlib import Path

import asyncpg
import sqlalchemy as sa
import structlog
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

_logger = structlog.get_logger()


def run_script(name: str) -> None:
    """Execute a versioned SQL file of `migrations/sql/` within the running migration."""
    script = (_MIGRATIONS / "sql" / name).read_text()
    # A driver's prepared statement holds one command; the simple protocol takes a whole script.
    # The SELECT makes the adapter open its transaction, which the script then runs in.
    connection = op.get_bind()
    connection.execute(sa.text("SELECT 1"))
    connection.connection.dbapi_connection.run_async(lambda driver: driver.execute(script))  # type: ignore[union-attr] # the asyncpg adapter's own way in


async def migrate(url: str, revision: str = "head") -> None:
    """Upgrade the database; the URL's user must be allowed to create a schema and a role.

    One that a newer release has upgraded stays as it is.
    """
    found = await _schema_of(url)
    if _is_newer(url, found):
        _logger.warning("database.newer", schema=found)
        return
    await asyncio.to_thread(command.upgrade, _config(url), revision)


class SchemaError(Exception):
    """The database has not the schema of this release; the message says what to do."""


async def require_schema(url: str) -> None:
    """Look whether the database has the schema of this release, and change nothing.

    Raises:
        SchemaError: it has an older one, or none.
    """
    needed = ScriptDirectory.from_config(_config(url)).get_current_head()
    found = await _schema_of(url)
    if _is_newer(url, found):
        _logger.warning("database.newer", schema=found, known=needed)
    elif found != needed:
        raise SchemaError(
            f"the database has the schema {found or 'of no release that can be told'}, and this"
            f" release needs {needed}: run `interlock database migrate` with DATABASE_URL of the"
            " user that owns it"
        )


def _is_newer(url: str, found: str | None) -> bool:
    """Whether a schema is one that this release has never heard of."""
    known = ScriptDirectory.from_config(_config(url)).walk_revisions()
    return found is not None and all(found != script.revision for script in known)


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
    """Take migrations back, newest first.

    Raises:
        SchemaError: this release knows no such schema.
    """
    if revision != "base" and _is_newer(url, revision):
        raise SchemaError(f"this release knows no schema {revision}")
    await asyncio.to_thread(command.downgrade, _config(url), revision)


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config
