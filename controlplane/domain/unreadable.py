"""A partition of which something could not be read: named, so that it does not stand for others."""

from collections.abc import Iterable
from typing import Final

import msgspec

NAMED: Final = 5
"""So many are named in a message; the rest are counted."""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """Where reading a partition stopped, and why."""

    partition: str
    """`topic-n`."""
    cluster: str
    """On which it is."""
    offset: int
    """The first one that was not read."""
    cause: str
    """What came of it, as `CorruptRecordException`, or which budget of ours ran out."""

    def __str__(self) -> str:
        """For whoever has to look at it."""
        return f"{self.partition} on {self.cluster} at offset {self.offset}: {self.cause}"


def named(unreadable: Iterable[Unreadable]) -> str:
    """The first of them with place and cause, the rest counted."""
    told = [str(one) for one in unreadable]
    rest = len(told) - NAMED
    return "; ".join(told[:NAMED]) + (f"; and {rest} more" if rest > 0 else "")


def not_proved(unreadable: Iterable[Unreadable]) -> tuple[str, ...]:
    """Partitions (`topic-n`) of which nothing is proved, each once."""
    return tuple(sorted({one.partition for one in unreadable}))
