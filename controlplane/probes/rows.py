"""Reads the last records of partitions on two clusters, for them to be put side by side."""

from collections.abc import Mapping, Sequence
from itertools import islice, takewhile
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from controlplane.domain.completeness import Hole, has_come, hole
from controlplane.domain.numbering.runs import Placed, comparable_rows
from controlplane.domain.replica import Anchor, follow
from controlplane.probes.fetching import Read
from controlplane.probes.reader import EndReader
from controlplane.probes.taking import LastOf
from controlplane.probes.together import together

ROW: Final = 500
"""So many of the last offsets of each partition are read."""
_SEEN: Final = b""
"""Stands for the record that is known to be the same on both, in the place of its digest."""
_MOST: Final = 10_000
"""So many at most, where what came since a record that both have cannot be told from offsets."""


class Rows(NamedTuple):
    """The last records of a partition on two clusters, comparable with each other."""

    ours: LastOf
    theirs: LastOf
    followed: Anchor | None = None
    """Where the other cluster's last record stands, if both were read from a record on that both
    have, and go on alike: then nothing is missing up to there, and nothing stands there twice."""

    @property
    def found(self) -> int:
        """How many of ours the other cluster has."""
        there = {placed.digest for placed in self.theirs.placed}
        return sum(p.digest in there for p in self.ours.placed if p.digest != _SEEN)

    def hole(self, partition: str, *, lasting: bool = False) -> Hole | None:
        """What the other cluster lacks of them; `lasting`: whatever is still on its way."""
        ours, theirs = self.ours.placed, self.theirs.placed
        return hole(partition, ours, theirs, whole=self.theirs.is_all, lasting=lasting)

    def fill(self, known: Hole) -> bool:
        """Whether the other cluster has what it lacked before."""
        return has_come(known, self.ours.placed, self.theirs.placed)

    @property
    def is_behind(self) -> bool:
        """Whether the other cluster lacks a record, or does not end with as many of the same."""
        if self.followed is not None:
            return bool(self.to_come)
        record, repeats = _last(self.ours.placed)
        there, repeats_there = _last(self.theirs.placed)
        return record is not None and (there != record or repeats_there < repeats)

    @property
    def to_come(self) -> Sequence[Placed]:
        """Of two that go on alike: what the other cluster has not got yet."""
        return self.ours.placed[len(self.theirs.placed) :]


class KnownBefore(NamedTuple):
    """What is known of a partition before it is read."""

    cursor: Anchor | None
    """A record that was seen on both."""
    back: tuple[int, int] = (ROW, ROW)
    """How many of the last offsets of both to read, if the cursor does not help."""


async def newest_rows(
    source: EndReader,
    target: EndReader,
    known: Mapping[TopicPartition, KnownBefore],
    ends: Mapping[TopicPartition, int],
    widely: int | None = None,
) -> Read[Rows]:
    """Read what came since a record that both have; more, if the two do not go on alike from it.

    Args:
        source: the original.
        target: the replica.
        known: partitions that both have.
        ends: the original's.
        widely: of how many partitions, at most, more is read: the first ones. The others are
            neither found nor unreadable.

    Raises:
        UnreachableError: one of them does not answer.
    """
    cursors = {p: cursor for p, (cursor, _) in known.items() if cursor is not None}
    went_on = await rows_since(source, target, cursors, ends)
    more = {p: back for p, (_, back) in known.items() if p not in went_on}
    more = dict(islice(more.items(), widely))
    rows, unreadable = await last_rows(source, target, more)
    return Read(went_on | rows, unreadable)


async def rows_since(
    source: EndReader,
    target: EndReader,
    cursors: Mapping[TopicPartition, Anchor],
    ends: Mapping[TopicPartition, int],
) -> dict[TopicPartition, Rows]:
    """Read what came since a record that both have, where that is not much.

    Args:
        source: the original.
        target: the replica.
        cursors: the record, of partitions that both have.
        ends: the original's.

    Returns:
        Those of the partitions that go on alike from there.

    Raises:
        UnreachableError: one of them does not answer.
    """
    near = {p: cursor for p, cursor in cursors.items() if 0 <= ends[p] - cursor.source <= ROW}
    if not near:
        return {}
    ours, theirs = await together(
        source.since({p: cursor.source + 1 for p, cursor in near.items()}),
        target.since({p: cursor.replica + 1 for p, cursor in near.items()}),
    )
    found: dict[TopicPartition, Rows] = {}
    for p, cursor in near.items():
        if p not in ours.found or p not in theirs.found:
            continue
        rows = _rows(_after(cursor.source, ours.found[p]), _after(cursor.replica, theirs.found[p]))
        followed = follow(cursor, rows.ours.placed, rows.theirs.placed)
        if followed is not None:
            found[p] = rows._replace(followed=followed)
    return found


def _after(cursor: int, read: Sequence[Placed]) -> LastOf:
    """What was read behind a cursor, with the record that stands there, which was seen before."""
    return LastOf([Placed(cursor, _SEEN), *read], is_all=False)


async def last_rows(
    source: EndReader, target: EndReader, back: Mapping[TopicPartition, tuple[int, int]]
) -> Read[Rows]:
    """Read what stands last.

    Args:
        source: the original.
        target: the replica.
        back: partitions that both have, and how many of the last offsets to read of each.

    Raises:
        UnreachableError: one of them does not answer.
    """
    if not back:
        return Read({}, {})
    ours, theirs = await together(
        source.last({p: offsets for p, (offsets, _) in back.items()}),
        target.last({p: offsets for p, (_, offsets) in back.items()}),
    )
    unreadable = theirs.unreadable | ours.unreadable
    rows = {p: _rows(ours.found[p], theirs.found[p]) for p in back if p not in unreadable}
    return Read(rows, unreadable)


def _rows(ours: LastOf, theirs: LastOf) -> Rows:
    mine, other = comparable_rows(ours.placed, theirs.placed)
    return Rows(ours._replace(placed=mine), theirs._replace(placed=other))


def _last(placed: Sequence[Placed]) -> tuple[bytes | None, int]:
    """What stands last, and how many just like it stand there in a row."""
    if not placed:
        return None, 0
    last = placed[-1].digest
    return last, sum(1 for _ in takewhile(lambda one: one.digest == last, reversed(placed)))


def back_to(anchor: Anchor | None, end: int, target_end: int) -> tuple[int, int]:
    """How many of the last offsets of both tell whether the replica holds everything.

    From a record that was seen on both sides both have taken equally many offsets, or the original
    has taken more: for markers of transactions, or for records that the replica lacks. Then
    everything is read from that record on.

    Args:
        anchor: the record, if one was seen.
        end: the original's end.
        target_end: the replica's.
    """
    if anchor is None:
        return ROW, ROW
    taken, target_taken = end - anchor.source, target_end - anchor.replica
    if taken <= target_taken:
        return ROW, ROW
    return min(max(ROW, taken), _MOST), min(max(ROW, target_taken), _MOST)
