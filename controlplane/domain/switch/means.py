"""What `plan` says of how a planned switch would prove that nothing is missing."""

from collections.abc import Container
from typing import Final

from controlplane.domain.replica import Mark, Watched
from controlplane.domain.switch.events import Check

_NAMED: Final = 5


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
    unopened = [mark.partition for mark in marks if _is_counted(mark)]
    followed = sum(mark.cursor is not None and not _is_counted(mark) for mark in marks)
    at_rest = sum(mark.cursor is None and mark.alike for mark in marks if not _is_counted(mark))
    counted = len(marks) - followed - at_rest - len(unopened)
    detail = (
        f"of {len(marks)} partitions that the watch has seen {followed} would be proved by every"
        f" record since the last look, {counted} by their number and the last ones;"
        f" {at_rest} are at rest and alike, and would be read from their last records if they moved"
    )
    if unopened:
        more = f" and {len(unopened) - _NAMED} more" if len(unopened) > _NAMED else ""
        detail += (
            f"; {len(unopened)} cannot be read within our budget, and would be proved by their"
            f" number, and the last records if these can be read: {', '.join(unopened[:_NAMED])}"
            f"{more}"
        )
    return Check(name="proof", passed=True, detail=detail)


def _is_counted(mark: Mark) -> bool:
    """Whether it is counted instead of read."""
    return mark.unreadable is not None and mark.counted is not None
