"""`interlock audit`: what happened, and that the log is as it was written."""

import asyncio

import msgspec
from cyclopts import App
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from controlplane.cli.client import HERE, Connection, Exit, fail
from controlplane.cli.display import print_json, say, show
from controlplane.store.chain import Verdict
from controlplane.store.chain import verify as walk_chain

audit = App(name="audit", help="What happened, and that the log is as it was written.")

_EVENTS = {
    "seq": "seq",
    "time": "recordedAt",
    "kind": "kind",
    "subject": "subject",
    "actor": "actor",
    "reason": "reason",
}


@audit.command
def log(  # noqa: PLR0913 - one for each filter
    *,
    kind: str | None = None,
    actor: str | None = None,
    subject: str | None = None,
    since: str | None = None,
    before: str | None = None,
    after: int | None = None,
    limit: int | None = None,
    connection: Connection = HERE,
) -> None:
    """Events, oldest first.

    Args:
        kind: a kind, as switch.committed, or its first part.
        actor: who did it, as user:admin.
        subject: what it is about, as vcluster/teamA.
        since: a time with a zone, as 2026-01-31T12:00:00Z.
        before: likewise.
        after: only events with a greater number.
        limit: at most so many.
        connection: where to ask.
    """
    answer = connection.get(
        "/api/v1/events",
        kind=kind,
        actor=actor,
        subject=subject,
        since=since,
        before=before,
        after=after,
        limit=limit,
    )
    show(connection, answer, _EVENTS)


@audit.command
def verify(*, database: str | None = None, connection: Connection = HERE) -> int:
    """Walk the log's hash chain; names the first event that is not as it was written.

    Args:
        database: URL of a database to look at directly, as a copy; else a control plane is asked.
        connection: where to ask.
    """
    if database is None:
        answer = connection.get("/api/v1/audit/verify")
    else:
        answer = msgspec.to_builtins(asyncio.run(_verify_database(database)))
    bad = answer["first_bad"]
    if connection.output == "json":
        print_json(answer)
    elif bad is None:
        say(f"{answer['events']} events, all as they were written; head {answer['head_hash']}")
    else:
        say(f"event {bad} is not as it was written: the log was tampered with, there or later")
    return Exit.DONE if bad is None else Exit.REFUSED


async def _verify_database(url: str) -> Verdict:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        return await walk_chain(engine)
    except (OSError, SQLAlchemyError) as error:
        fail(f"the database cannot be read: {getattr(error, 'orig', error)}", Exit.UNREACHABLE)
    finally:
        await engine.dispose()
