"""`interlock nodes` and `interlock control`."""

from typing import Any

from cyclopts import App

from controlplane.cli.client import HERE, Connection, Exit, fail
from controlplane.cli.display import print_json, say, show, show_one

nodes = App(name="nodes", help="Gateway nodes.")
control = App(name="control", help="The control topic, and the log that it is written from.")

_NODES = {
    "node": "nodeId",
    "token": "tokenId",
    "leased": "leased",
    "in step": "inStep",
    "seconds ago": "reportedSecondsAgo",
    "applied": "appliedSeq",
    "scopes": "scopes",
    "trouble": "trouble",
}
_DIFFERENCES = {"key": "key", "in the log": "log", "broadcast": "broadcast"}


@nodes.command(name="list")
def list_all(connection: Connection = HERE) -> None:
    """Every registered node; all of them are waited for in a switch."""
    answer = connection.get("/api/v1/nodes")
    if connection.output == "table":
        for node in answer["items"]:
            node["tokenId"] = node["tokenId"] or "shared"
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
        if found["objection"] and not apply:
            say("To have the log say what was broadcast: give --apply and --reason")
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
