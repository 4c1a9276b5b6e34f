"""What a soak has shown, as a page of the documentation."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from reliability.churn import Churned
from reliability.expected import Surprise
from reliability.history import Fault
from reliability.readers import READERS
from reliability.soak import MEMBERS, Round, Soak

_SHOWN = 20
"""So many findings are shown; the rest are counted."""


def page(soak: Soak) -> str:
    """The whole page."""
    return "\n".join([*_head(soak), *_verdict(soak), *_times(soak), *_details(soak), ""])


def _head(soak: Soak) -> list[str]:
    acknowledged = sum(w.acknowledged_at is not None for w in soak.history.writes)
    kinds = ", ".join(READERS)
    writers = dict.fromkeys(write.value.writer for write in soak.history.writes)
    return [
        "# Reliability",
        "",
        f"Made by `make switch-soak` on {datetime.now(UTC):%Y-%m-%d}; do not edit it.",
        "",
        (
            f"{len(soak.rounds)} planned switches back and forth in {soak.seconds / 60:.0f}"
            " minutes, under load, on one machine with two cores: two clusters of one broker,"
            " MirrorMaker 2 turned round after each switch, two control planes, two gateways with"
            " two workers each."
        ),
        "",
        (
            f"Writers, all idempotent: {', '.join(writers)}; {acknowledged:,} records"
            " acknowledged. Groups of"
            f" {MEMBERS} members, all of which commit: {kinds};"
            f" {len(soak.history.reads):,} records read. Both clusters' logs were"
            " read back at the end and compared, record by record, with"
            " what each client was told (`reliability/history.py`)."
        ),
        "",
        _churned(soak.churned),
    ]


def _churned(churned: Churned) -> str:
    return (
        "A tenant that changes and deletes all the time (`reliability/churn.py`):"
        f" {churned.keys_written:,} writes of keys of a compacted topic, {churned.tombstones:,} of"
        " them tombstones, most of which were cleaned away (the topic had"
        f" {churned.records_left:,} records left at the end); {churned.configs_set:,} changes of a"
        f" topic's configs, before and during switches; between switches a topic made anew"
        f" {churned.made_anew} times, and {churned.deleted} topics, each with a group, deleted for"
        f" good. All of it was looked at through a gateway {churned.looks} times, after each switch"
        " and at the end, and compared with what the tenant was told"
        " (`reliability/expected.py`)."
    )


def _verdict(soak: Soak) -> list[str]:
    found = Counter(finding.fault for finding in soak.findings)
    undone = [one for one in soak.rounds if not one.completed]
    rows: list[tuple[str, object]] = [
        (fault.value, found[fault]) for fault in Fault if fault is not Fault.LOST_UNTOLD
    ]
    surprises = Counter(noticed.surprise for noticed in soak.churned.noticed)
    rows += [(surprise.value, surprises[surprise]) for surprise in Surprise]
    rows += [
        ("errors that reached an application", sum(map(len, soak.errors.values()))),
        ("connections that a gateway closed", soak.connections_closed),
        ("switches that were undone", len(undone)),
    ]
    return ["", "## What clients noticed", "", *_table(("", "count"), rows)]


def _times(soak: Soak) -> list[str]:
    completed = [one for one in soak.rounds if one.completed]
    if not completed:
        return []

    def row(name: str, seconds: Callable[[Round], float]) -> tuple[str, str, str, str]:
        values = sorted(seconds(one) for one in completed)
        p99 = values[min(len(values) - 1, round(0.99 * (len(values) - 1)))]
        return name, f"{statistics.median(values):.2f}", f"{p99:.2f}", f"{values[-1]:.2f}"

    rows = [
        row("fence to commit", lambda one: one.report["fenced_ms"] / 1000),
        row("of it, the mirror bringing the last records", _mirror_s),
        row(
            "of it, the switch's own work",
            lambda one: one.report["fenced_ms"] / 1000 - _mirror_s(one),
        ),
        *(row(f"before it, {phase}", _phase(phase)) for phase in _BEFORE),
        *(row(f"longest wait of {name}", _wait(name)) for name in completed[0].stalls_s),
    ]
    return ["", "## Seconds", "", *_table(("", "median", "p99", "max"), rows)]


_BEFORE = ("preparing", "quiescing")


def _mirror_s(one: Round) -> float:
    return float(one.report["mirror_ms"] or 0.0) / 1000


def _phase(phase: str) -> Callable[[Round], float]:
    return lambda one: (
        sum(s["took_ms"] or 0.0 for s in one.report["stages"] if s["phase"] == phase) / 1000
    )


def _wait(writer: str) -> Callable[[Round], float]:
    return lambda one: one.stalls_s[writer]


def _details(soak: Soak) -> list[str]:
    counts = Counter((f.fault.name, f.who, f.partition.number) for f in soak.findings)
    lines = [
        f"- {fault}, {who}, partition {number}: {count}"
        for (fault, who, number), count in sorted(counts.items())
    ]
    firsts = {(f.fault, f.who, f.partition): f for f in reversed(soak.findings)}
    lines += [f"- first: {f.fault.name} {f.value} {f.who} {f.partition}" for f in firsts.values()]
    noticed = soak.churned.noticed
    lines += [f"- {one.surprise.name}, {one.what}: {one.detail}" for one in noticed]
    lines += [f"- {who}: {error}" for who, errors in soak.errors.items() for error in errors]
    causes = (one.report["cause"] for one in soak.rounds if not one.completed)
    lines += [f"- undone: {cause}" for cause in causes]
    if not lines:
        return []
    rest = [f"- and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return ["", "## What went wrong", "", *lines[:_SHOWN], *rest]


def _table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> list[str]:
    lines = ["| " + " | ".join(str(value) for value in row) + " |" for row in rows]
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), *lines]
