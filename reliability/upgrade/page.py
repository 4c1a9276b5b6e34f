"""What exchanging every process has shown, as a page of the documentation."""

from collections.abc import Sequence
from datetime import UTC, datetime

from reliability.upgrade.course import Course, Exchanged, Switched


def page(courses: Sequence[Course], before: str, now: str) -> str:
    """The whole page; `before` and `now` say which commits these are."""
    lines = [
        "# Upgrades",
        "",
        f"Made by `make upgrade` on {datetime.now(UTC):%Y-%m-%d}; do not edit it.",
        "",
        (
            "How a running Interlock is brought to another release stands in"
            " [operations](operations.md#bringing-it-to-another-release). Here every process of"
            f" {before} (*before*) was exchanged for one of {now} (*now*), one after the other, and"
            " back: two control planes, two gateways of two nodes each, and `interlock"
            " mirrormaker`, on two clusters of one broker, with idempotent writers at both gateways"
            " (librdkafka, Java) and a group of two readers. After each stage there was a planned"
            " switch, with the mirror turned round. At the end both clusters' logs were compared,"
            " record by record, with what each client was told (`reliability/history.py`)."
        ),
    ]
    for course in courses:
        lines += ["", *_course(course)]
    return "\n".join([*lines, ""])


def _course(course: Course) -> list[str]:
    order = ", ".join(stage.name for stage in course.stages)
    found = len(course.findings)
    return [
        f"## First the {course.stages[0].name}",
        "",
        (
            f"In the order {order}. {course.acknowledged:,} records acknowledged, {course.read:,}"
            f" read; {found or 'nothing'} lost, doubled or out of order. A reconnect is a client"
            " that found its node gone and went to the other one on the same port. What a switch"
            " took is the time behind its fence."
        ),
        "",
        "| | | took, s | longest wait of a writer, s | reconnects | told to applications |",
        "|---|---|---|---|---|---|",
        *map(_row, course.steps),
        *(f"- {finding}" for finding in course.findings[:20]),
    ]


def _row(step: Exchanged | Switched) -> str:
    told = "; ".join(dict.fromkeys(step.errors)) or "nothing"
    if isinstance(step, Exchanged):
        what, took = f"`{step.process}` | {step.release}", step.took_s
        reconnects = str(step.reconnects)
    else:
        cause = f" {step.cause}" if step.cause else ""
        what = f"**switch: {step.outcome}**{cause} | {step.mixture}"
        took, reconnects = step.fenced_ms / 1000, "-"
    return f"| {what} | {took:.1f} | {step.stall_s:.1f} | {reconnects} | {told} |"
