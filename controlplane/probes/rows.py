"""Reads the last records of partitions on two clusters, for them to be put side by side."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from controlplane.domain.completeness import Hole, hole
from controlplane.domain.replica import Anchor
from controlplane.probes.reader import EndReader, LastOf
from controlplane.probes.together import together

ROW: Final = 500
"""So many of the last offsets of each partition are read."""
_MOST: Final = 10_000
"""So many at most, where what came since a record that both have cannot be told from offsets."""


class Rows(NamedTuple):
    """The last records of a partition on two clusters."""

    ours: LastOf
    theirs: LastOf

    @property
    def found(self) -> int:
        """How many of ours the other cluster has."""
        there = {placed.digest for placed in self.theirs.placed}
        return sum(placed.digest in there for placed in self.ours.placed)

    def hole(self, partition: str) -> Hole | None:
        """What the other cluster lacks of them."""
        ours, theirs = self.ours.placed, self.theirs.placed
        return hole(partition, ours, theirs, whole=self.theirs.is_all)


async def last_rows(
    source: EndReader,
    target: EndReader,
    partitions: Sequence[TopicPartition],
    anchors: Mapping[TopicPartition, Anchor | None],
) -> dict[TopicPartition, Rows]:
    """Read what stands last, back to a record that was seen on both sides where that is needed.

    From there on both have taken equally many offsets, or one has taken more: for markers of
    transactions, or for records that the other one lacks. Then all of them are read.

    Args:
        source: the original.
        target: the replica.
        partitions: those that both have.
        anchors: records that were seen on both sides, by partition.

    Raises:
        UnreachableError: one of them does not answer.
    """
    if not partitions:
        return {}
    known = [p for p in partitions if anchors.get(p) is not None]
    ends, target_ends = await together(source.committed_ends(known), target.committed_ends(known))
    back, target_back = dict.fromkeys(partitions, ROW), dict.fromkeys(partitions, ROW)
    for p in known:
        taken, target_taken = _since(anchors[p], ends[p], target_ends[p])
        if taken > target_taken:
            back[p] = min(max(ROW, taken), _MOST)
            target_back[p] = min(max(ROW, target_taken), _MOST)
    ours, theirs = await together(source.last(back), target.last(target_back))
    return {p: Rows(ours[p], theirs[p]) for p in partitions}


def _since(anchor: Anchor | None, end: int, target_end: int) -> tuple[int, int]:
    """How many offsets both have taken, the anchor's included."""
    return (end - anchor.source, target_end - anchor.replica) if anchor is not None else (0, 0)
