"""`interlock audit`: what happened, and that the log is as it was written."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cyclopts import App
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from contract.json_errors import UNREADABLE
from controlplane.cli.client import HERE, Connection, Exit, fail
from controlplane.cli.display import print_json, say, show
from controlplane.domain.anchors import Comparison, LogAnchor
from controlplane.store.anchors import AT_ONCE, compare_some, head_anchor
from controlplane.store.chain import Verdict
from controlplane.store.chain import verify as walk_chain

T = TypeVar("T")

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
def anchor(*, database: str | None = None, connection: Connection = HERE) -> None:
    """Print the chain's head as one line of JSON, to be kept where the database is not.

    Lines of many days may stand in one file; `verify --against FILE` takes it.

    Args:
        database: URL of a database to look at directly; else a control plane is asked.
        connection: where to ask.
    """
    if database is None:
        print_json(connection.get("/api/v1/audit/anchor"))
    else:
        print_json(msgspec.to_builtins(_look_at(database, head_anchor)))


@audit.command
def verify(
    *, against: str | None = None, database: str | None = None, connection: Connection = HERE
) -> int:
    """Walk the log's hash chain; names the first event that is not as it was written.

    The chain alone does not show that somebody wrote all of it anew, or cut it short at its end:
    anchors from elsewhere do.

    Args:
        against: `topic`, for the anchors of the control topic, or a file of `audit anchor`.
        database: URL of a database to look at directly, as a copy; else a control plane is asked.
        connection: where to ask.
    """
    if against == "topic" and database is not None:
        fail("the control topic is read by a control plane: leave --database out", Exit.USAGE)
    if database is None:
        verdict = msgspec.convert(connection.get("/api/v1/audit/verify"), Verdict)
    else:
        verdict = _look_at(database, walk_chain)
    compared = None if against is None else _compared(against, database, connection)
    if connection.output == "json":
        anchors = {} if compared is None else {"anchors": msgspec.to_builtins(compared)}
        print_json(msgspec.to_builtins(verdict) | anchors)
    else:
        _say_chain(verdict)
        if compared is not None:
            _say_anchors(compared)
    fits = compared is None or (compared.mismatch is None and compared.newest > 0)
    return Exit.DONE if verdict.first_bad is None and fits else Exit.REFUSED


def _say_chain(verdict: Verdict) -> None:
    if verdict.first_bad is None:
        say(f"{verdict.events} events, all as they were written; head {verdict.head_hash}")
    else:
        say(
            f"event {verdict.first_bad} is not as it was written: the log was tampered with, there"
            " or later"
        )


def _say_anchors(compared: Comparison) -> None:
    if compared.mismatch is not None:
        say(compared.mismatch.why)
    elif compared.newest == 0:
        say("there is no anchor that the log could be held against")
    else:
        say(f"{compared.compared} anchors, all of this log; the newest: event {compared.newest}")
    if compared.lost:
        say(f"{compared.lost} anchors are of events that were lost, as log.reconciled says")
    if compared.unproved:
        say(f"{compared.unproved} anchors are not signed with this key, and were left out")


def _compared(against: str, database: str | None, connection: Connection) -> Comparison:
    if against == "topic":
        return msgspec.convert(connection.get("/api/v1/audit/topic"), Comparison)
    found = Comparison()
    for some in _kept(Path(against)):
        if database is None:
            answer = connection.post("/api/v1/audit/anchors", msgspec.to_builtins(some))
            part = msgspec.convert(answer, Comparison)
        else:
            part = _look_at(database, partial(compare_some, anchors=some))
        found = found.and_also(part)
    return found


def _kept(path: Path) -> Iterator[list[LogAnchor]]:
    """The anchors of a file, some at a time."""
    some: list[LogAnchor] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                some.append(_anchor(path, number, line))
                if len(some) == AT_ONCE:
                    yield some
                    some = []
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}", Exit.USAGE)
    yield some


def _anchor(path: Path, number: int, line: bytes) -> LogAnchor:
    try:
        return msgspec.json.decode(line, type=LogAnchor)
    except UNREADABLE:
        fail(f"line {number} of {path} is not a line of `interlock audit anchor`", Exit.USAGE)


def _look_at(url: str, look: Callable[[AsyncEngine], Coroutine[Any, Any, T]]) -> T:
    """Look at a database directly."""
    return asyncio.run(_looked_at(url, look))


async def _looked_at(url: str, look: Callable[[AsyncEngine], Coroutine[Any, Any, T]]) -> T:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        return await look(engine)
    except (OSError, SQLAlchemyError) as error:
        fail(f"the database cannot be read: {getattr(error, 'orig', error)}", Exit.UNREACHABLE)
    finally:
        await engine.dispose()
