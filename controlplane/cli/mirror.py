"""`interlock mirror`."""

import time
from typing import Any, Literal

from cyclopts import App

from contract.shown import listed
from controlplane.cli.client import HERE, Connection, Exit, fail
from controlplane.cli.display import print_json, say, show, show_one

mirror = App(name="mirror", help="MirrorMaker 2: which way it copies, and turning it round.")

_LIMIT_S = 180.0
_POLL_S = 0.5


@mirror.command
def status(connection: Connection = HERE) -> None:
    """Which way records are copied, and how the newest turn went."""
    answer = connection.get("/api/v1/mirror")
    if connection.output == "json":
        print_json(answer)
        return
    newest = answer.pop("reversal")
    show_one(connection, answer)
    if newest is not None:
        say("")
        _show(connection, newest)


@mirror.command
def reverse(
    *,
    reason: str | None = None,
    find_cut: bool = False,
    accept_gaps: bool = False,
    tail: Literal["leave", "discard", "side-topic"] = "leave",
    detach: bool = False,
    connection: Connection = HERE,
) -> int:
    """Have records copied from the cluster that serves, each exactly once; wait until they flow.

    After a switch this happens by itself where Interlock manages the mirror. Where a person does,
    the steps are printed.

    Args:
        reason: why; stands in the log.
        find_cut: after a forced switch: compare both clusters to find where to begin.
        accept_gaps: leave records where they are that cannot be brought exactly once.
        tail: with --find-cut, what becomes of records that only the other cluster has: leave them
            there, and both clusters apart; or empty its topics and fill them again, and discard
            those records, or keep them in side topics of the cluster that serves.
        detach: do not wait for the end.
        connection: where to ask.
    """
    body = {
        "reason": reason,
        "findCut": find_cut,
        "acceptGaps": accept_gaps,
        "tail": tail.replace("-", "_"),
    }
    return _follow(connection, connection.post("/api/v1/mirror/reverse", body), detach=detach)


@mirror.command
def confirm(*, reason: str | None = None, connection: Connection = HERE) -> int:
    """Say that the steps were taken by hand, and wait until records are seen to flow.

    Args:
        reason: why; stands in the log.
        connection: where to ask.
    """
    return _follow(
        connection, connection.post("/api/v1/mirror/confirm", {"reason": reason}), detach=False
    )


@mirror.command
def divergence(*, keys: int = 0, connection: Connection = HERE) -> int:
    """Records that only one of the clusters has, by partition; exit code 1 if there are any.

    A partition that cannot be read is named, and is as good as one that differs.

    Args:
        keys: show so many keys of each.
        connection: where to ask.
    """
    answer = connection.get("/api/v1/mirror/divergence", keys=keys)
    if connection.output == "table":
        serving, other = answer["serving"], answer["other"]
        say(f"{answer['compared']} partitions compared; {len(answer['items'])} are not the same")
        rows = [
            {
                "partition": item["partition"],
                serving: _one_sided(item["onlyOnServing"]),
                "stuck": item["notOnTheirWay"],
                other: _one_sided(item["onlyOnOther"]),
            }
            for item in answer["items"]
        ]
        columns = {
            "partition": "partition",
            f"only on {serving}, which serves": serving,
            "of these not on their way": "stuck",
            f"only on {other}": other,
        }
        show(connection, {"items": rows}, columns)
        for unreadable in answer["unreadable"]:
            say(f"not compared, as it cannot be read: {unreadable}")
    else:
        print_json(answer)
    return Exit.REFUSED if answer["items"] or answer["unreadable"] else Exit.DONE


def _one_sided(side: dict[str, Any]) -> str:
    offsets = ", ".join(f"{first}-{last}" for first, last in side["ranges"])
    keys = f"; keys {listed(map(str, side['keys']))}" if side["keys"] else ""
    return f"{side['count']} (offsets {offsets}{keys})" if side["count"] else "0"


def _follow(connection: Connection, begun: dict[str, Any], *, detach: bool) -> Exit:
    """Wait until a reversal has ended, or a person has to do something."""
    deadline = time.monotonic() + _LIMIT_S
    found = begun
    while not detach and found["endedAt"] is None and not found["steps"]:
        if time.monotonic() > deadline:
            fail(
                f"the mirror is not turned after {_LIMIT_S:.0f} s; the control plane goes on, and"
                " its log says what it waits for: `interlock mirror status`",
                Exit.TIMEOUT,
            )
        time.sleep(_POLL_S)
        found = connection.get("/api/v1/mirror")["reversal"]
    _show(connection, found)
    return Exit.REFUSED if found["phase"] == "failed" else Exit.DONE


def _show(connection: Connection, reversal: dict[str, Any]) -> None:
    if connection.output == "json":
        print_json(reversal)
        return
    steps = reversal.pop("steps")
    show_one(connection, reversal)
    for step in steps:
        say(step)
