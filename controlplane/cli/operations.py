"""`interlock nodes`, `interlock audit` and `interlock control`."""

import asyncio
from typing import Any

import msgspec
from cyclopts import App
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from controlplane.cli.client import HERE, Connection, Exit, fail
from controlplane.cli.display import print_json, say, show, show_one
from controlplane.store.chain import Verdict
from controlplane.store.chain import verify as walk_chain

nodes = App(name="nodes", help="Gateway nodes.")
audit = App(name="audit", help="What happened, and that the log is as it was written.")
control = App(name="control", help="The control topic, and the log that it is written from.")

_NODES = {
    "node": "nodeId",
    "leased": "leased",
    "in step": "inStep",
    "seconds ago": "reportedSecondsAgo",
    "applied": "appliedSeq",
    "scopes": "scopes",
    "trouble": "trouble",
}
_DIFFERENCES = {"key": "key", "in the log": "log", "broadcast": "broadcast"}
_EVENTS = {
    "seq": "seq",
    "time": "recordedAt",
    "kind": "kind",
    "subject": "subject",
    "actor": "actor",
    "reason": "reason",
}


@nodes.command(name="list")
def list_all(connection: Connection = HERE) -> None:
    """Every registered node; all of them are waited for in a switch."""
    answer = connection.get("/api/v1/nodes")
    if connection.output == "table":
        for node in answer["items"]:
            node["scopes"] = [
                f"{name}: {scope['phase']}, epoch {scope['epoch']}"
                for name, scope in node["scopes"].items()
            ]
    show(connection, answer, _NODES)


@nodes.command
def forget(node_id: str, /, connection: Connection = HERE) -> None:
    """Let a node go that will not come back, so that no switch waits for it.

    You vouch that its process is stopped: the control plane cannot know.

    Args:
        node_id: which one.
        connection: where to ask.
    """
    connection.post(f"/api/v1/nodes/{node_id}/forget")


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


@control.command(name="rebuild-topic")
def rebuild_topic(connection: Connection = HERE) -> None:
    """Delete the control topic and write all current records again, from Postgres."""
    show_one(connection, connection.post("/api/v1/control-topic/rebuild"))


@control.command
def digest(connection: Connection = HERE) -> None:
    """The digest that every node should come to."""
    show_one(connection, connection.get("/api/v1/control-topic"))


@control.command
def reconcile(
    *, apply: bool = False, reason: str | None = None, connection: Connection = HERE
) -> int:
    """Compare the log with what was broadcast, when its database was restored or is another.

    Exit code 1 if something stands against the log, and was not settled.

    Args:
        apply: take what was broadcast back into the log, by one event.
        reason: why; stands in the log, and has to be given with --apply.
        connection: where to ask.
    """
    if apply and not reason:
        fail("--apply needs --reason: it stands in the log", Exit.USAGE)
    found = connection.get("/api/v1/log/reconciliation")
    if apply:
        if connection.output == "table":
            _show_differences(connection, found)
        taken = {"reason": reason, "digest": found["digest"]}
        found = connection.post("/api/v1/log/reconciliation", taken)
    if connection.output == "json":
        print_json(found)
    elif not apply:
        _show_differences(connection, found)
    if connection.output == "table":
        say(found["objection"] or f"the log holds all that is known, up to event {found['seq']}")
    return Exit.REFUSED if found["objection"] else Exit.DONE


def _show_differences(connection: Connection, found: dict[str, Any]) -> None:
    broadcast = found["broadcastLog"] or "nothing"
    say(f"log {found['log']} ends at event {found['seq']}")
    say(f"broadcast was {broadcast}, up to event {found['broadcastSeq']}")
    for copy in found["copies"]:
        say(f"{copy['where']}: log {copy['log'] or 'unknown'}, event {copy['seq']}")
    rows = [
        {"key": one["key"], "log": _said(one["log"]), "broadcast": _said(one["broadcast"])}
        for one in found["differences"]
    ]
    show(connection, {"items": rows}, _DIFFERENCES)


def _said(said: dict[str, Any] | None) -> str:
    """What is said of a key: its event, and what makes the difference there is."""
    if said is None:
        return "nothing"
    if said["state"] is None:
        return f"{said['seq']}: gone"
    state = {k: v for k, v in said["state"].items() if k != "type" and not isinstance(v, dict)}
    return f"{said['seq']}: " + ", ".join(f"{k} {v}" for k, v in state.items() if v is not None)
