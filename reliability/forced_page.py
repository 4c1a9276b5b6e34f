"""What forced switches have shown, as a page of the documentation."""

import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from reliability.forced import ForcedRound

_SHOWN = 20


def forced_page(rounds: Sequence[ForcedRound], seed: int) -> str:
    """The whole page."""
    return "\n".join([*_head(rounds, seed), *_verdict(rounds), *_times(rounds), *_each(rounds), ""])


def _head(rounds: Sequence[ForcedRound], seed: int) -> list[str]:
    return [
        "# Forced switches",
        "",
        f"Made by `make forced-soak` on {datetime.now(UTC):%Y-%m-%d}; do not edit it.",
        "",
        (
            f"{len(rounds)} times the active cluster was killed (`kill -9`) under the load of three"
            f" idempotent writers at a random moment (seed {seed}), after the mirror stood still"
            " for up to three seconds, in every fourth round together with a gateway node, and a"
            " forced switch was ordered at once. Then the old cluster"
            " was started again and its log read back: what was acknowledged and is not on the new"
            " cluster was compared with what the switch had reported. After that the old cluster"
            " was made a copy again (`interlock mirror reverse --find-cut --tail discard`), and was"
            " the target of the next round ([operations](operations.md))."
        ),
    ]


def _verdict(rounds: Sequence[ForcedRound]) -> list[str]:
    rows: list[tuple[str, object]] = [
        ("records lost, all rounds", sum(one.lost for one in rounds)),
        ("rounds in which nothing was lost", sum(one.lost == 0 for one in rounds)),
        (
            "rounds in which all behind the reported offsets was lost, and nothing before them",
            sum(one.exact for one in rounds),
        ),
        ("lost outside of what was reported, or a split brain", sum(len(o.untold) for o in rounds)),
        ("records that the new cluster holds twice", sum(one.doubled for one in rounds)),
    ]
    return ["", "## What was lost", "", *_table(("", "count"), rows)]


def _times(rounds: Sequence[ForcedRound]) -> list[str]:
    rows = []
    for name, dead in (("all nodes alive", False), ("with a dead node", True)):
        seconds = sorted(one.first_ack_s for one in rounds if one.dead_node is dead)
        if seconds:
            median = statistics.median(seconds)
            rows.append((name, len(seconds), f"{median:.2f}", f"{seconds[-1]:.2f}"))
    title = "## Seconds from the order to the first acknowledgement by the new cluster"
    return ["", title, "", *_table(("", "rounds", "median", "max"), rows)]


def _each(rounds: Sequence[ForcedRound]) -> list[str]:
    rows = [
        (
            number,
            one.report["to_cluster"],
            "yes" if one.dead_node else "",
            f"{one.first_ack_s:.2f}",
            one.lost,
            one.known,
            "yes" if one.exact else "no",
            one.doubled,
        )
        for number, one in enumerate(rounds, start=1)
    ]
    columns = ("", "to", "dead node", "seconds", "lost", "reported as known", "exact", "doubled")
    wrong = [f"- {f.fault.name} {f.value} {f.partition}" for one in rounds for f in one.untold]
    trouble = ["", "## What was not as it should be", "", *wrong[:_SHOWN]] if wrong else []
    return ["", "## Each round", "", *_table(columns, rows), *trouble]


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(str(value) for value in row) + " |" for row in rows]
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), *lines]
