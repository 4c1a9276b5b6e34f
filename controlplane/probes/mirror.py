"""Compares two clusters: whether the old one stands still, and whether the target holds it all."""

import time
from collections.abc import Collection, Container, Mapping
from heapq import nlargest
from typing import Final

from aiokafka import TopicPartition

from controlplane.domain.replica import Mark
from controlplane.domain.switch.events import Ends
from controlplane.domain.switch.state import Cut
from controlplane.domain.switch.view import MirrorState, Sweep
from controlplane.domain.unreadable import Unreadable, not_proved
from controlplane.probes.ends import LogEnds, ends_of
from controlplane.probes.following import NOWHERE, Following
from controlplane.probes.reader import EndReader
from controlplane.probes.standing import (
    Standing,
    is_timeless,
    standing_of_count,
    standing_of_rows,
    standings_by_tails,
)
from controlplane.probes.together import together

_TIMED: Final = 100
"""Partitions, those that are behind by most, whose last records tell by how many seconds."""


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
    known: Collection[str] = (),
    waived: Collection[str] = (),
    following: Following | None = None,
) -> MirrorState:
    """How far the target is behind.

    Args:
        source: where records are written.
        target: where they are copied to.
        topics: physical names: of those that are there, all are looked at.
        equal_at: end offsets of both at which a partition (`topic-n`) is known to be the same.
            Where both still end there, the target may have deleted its last records since.
        known: partitions (`topic-n`) that the source has to tell of.
        waived: partitions of which nothing has to be proved.
        following: what was seen before. Where both still end there, and ended alike, nothing is
            read; where they went on from there alike, only what came since, which is kept.

    Raises:
        UnreachableError: one of them does not answer.
    """
    at = time.monotonic()
    following = following or Following()
    partitions, there = await together(source.partitions(topics), target.partitions(topics))
    mirrored = set(there).intersection(partitions)
    first = await ends_of(source, target, partitions, mirrored)
    counted = following.counted_at(first.both())
    moved = [p for p in _moved(partitions, first, following.marks) if p not in counted]
    standing, unreadable = await _standings(source, target, first.of(moved), equal_at, following)
    # After that: what a mirror delivered once more in between belongs before the cut.
    # Of what an open transaction has written nothing is mirrored yet.
    ends = first.then(await ends_of(source, target, moved, mirrored))
    unproved = frozenset(not_proved(unreadable))
    hopeless = {p for p in moved if p not in standing or _name(p) in unproved}
    lacking = [
        p
        for p in moved
        if p in hopeless or ends.is_open(p) or _lacks(standing[p], equal_at, p, ends)
    ]
    behind = [p for p in lacking if _name(p) not in waived]
    far = [p for p in behind if p in hopeless or standing[p].is_far_behind]
    unseen = sorted(set(known).difference(map(_name, partitions)))
    gone = tuple(name for name in unseen if name not in waived)
    return MirrorState(
        at=at,
        partitions=len(partitions),
        behind=(*map(_name, behind), *gone),
        far_behind=(*map(_name, far), *gone),
        unreadable=tuple(one for one in unreadable if one.partition not in waived),
        gone=gone,
        waived=tuple(name for name in (*map(_name, lacking), *unseen) if name in waived),
        cut=None if behind or gone else Cut(source=named(ends.source), target=named(ends.target)),
    )


def _moved(
    partitions: list[TopicPartition], ends: LogEnds, marks: Mapping[str, Mark]
) -> list[TopicPartition]:
    """All that are not known to end with the same."""
    return [
        p
        for p in partitions
        if (mark := marks.get(_name(p))) is None
        or ends.is_open(p)
        or not mark.is_alike_at(ends.source[p], ends.target.get(p))
    ]


async def _standings(
    source: EndReader,
    target: EndReader,
    moved: LogEnds,
    equal_at: Mapping[str, Collection[tuple[int, int]]],
    following: Following,
) -> tuple[dict[TopicPartition, Standing], tuple[Unreadable, ...]]:
    """By what came since a record that both have; by what stands last where that says nothing.

    And by number, where it cannot be read.
    """
    followed = await following.look(source, target, both := moved.both())
    found = {
        p: standing
        for p, rows in followed.items()
        # What is behind where it once was not may lack what was deleted: its tail tells.
        if not (standing := standing_of_rows(rows)).is_behind
        or both[p] not in equal_at.get(_name(p), ())
    }
    unclear = [p for p in moved.source if p not in found]
    by_tails, unreadable = await standings_by_tails(source, target, unclear, moved.target.keys())
    unread = frozenset(not_proved(unreadable))
    to_count = {p: ends for p, ends in both.items() if _name(p) in unread}
    counted = await following.count(source, target, to_count, equal_at)
    by_count = {
        p: told for p, one in counted.items() if (told := standing_of_count(one)) is not None
    }
    counted_by_name = {_name(p) for p in by_count}
    untold = tuple(one for one in unreadable if one.partition not in counted_by_name)
    return found | by_tails | by_count, untold


def _lacks(
    standing: Standing,
    equal_at: Mapping[str, Collection[tuple[int, int]]],
    partition: TopicPartition,
    ends: LogEnds,
) -> bool:
    both = (ends.source[partition], ends.target[partition])
    was_equal = both in equal_at.get(_name(partition), ())
    return standing.is_behind and not (standing.may_have_been_deleted and was_equal)


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
    records = {
        p: max(0, ours[p] - equal_at[0].get(_name(p), 0))
        - max(0, theirs.get(p, 0) - equal_at[1].get(_name(p), 0))
        for p in partitions
    }
    timed = nlargest(_TIMED, there, key=records.__getitem__)
    (newest, _), (oldest, _) = await together(source.tails(timed), target.tails(timed))
    seconds = [
        (mine.record.timestamp - other.record.timestamp) / 1000
        for p in timed
        if (mine := newest.get(p)) is not None
        and (other := oldest.get(p)) is not None
        and not is_timeless(other)
    ]
    return max(0, sum(records.values())), max(0.0, *seconds, 0.0)


def named(ends: Mapping[TopicPartition, int]) -> Ends:
    """End offsets as events and views hold them."""
    return tuple(sorted((_name(p), end) for p, end in ends.items()))


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"
