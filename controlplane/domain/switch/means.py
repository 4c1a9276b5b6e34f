"""What `plan` says of how a planned switch would prove that nothing is missing."""

from collections.abc import Container

from controlplane.domain.replica import Watched
from controlplane.domain.switch.events import Check


def means_check(seen: Watched | None, topics: Container[str]) -> Check:
    """By which means a planned switch would prove what it has to, now.

    It stands in no switch's way.

    Args:
        seen: what the watch saw last.
        topics: physical names of those that the switch is about.
    """
    marks = [
        mark
        for mark in (seen.marks if seen is not None else ())
        if mark.partition.rpartition("-")[0] in topics
    ]
    followed = sum(mark.cursor is not None for mark in marks)
    at_rest = sum(mark.cursor is None and mark.alike for mark in marks)
    counted = len(marks) - followed - at_rest
    detail = (
        f"of {len(marks)} partitions that the watch has seen {followed} would be proved by every"
        f" record since the last look, {counted} by their number and the last ones;"
        f" {at_rest} are at rest and alike, and would be read from their last records if they moved"
    )
    return Check(name="proof", passed=True, detail=detail)
