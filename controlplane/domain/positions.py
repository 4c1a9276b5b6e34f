"""Where a group that stopped at an offset of one cluster goes on in the mirror of that cluster.

A mirror keeps the order of a partition's records, but not their offsets: transaction markers,
compaction and deleted beginnings leave gaps on one side, and a mirror that delivers at least once
begins again somewhere before and so repeats records. What stays is each record's timestamp, key,
value and headers: its imprint.

A position that is found here is never later than can be shown, so a group may read something again
and misses nothing. That a mirror holds everything up to its end is presupposed.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from controlplane.domain.fingerprints import comparable


class Imprint(NamedTuple):
    """A record, as far as two clusters must agree on it, and where it stands."""

    offset: int
    timestamp: int
    fingerprint: bytes
    """Of timestamp, key, value and headers."""


def is_same(ours: Imprint, theirs: Imprint) -> bool:
    """Whether the one may be the mirror's copy of the other."""
    (mine,), (other,) = comparable([ours.fingerprint], [theirs.fingerprint])
    return mine == other


class Method(StrEnum):
    """How a position was found."""

    END = "end"
    """Nothing was left to read: the end of the mirror."""
    ALIGNED = "aligned"
    """All records up to the end were read on both sides, and put side by side."""
    FOUND = "found"
    """The next record to read was looked for in the mirror, from its timestamp on."""
    AFTER = "after"
    """The mirror lacks the next record: right after the one before it."""
    TIMESTAMP = "timestamp"
    """The mirror's first record that is not older than the next record to read."""
    EARLIER = "earlier"
    """The position of a group that is further behind in the same partition."""
    START = "start"
    """The mirror's beginning."""


EXACT = frozenset({Method.END, Method.ALIGNED, Method.FOUND})
"""Methods after which a group reads nothing again, unless the mirror itself repeats records."""


class TranslatedPosition(NamedTuple):
    """An offset in the mirror."""

    offset: int
    method: Method


class Committed(NamedTuple):
    """What a group has committed for a partition."""

    group: str
    topic: str
    partition: int
    offset: int
    metadata: str | None = None


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A group's position that is not exactly where it was, and why."""

    group: str
    topic: str
    partition: int
    committed: int
    """On the old cluster."""
    translated: int | None
    """On the target; None if nothing was written there."""
    detail: str


class Alignment:
    """The last records of a partition on both sides, each one's newest copy beside it."""

    def __init__(self, ours: Sequence[Imprint], theirs: Sequence[Imprint], end: int) -> None:
        """Put side by side.

        Args:
            ours: all records of the old cluster from some offset to its end.
            theirs: those of the mirror, from far enough before its end.
            end: the mirror's end.
        """
        self._ours = ours
        self._end = end
        mine, other = comparable(
            [imprint.fingerprint for imprint in ours], [imprint.fingerprint for imprint in theirs]
        )
        offsets = [imprint.offset for imprint in theirs]
        self._copies = newest_copies(mine, list(zip(other, offsets, strict=True)))

    def position(self, committed: int) -> TranslatedPosition | None:
        """Where to go on from an offset that is not before the first record of ours.

        None if the mirror's records do not tell.
        """
        following = bisect_left(self._ours, committed, key=_offset)
        if following == len(self._ours):
            return TranslatedPosition(self._end, Method.END)
        copy = self._copies[following]
        if copy is not None:
            return TranslatedPosition(copy, Method.ALIGNED)
        for before in reversed(self._copies[:following]):
            if before is not None:
                return TranslatedPosition(before + 1, Method.AFTER)
        return None


def newest_copies(ours: Sequence[bytes], theirs: Sequence[tuple[bytes, int]]) -> list[int | None]:
    """For each record of ours the last place in the mirror after which all later ones come.

    Args:
        ours: fingerprints, in order.
        theirs: fingerprints of the mirror and their offsets, in order.
    """
    places: dict[bytes, list[int]] = defaultdict(list)
    for fingerprint, offset in theirs:
        places[fingerprint].append(offset)
    copies: list[int | None] = [None] * len(ours)
    before = theirs[-1][1] + 1 if theirs else 0
    for index in range(len(ours) - 1, -1, -1):
        candidates = places.get(ours[index], [])
        at = bisect_left(candidates, before) - 1
        if at >= 0:
            copies[index] = before = candidates[at]
    return copies


def found_by_time(
    following: Imprint, ours_before: Sequence[Imprint] | None, theirs: Sequence[Imprint]
) -> int | None:
    """Where a record stands in the mirror; None if it is not in what was read of it.

    Of records that are just like it, those that stand before it are passed over, if all of them
    are known.

    Args:
        following: the record.
        ours_before: everything before it on the old cluster, from the first record on that is not
            older; None if that is not known, or if the mirror may lack some of it.
        theirs: the mirror's records, from the first one on that is not older.
    """
    (wanted, *before), there = comparable(
        [following.fingerprint, *(imprint.fingerprint for imprint in ours_before or ())],
        [imprint.fingerprint for imprint in theirs],
    )
    alike = [imprint.offset for imprint, p in zip(theirs, there, strict=True) if p == wanted]
    passed = before.count(wanted)
    if passed < len(alike):
        return alike[passed]
    return alike[0] if alike else None


def chosen(offsets: Sequence[int], most: int) -> list[int]:
    """At most so many of some ascending offsets, the first one always among them."""
    step = -(-len(offsets) // most) if offsets else 1
    return list(offsets[::step])


def _offset(imprint: Imprint) -> int:
    return imprint.offset
