"""Partitions as they go on from records that were seen on two clusters, look after look."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from controlplane.domain.replica import Anchor, Mark, Watched, marks_of
from controlplane.domain.switch.proved import Means
from controlplane.probes.counting import Counted, count_on_both, places_of
from controlplane.probes.ends import EndOnBoth
from controlplane.probes.numbers import name
from controlplane.probes.reader import EndReader
from controlplane.probes.rows import Rows, rows_since

NOWHERE: Final[Mapping[str, Collection[tuple[int, int]]]] = MappingProxyType({})


class _Place(NamedTuple):
    """What was read, and where both ended right before that."""

    cursor: Anchor
    ends: EndOnBoth


class Following:
    """What was read of the partitions that go on alike, kept for as long as they stand still.

    Whoever looks again and again reads each record once from each side, and has the rows at hand
    when all is proved.
    """

    def __init__(self, seen: Watched | None = None) -> None:
        """Begin with nothing read."""
        self.go_on(seen)
        self._read: dict[TopicPartition, tuple[_Place, Rows]] = {}
        self._counted: dict[TopicPartition, tuple[EndOnBoth, Means]] = {}

    def go_on(self, seen: Watched | None) -> None:
        """Go on from what the watch saw last."""
        self.marks: Mapping[str, Mark] = marks_of(seen)
        """By partition (`topic-n`)."""

    async def look(
        self,
        source: EndReader,
        target: EndReader,
        ends: Mapping[TopicPartition, EndOnBoth],
    ) -> dict[TopicPartition, Rows]:
        """Of those partitions that go on alike, what came since a record that both have.

        Args:
            source: the original.
            target: the replica.
            ends: of the partitions that are asked for, as they were told just now.

        Raises:
            UnreachableError: one of them does not answer.
        """
        places = {
            p: _Place(mark.cursor, both)
            for p, both in ends.items()
            if (mark := self.marks.get(name(p))) is not None and mark.cursor is not None
        }
        kept = {
            p: read
            for p, place in places.items()
            if (read := self._read.get(p)) and read[0] == place
        }
        moved = {p: place.cursor for p, place in places.items() if p not in kept}
        found = await rows_since(source, target, moved, {p: ends[p].source for p in moved})
        self._read = kept | {p: (places[p], rows) for p, rows in found.items()}
        return {p: rows for p, (_, rows) in self._read.items()}

    async def count(
        self,
        source: EndReader,
        target: EndReader,
        ends: Mapping[TopicPartition, EndOnBoth],
        equal_at: Mapping[str, Collection[tuple[int, int]]] = NOWHERE,
    ) -> dict[TopicPartition, Counted]:
        """Count what cannot be read, from where both were seen to hold the same.

        Args:
            source: the original.
            target: the replica.
            ends: of the partitions that are asked for, as they were told just now.
            equal_at: further end offsets of both at which partitions (`topic-n`) held the same.

        Raises:
            UnreachableError: one of them does not answer.
        """
        places = {p: places_of(self.marks.get(name(p)), equal_at.get(name(p), ())) for p in ends}
        found = await count_on_both(source, target, places)
        self._counted |= {p: (ends[p], by) for p, one in found.items() if (by := one.means)}
        return found

    def counted_at(self, ends: Mapping[TopicPartition, EndOnBoth]) -> dict[TopicPartition, Means]:
        """What was counted of those partitions that ended there then, and end there now."""
        return {p: means for p, (then, means) in self._counted.items() if ends.get(p) == then}

    def at(self, ends: Mapping[TopicPartition, EndOnBoth]) -> dict[TopicPartition, Rows]:
        """What was read of those partitions that ended there then, and end there now."""
        return {p: rows for p, (place, rows) in self._read.items() if ends.get(p) == place.ends}
