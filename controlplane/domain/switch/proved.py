"""By which means it is proved, partition by partition, that a target holds what its source does."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

MOST_NAMED: Final = 100
"""Partitions that are named, of however many there are: events and plans stay small."""


class Means(StrEnum):
    """The ways, from the strongest to the weakest."""

    EVERY_RECORD = "every_record"
    """Every record since one that was seen on both was found on the target, one by one."""
    COUNTED_AND_TAIL = "counted_and_tail"
    """The last records were found; those before them are told by their number alone, or were read
    by earlier looks."""
    COUNTED = "counted"
    """The target holds as many since they were known to hold the same, and of the same times where
    batches can be compared. None was read: they are more than we decompress, or no records."""
    NOT_SEEN_SINCE = "not_seen_since"
    """Neither has moved since a look saw both end with the same, so neither was read again."""


class Proved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many partitions were proved how."""

    every_record: int = 0
    counted_and_tail: int = 0
    not_seen_since: int = 0
    records: int = 0
    """Found on the target one by one, of all partitions together."""
    counted: tuple[str, ...] = ()
    """Some of those with *counted and tail* (`topic-n`): no more than there is room for."""
    counted_alone: int = 0
    """Partitions with *counted*."""
    alone: tuple[str, ...] = ()
    """Some of these."""


def proved_by(means: Mapping[str, Means], records: int = 0) -> Proved:
    """Added up.

    Args:
        means: by partition.
        records: found one by one.
    """
    counts = dict.fromkeys(Means, 0)
    for one in means.values():
        counts[one] += 1
    counted = [name for name, one in means.items() if one is Means.COUNTED_AND_TAIL]
    alone = [name for name, one in means.items() if one is Means.COUNTED]
    return Proved(
        every_record=counts[Means.EVERY_RECORD],
        counted_and_tail=counts[Means.COUNTED_AND_TAIL],
        not_seen_since=counts[Means.NOT_SEEN_SINCE],
        records=records,
        counted=tuple(sorted(counted)[:MOST_NAMED]),
        counted_alone=counts[Means.COUNTED],
        alone=tuple(sorted(alone)[:MOST_NAMED]),
    )


def most_compared(compared: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """As many as there is room for, of those with the most records; by partition."""
    kept = sorted(compared, key=lambda one: (-one[1], one[0]))[:MOST_NAMED]
    return tuple(sorted(kept))
