"""Compares two clusters: whether the old one stands still, and whether the target holds it all."""

import time
from collections.abc import Collection, Container, Mapping
from types import MappingProxyType
from typing import Final

from aiokafka import TopicPartition

from controlplane.domain.replica import Watched, marks_of
from controlplane.domain.switch.events import Ends
from controlplane.domain.switch.state import Cut
from controlplane.domain.switch.view import MirrorState, Sweep
from controlplane.domain.unreadable import not_proved
from controlplane.probes.reader import EndReader
from controlplane.probes.rows import ROW, last_rows
from controlplane.probes.taking import Tail
from controlplane.probes.together import together

NOWHERE: Final[Mapping[str, Collection[tuple[int, int]]]] = MappingProxyType({})
FAR_MS = 10_000
"""A target whose last record is older than the source's by this much is not close enough."""


async def sweep(source: EndReader, topics: Container[str]) -> Sweep:
    """The source's end offsets.

    Raises:
        UnreachableError: the source does not answer.
    """
    at = time.monotonic()
    ends = await source.ends(await source.partitions(topics))
    return Sweep(at=at, ends=named(ends))


async def compare(
    source: EndReader,
    target: EndReader,
    topics: Container[str],
    equal_at: Mapping[str, Collection[tuple[int, int]]] = NOWHERE,
    *,
    seen: Watched | None = None,
    known: Collection[str] = (),
    waived: Collection[str] = (),
) -> MirrorState:
    """How far the target is behind.

    Args:
        source: where records are written.
        target: where they are copied to.
        topics: physical names: of those that are there, all are looked at.
        equal_at: end offsets of both at which a partition (`topic-n`) is known to be the same.
            Where both still end there, the target may have deleted its last records since.
        seen: what the watch saw last. Where both still end there, and ended alike, nothing is read.
        known: partitions (`topic-n`) that the source has to tell of.
        waived: partitions of which nothing has to be proved.

    Raises:
        UnreachableError: one of them does not answer.
    """
    at = time.monotonic()
    partitions, there = await together(source.partitions(topics), target.partitions(topics))
    mirrored = set(there).intersection(partitions)
    (ends, closed), target_ends = await _ends(source, target, partitions, mirrored)
    marks = marks_of(seen)
    moved = [
        p
        for p in partitions
        if (mark := marks.get(_name(p))) is None
        or closed[p] != ends[p]
        or not mark.is_alike_at(ends[p], target_ends.get(p))
    ]
    there = [p for p in moved if p in mirrored]
    ours, theirs = await together(source.tails(moved), target.tails(there))
    # A record without a timestamp has got one by its copy.
    timeless = [
        p for p in there if _is_timeless(ours.found.get(p)) or _is_timeless(theirs.found.get(p))
    ]
    rows, unread = await last_rows(source, target, dict.fromkeys(timeless, (ROW, ROW)))
    # After the tails: what a mirror delivered once more in between belongs before the cut.
    # Of what an open transaction has written nothing is mirrored yet.
    (moved_ends, moved_closed), moved_target = await _ends(source, target, moved, mirrored)
    ends, closed, target_ends = ends | moved_ends, closed | moved_closed, target_ends | moved_target
    unreadable = (*ours.unreadable.values(), *theirs.unreadable.values(), *unread.values())
    hopeless = {p for p in moved if p not in mirrored or _name(p) in not_proved(unreadable)}
    lacking = [
        p
        for p in moved
        if p in hopeless
        or closed[p] != ends[p]
        or (
            (rows[p].is_behind if p in rows else is_behind(ours.found[p], theirs.found[p]))
            and not (
                may_have_been_deleted(ours.found[p], theirs.found[p])
                and (ends[p], target_ends[p]) in equal_at.get(_name(p), ())
            )
        )
    ]
    behind = [p for p in lacking if _name(p) not in waived]
    far = [p for p in behind if p in hopeless or is_far_behind(ours.found[p], theirs.found[p])]
    unseen = sorted(set(known).difference(map(_name, partitions)))
    gone = tuple(name for name in unseen if name not in waived)
    is_equal = not behind and not gone
    return MirrorState(
        at=at,
        partitions=len(partitions),
        behind=(*map(_name, behind), *gone),
        far_behind=(*map(_name, far), *gone),
        unreadable=tuple(one for one in unreadable if one.partition not in waived),
        gone=gone,
        waived=tuple(name for name in (*map(_name, lacking), *unseen) if name in waived),
        cut=Cut(source=named(ends), target=named(target_ends)) if is_equal else None,
    )


async def _ends(
    source: EndReader,
    target: EndReader,
    partitions: list[TopicPartition],
    mirrored: Collection[TopicPartition],
) -> tuple[tuple[dict[TopicPartition, int], dict[TopicPartition, int]], dict[TopicPartition, int]]:
    """The source's ends, those of what is committed there, and the target's."""
    return await together(
        together(source.ends(partitions), source.committed_ends(partitions)),
        target.ends([p for p in partitions if p in mirrored]),
    )


async def lag(
    source: EndReader,
    target: EndReader,
    partitions: list[TopicPartition],
    equal_at: tuple[dict[str, int], dict[str, int]],
) -> tuple[int, float]:
    """About how many records, and how many seconds, the target is behind in these partitions.

    Args:
        source: where records are written.
        target: where they are copied to.
        partitions: those that are behind.
        equal_at: end offsets of both at which they held the same; the beginning where unknown.

    Raises:
        UnreachableError: one of them does not answer.
    """
    known = set(await target.partitions({p.topic for p in partitions}))
    there = [p for p in partitions if p in known]
    ours, theirs = await source.ends(partitions), await target.ends(there)
    records = sum(
        max(0, ours[p] - equal_at[0].get(_name(p), 0))
        - max(0, theirs.get(p, 0) - equal_at[1].get(_name(p), 0))
        for p in partitions
    )
    (newest, _), (oldest, _) = await source.tails(there), await target.tails(there)
    seconds = [
        (mine.record.timestamp - other.record.timestamp) / 1000
        for p in there
        if (mine := newest.get(p)) is not None
        and (other := oldest.get(p)) is not None
        and not _is_timeless(other)
    ]
    return max(0, records), max(0.0, *seconds, 0.0)


def is_behind(ours: Tail | None, theirs: Tail | None) -> bool:
    """Whether the target lacks something of the source.

    A mirror that delivers at least once may repeat records: more of them is not less.
    """
    if ours is None:
        return False
    return theirs is None or theirs.record != ours.record or theirs.repeats < ours.repeats


def may_have_been_deleted(ours: Tail | None, theirs: Tail | None) -> bool:
    """Whether the target may have had the source's last record, and has none like it any more.

    Retention deletes all records before the last one; compaction only ever deletes a tombstone.
    """
    return theirs is None or (ours is not None and ours.record.value is None)


def _is_timeless(tail: Tail | None) -> bool:
    return tail is not None and tail.record.timestamp < 0


def is_far_behind(ours: Tail | None, theirs: Tail | None) -> bool:
    """Whether the target lacks so much that it should not be waited for behind a fence."""
    if ours is None:
        return False
    return theirs is None or ours.record.timestamp - theirs.record.timestamp > FAR_MS


def named(ends: dict[TopicPartition, int]) -> Ends:
    """End offsets as events and views hold them."""
    return tuple(sorted((_name(p), end) for p, end in ends.items()))


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"
