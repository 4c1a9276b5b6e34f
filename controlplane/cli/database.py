"""`interlock database`: what its owner does, so that control planes need not be the owner."""

import asyncio
import os

from cyclopts import App
from sqlalchemy.exc import DBAPIError

from controlplane.cli.client import Exit, fail
from controlplane.cli.display import say
from controlplane.store.database import APP_ROLE
from controlplane.store.migrate import SchemaError, downgrade
from controlplane.store.migrate import migrate as bring

database = App(name="database", help="The database of the event log.")


@database.command
def migrate(*, back_to: str | None = None) -> None:
    """Bring the database of DATABASE_URL to the schema of this release, as the user that owns it.

    Control planes with INTERLOCK_MIGRATE=false only look whether it is there.

    Args:
        back_to: take back what came after this schema, for control planes of an older release
            that do not start with it (`Can't locate revision`); what only newer ones keep there is
            gone.
    """
    url = os.environ.get("DATABASE_URL")
    if not url:
        fail("DATABASE_URL is not set: give that of the user who owns the log", Exit.USAGE)
    try:
        asyncio.run(bring(url) if back_to is None else downgrade(url, back_to))
    except SchemaError as error:
        fail(str(error), Exit.USAGE)
    except DBAPIError as error:
        fail(f"the database of DATABASE_URL does not let us: {error.orig}", Exit.REFUSED)
    except OSError as error:
        fail(f"cannot reach the database of DATABASE_URL: {error}", Exit.UNREACHABLE)
    schema = "that of this release" if back_to is None else back_to
    say(f"the schema is {schema}; control planes may log in as members of {APP_ROLE}")
