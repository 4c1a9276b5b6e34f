"""Looks at a scope's cluster and a replica of it together, and at the replica alone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from aiokafka import TopicPartition

from controlplane.domain.replica import (
    Anchor,
    Loss,
    Mark,
    Placed,
    Watched,
    align,
    loss,
    nothing_mirrored,
)
from controlplane.probes.reader import EndReader

ROW = 500
"""So many records of each partition are read to find the replica's place in the source."""


async def watch(
    source: EndReader, replica: EndReader, topics: Iterable[str], before: Watched | None
) -> Watched:
    """Where the replica stands in the source, partition by partition.

    Args:
        source: the cluster that serves the scope.
        replica: the other one.
        topics: physical names.
        before: what was seen last; an anchor of then is kept where none is found now.

    Raises:
        UnreachableError: one of them does not answer.
    """
    known = {mark.partition: mark.anchor for mark in before.marks} if before else {}
    partitions = await source.partitions(topics)
    there = [p for p in await replica.partitions(topics) if p in set(partitions)]
    begins, ends = await source.begins(partitions), await source.ends(partitions)
    replica_ends = await replica.ends(there)
    moved = [p for p in there if not _is_newest(known.get(_name(p)), ends[p], replica_ends[p])]
    ours, theirs = await source.last(moved, ROW), await replica.last(moved, ROW)
    anchors = known | {
        _name(p): align(ours[p], theirs[p])
        or _without_match(known, p, theirs, begins, replica_ends)
        for p in moved
    }
    return Watched(
        seen_at=datetime.now(UTC),
        marks=tuple(
            Mark(
                partition=_name(p),
                source_begin=begins[p],
                source_end=ends[p],
                anchor=anchors.get(_name(p)),
            )
            for p in partitions
        ),
    )


async def losses(replica: EndReader, watched: Watched) -> tuple[Loss, ...]:
    """What the replica lacks of what was last seen of the source.

    Raises:
        UnreachableError: the replica does not answer.
    """
    wanted = {mark.partition: mark for mark in watched.marks}
    topics = {name.rpartition("-")[0] for name in wanted}
    there = [p for p in await replica.partitions(topics) if _name(p) in wanted]
    ends, tails = await replica.ends(there), await replica.last(there, ROW)
    found = {_name(p): (ends[p], tails[p]) for p in there}
    return tuple(loss(mark, *found.get(name, (None, []))) for name, mark in wanted.items())


def _is_newest(anchor: Anchor | None, source_end: int, replica_end: int) -> bool:
    """Whether nothing was written to either since the anchor, so that nothing need be read."""
    return anchor == Anchor(source_end - 1, replica_end - 1)


def _without_match(
    known: Mapping[str, Anchor | None],
    partition: TopicPartition,
    theirs: Mapping[TopicPartition, Sequence[Placed]],
    begins: Mapping[TopicPartition, int],
    replica_ends: Mapping[TopicPartition, int],
) -> Anchor | None:
    if not theirs[partition]:
        return nothing_mirrored(begins[partition], replica_ends[partition])
    return known.get(_name(partition))


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"
