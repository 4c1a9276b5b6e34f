"""`interlock switch`."""

from typing import Annotated, Any, Literal
from uuid import uuid4

from cyclopts import App, Parameter

from controlplane.cli.client import HERE, Connection, Exit, fail
from controlplane.cli.display import among_others, print_json, say, show, show_one
from controlplane.domain.switch.events import Mode

switch = App(name="switch", help="Exchange the cluster behind the virtual clusters.")

_HISTORY = {
    "id": "switchId",
    "scope": "scope",
    "from": "fromCluster",
    "to": "toCluster",
    "phase": "phase",
    "by": "requestedBy",
    "reason": "reason",
    "requested": "requestedAt",
    "cause": "cause",
}


@switch.command
def plan(
    to: str,
    /,
    *,
    scope: str | None = None,
    mode: Mode = "planned",
    waive: tuple[str, ...] = (),
    transactions_budget_s: float = 0.0,
    connection: Connection = HERE,
) -> int:
    """Check what would stand in the way of a switch; changes nothing.

    Args:
        to: the cluster to switch to.
        scope: which virtual clusters; by default those of the first scope.
        mode: planned: commits only what that cluster provably holds; forced: without looking.
        waive: a difference with which the switch may go on, or a partition of which nothing has to
            be proved, by its name; may be given again.
        transactions_budget_s: seconds that open transactions are to get, as `start` would be told.
        connection: where to ask.
    """
    question = {
        "toCluster": to,
        "scope": scope,
        "mode": mode,
        "waive": waive,
        "transactionsBudgetS": transactions_budget_s,
    }
    answer = connection.post("/api/v1/switch-plans", question)
    columns = {"check": "name", "passed": "passed", "detail": "detail"}
    show(connection, answer | {"items": answer["checks"]}, columns)
    if connection.output == "table" and answer["expectedStallMs"] is not None:
        verdict = "go" if answer["passed"] else "no-go"
        say(f"{verdict}; clients would wait for about {answer['expectedStallMs']} ms")
    return Exit.DONE if answer["passed"] else Exit.REFUSED


@switch.command
def start(  # noqa: PLR0913 - what a request may say
    to: str,
    /,
    *,
    scope: str | None = None,
    mode: Mode = "planned",
    reason: str | None = None,
    accept_loss: bool = False,
    waive: tuple[str, ...] = (),
    quiesce_budget_s: float | None = None,
    transactions_budget_s: float = 0.0,
    detach: bool = False,
    connection: Connection = HERE,
) -> int:
    """Switch, on every node at once, and watch until it has ended.

    Args:
        to: the cluster to switch to.
        scope: which virtual clusters; by default those of the first scope.
        mode: planned: commits only what that cluster provably holds; forced: without looking.
        reason: why; stands in the log. A forced switch must have one, and one that waives
            anything.
        accept_loss: say that records that only one of the clusters holds may be lost. A forced
            switch must; a planned one after a forced one, if there are any.
        waive: a difference between the clusters with which the switch may go on, or a partition
            (`topic-n`) of which nothing has to be proved, by the name that the plan tells; may be
            given again. It takes a reason: both stand in the log.
        quiesce_budget_s: seconds that consumer groups and transactions get to come to rest.
        transactions_budget_s: seconds that open transactions, as prepared ones of two-phase
            commits, get to end before that, while new ones wait and all else goes on.
        detach: do not wait for the end.
        connection: where to ask.
    """
    body = {
        "toCluster": to,
        "scope": scope,
        "mode": mode,
        "reason": reason,
        "acceptLoss": accept_loss,
        "waive": waive,
        "quiesceBudgetS": quiesce_budget_s,
        "transactionsBudgetS": transactions_budget_s,
    }
    headers = {"Idempotency-Key": str(uuid4())}
    started = connection.post("/api/v1/switches", body, headers)
    if detach:
        show_one(connection, started)
        return Exit.DONE
    return _follow(connection, started["switchId"])


@switch.command
def watch(switch_id: str | None = None, /, connection: Connection = HERE) -> int:
    """Follow a switch until it has ended.

    Args:
        switch_id: which one; the newest if none is given.
        connection: where to ask.
    """
    return _follow(connection, switch_id or _newest(connection))


@switch.command
def history(connection: Connection = HERE) -> None:
    """All switches, newest first."""
    show(connection, connection.get("/api/v1/switches"), _HISTORY)


@switch.command(name="show")
def show_switch(switch_id: str | None = None, /, connection: Connection = HERE) -> None:
    """One switch: its events, and how it is known that each node had stopped.

    Args:
        switch_id: which one; the newest if none is given.
        connection: where to ask.
    """
    answer = connection.get(f"/api/v1/switches/{switch_id or _newest(connection)}")
    if connection.output == "json":
        print_json(answer)
        return
    found = answer["switch"]
    nodes = found.pop("nodes")
    show_one(connection, found)
    columns = {"node": "nodeId", "stopped: evidence": "evidence", "resumed": "resumed"}
    show(connection, {"items": nodes}, columns)
    for event in answer["events"]:
        say(_line(event))


@switch.command
def report(
    switch_id: str | None = None,
    /,
    *,
    form: Annotated[Literal["md", "json", "html"], Parameter(name="--format")] = "md",
    connection: Connection = HERE,
) -> None:
    """Tell the whole story of a switch: who, why, when, the proof, and what it cost.

    Args:
        switch_id: which one; the newest if none is given.
        form: md: for people, also as plain text; json: for programs; html: a page to send around.
        connection: where to ask.
    """
    path = f"/api/v1/switches/{switch_id or _newest(connection)}/report"
    for line in connection.text(path, format=form).rstrip("\n").split("\n"):
        say(line)


@switch.command
def abort(switch_id: str | None = None, /, *, reason: str, connection: Connection = HERE) -> int:
    """Undo a switch that is not committed; clients go on with the old cluster.

    Args:
        switch_id: which one; the newest if none is given.
        reason: why; stands in the log.
        connection: where to ask.
    """
    switch_id = switch_id or _newest(connection)
    connection.post(f"/api/v1/switches/{switch_id}/abort", {"reason": reason})
    return Exit.DONE if _follow(connection, switch_id) == Exit.ABORTED else Exit.REFUSED


def _newest(connection: Connection) -> str:
    items = connection.get("/api/v1/switches")["items"]
    if not items:
        fail("there was no switch yet", Exit.REFUSED)
    return str(items[0]["switchId"])


def _follow(connection: Connection, switch_id: str) -> Exit:
    for event in connection.stream(f"/api/v1/switches/{switch_id}/events"):
        if connection.output == "json":
            print_json(event)
        else:
            say(_line(event))
    found = connection.get(f"/api/v1/switches/{switch_id}")["switch"]
    match found["phase"]:
        case "completed":
            return Exit.DONE
        case "aborted":
            return Exit.ABORTED
        case _:
            return Exit.TIMEOUT


def _line(event: dict[str, Any]) -> str:
    details = among_others({k: v for k, v in event["data"].items() if k != "switch_id"})
    return f"{event['seq']:>6} {event['recordedAt']} {event['kind']:<26} {details}"
