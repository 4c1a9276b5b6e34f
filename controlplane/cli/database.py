"""`interlock database`: what its owner does, so that control planes need not be the owner."""

import asyncio
import os

from cyclopts import App
from sqlalchemy.exc import DBAPIError

from controlplane.cli.client import Exit, fail
from controlplane.cli.display import say
from controlplane.store.database import APP_ROLE
from controlplane.store.migrate import migrate as bring

database = App(name="database", help="The database of the event log.")


@database.command
def migrate() -> None:
    """Bring the database of DATABASE_URL to the schema of this release, as the user that owns it.

    Control planes with INTERLOCK_MIGRATE=false only look whether it is there.
    """
    url = os.environ.get("DATABASE_URL")
    if not url:
        fail("DATABASE_URL is not set: give that of the user who owns the log", Exit.USAGE)
    try:
        asyncio.run(bring(url))
    except DBAPIError as error:
        fail(f"the database of DATABASE_URL does not let us: {error.orig}", Exit.REFUSED)
    except OSError as error:
        fail(f"cannot reach the database of DATABASE_URL: {error}", Exit.UNREACHABLE)
    say(f"the schema is that of this release; control planes may log in as members of {APP_ROLE}")
