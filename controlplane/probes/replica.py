"""Looks at a scope's cluster and a replica of it together, and at the replica alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from aiokafka import TopicPartition

from controlplane.domain.numbering.runs import Run, continued, runs_of
from controlplane.domain.replica import (
    RUN,
    Anchor,
    Loss,
    Mark,
    Watched,
    align,
    from_the_beginning,
    loss,
    nothing_mirrored,
)
from controlplane.probes.numbers import ROW, beginnings, name, runs_known, within
from controlplane.probes.reader import EndReader, LastOf


async def watch(
    source: EndReader,
    replica: EndReader,
    topics: Iterable[str],
    before: Watched | None,
    filled_by_the_mirror: Collection[str] = (),
) -> Watched:
    """Where the replica stands in the source, partition by partition.

    Args:
        source: the cluster that serves the scope.
        replica: the other one.
        topics: physical names.
        before: what was seen last; an anchor of then is kept where none is found now.
        filled_by_the_mirror: topics into which nothing else wrote on the replica: the first records
            are an anchor too, as the last ones may be far behind the source's.

    Raises:
        UnreachableError: one of them does not answer.
    """
    known = {mark.partition: mark.anchor for mark in before.marks} if before else {}
    partitions = await source.partitions(topics)
    there = [p for p in await replica.partitions(topics) if p in set(partitions)]
    begins, ends = await source.begins(partitions), await source.ends(partitions)
    replica_ends = await replica.ends(there)
    moved = [p for p in there if not _is_newest(known.get(name(p)), ends[p], replica_ends[p])]
    ours, theirs = await source.last(moved, ROW), await replica.last(moved, ROW)
    anchors = known | {
        name(p): align(ours[p].placed, theirs[p].placed)
        or _without_match(known, p, theirs, begins, replica_ends)
        for p in moved
    }
    unknown = [p for p in moved if anchors[name(p)] is None and p.topic in filled_by_the_mirror]
    anchors |= await _first_anchors(source, replica, unknown)
    seen = runs_known(before)
    held = {p: within(seen.get(name(p), ()), ends[p], replica_ends.get(p, 0)) for p in partitions}
    runs = _runs(ours, theirs, anchors, held)
    new = {p: some for p, some in runs.items() if p in replica_ends and not held[p]}
    runs |= await beginnings(source, replica, new, begins, await replica.begins(there))
    return Watched(
        seen_at=datetime.now(UTC),
        marks=tuple(
            Mark(
                partition=name(p),
                source_begin=begins[p],
                source_end=ends[p],
                anchor=anchors.get(name(p)),
                runs=runs.get(p, ()),
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
    there = [p for p in await replica.partitions(topics) if name(p) in wanted]
    ends, tails = await replica.ends(there), await replica.last(there, ROW)
    found = {name(p): (ends[p], tails[p].placed) for p in there}
    return tuple(loss(mark, *found.get(called, (None, []))) for called, mark in wanted.items())


def _runs(
    ours: Mapping[TopicPartition, LastOf],
    theirs: Mapping[TopicPartition, LastOf],
    anchors: Mapping[str, Anchor | None],
    held: Mapping[TopicPartition, Sequence[Run]],
) -> dict[TopicPartition, tuple[Run, ...]]:
    """What is known to stand where, up to each partition's anchor."""
    found: dict[TopicPartition, tuple[Run, ...]] = {}
    for partition, known in held.items():
        runs, anchor = tuple(known), anchors.get(name(partition))
        if anchor is not None and partition in ours:
            newer = runs_of(
                [p for p in ours[partition].placed if p.offset <= anchor.source],
                [p for p in theirs[partition].placed if p.offset <= anchor.replica],
                from_the_beginning=ours[partition].is_all,
            )
            runs = continued(runs, newer)
        found[partition] = runs
    return found


async def _first_anchors(
    source: EndReader, replica: EndReader, partitions: list[TopicPartition]
) -> dict[str, Anchor | None]:
    if not partitions:
        return {}
    # More of the source, where markers of transactions take offsets too.
    ours = await source.first(partitions, ROW)
    theirs = await replica.first(partitions, RUN)
    return {name(p): from_the_beginning(ours[p], theirs[p]) for p in partitions}


def _is_newest(anchor: Anchor | None, source_end: int, replica_end: int) -> bool:
    """Whether nothing was written to either since the anchor, so that nothing need be read."""
    return anchor == Anchor(source_end - 1, replica_end - 1)


def _without_match(
    known: Mapping[str, Anchor | None],
    partition: TopicPartition,
    theirs: Mapping[TopicPartition, LastOf],
    begins: Mapping[TopicPartition, int],
    replica_ends: Mapping[TopicPartition, int],
) -> Anchor | None:
    if not theirs[partition].placed:
        return nothing_mirrored(begins[partition], replica_ends[partition])
    return known.get(name(partition))
