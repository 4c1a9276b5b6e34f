"""Proves that the target holds every record of the old cluster that was not compared before."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from aiokafka import TopicPartition
from msgspec.structs import replace

from controlplane.domain.completeness import Hole
from controlplane.domain.mirror.positions import split
from controlplane.domain.replica import Mark
from controlplane.domain.switch.proved import Means, Proved, most_compared, proved_by
from controlplane.domain.switch.state import Cut
from controlplane.domain.switch.view import MirrorState
from controlplane.domain.unreadable import Unreadable, not_proved
from controlplane.probes.ends import EndOnBoth
from controlplane.probes.following import Following
from controlplane.probes.numbers import name as named
from controlplane.probes.reader import EndReader
from controlplane.probes.rows import KnownBefore, Rows, back_to, newest_rows


class Compared(NamedTuple):
    """What was read to prove it."""

    rows: Mapping[TopicPartition, Rows]
    """The last records of both; of partitions that have moved since they were looked at last."""
    holes: tuple[Hole, ...]
    unreadable: tuple[Unreadable, ...] = ()
    proved: Proved = Proved()
    """By which means, of those that were."""

    def judged(
        self, found: MirrorState, *, accepted: bool, waived: Collection[str] = ()
    ) -> MirrorState:
        """What was found of the mirror, with what it left out, unless that may be lost.

        That the loss of records is accepted does not say so of a partition of which nobody knows
        what is lost: such a one is waived by its name.
        """
        left_out = () if accepted else tuple(hole.partition for hole in self.holes)
        all_unproved = (*left_out, *not_proved(self.unreadable))
        unproved = tuple(name for name in all_unproved if name not in waived)
        return replace(
            found,
            behind=(*found.behind, *unproved),
            far_behind=(*found.far_behind, *unproved),
            cut=None if unproved else found.cut,
            holes=self.holes,
            unreadable=(
                *found.unreadable,
                *(one for one in self.unreadable if one.partition not in waived),
            ),
            waived=(*found.waived, *(name for name in all_unproved if name in waived)),
            compared=most_compared((named(p), both.found) for p, both in self.rows.items()),
            proved=self.proved,
        )


async def prove(source: EndReader, target: EndReader, cut: Cut, following: Following) -> Compared:
    """Put the last records side by side, while nothing moves and both end with the same.

    Args:
        source: the old cluster.
        target: the one that is to serve.
        cut: where both end.
        following: what was seen before: what was found missing then still is, and what was read to
            find the cut need not be read again.

    Raises:
        UnreachableError: one of them does not answer.
    """
    marks = following.marks
    target_ends = dict(cut.target)
    means: dict[str, Means] = {}
    known: dict[TopicPartition, KnownBefore] = {}
    ends: dict[TopicPartition, int] = {}
    for name, end in cut.source:
        mark, target_end = marks.get(name), target_ends.get(name)
        if target_end is None:
            continue
        if mark is not None and mark.is_alike_at(end, target_end):
            means[name] = Means.NOT_SEEN_SINCE
            continue
        anchor, cursor = (mark.anchor, mark.cursor) if mark is not None else (None, None)
        partition = TopicPartition(*split(name))
        known[partition] = KnownBefore(cursor, back_to(anchor, end, target_end))
        ends[partition] = end
    both = {p: EndOnBoth(end, target_ends[named(p)]) for p, end in ends.items()}
    read, counted = following.at(both), following.counted_at(both)
    done = read.keys() | counted.keys()
    unread = {p: before for p, before in known.items() if p not in done}
    more, unreadable = await newest_rows(source, target, unread, ends)
    await following.count(source, target, {p: both[p] for p in unreadable})
    counted = following.counted_at(both)
    rows = read | more
    found = [both.hole(named(p)) for p, both in rows.items()]
    before = [mark.hole for name, mark in marks.items() if name in target_ends]
    holes = {hole.partition: hole for hole in (*before, *found) if hole is not None}
    means |= {named(p): _means(both, marks.get(named(p))) for p, both in rows.items()}
    means |= {named(p): by for p, by in counted.items()}
    records = sum(both.found for both in rows.values())
    unproved = tuple(one for p, one in unreadable.items() if p not in counted)
    return Compared(rows, tuple(holes.values()), unproved, proved_by(means, records))


def _means(rows: Rows, mark: Mark | None) -> Means:
    """Whether all was read since a record that both have, or since the beginning."""
    if rows.followed is not None or rows.ours.is_all:
        return Means.EVERY_RECORD
    anchor = mark.anchor if mark is not None else None
    begins = rows.ours.placed[0].offset if rows.ours.placed else None
    reaches_back = anchor is not None and begins is not None and begins <= anchor.source
    return Means.EVERY_RECORD if reaches_back else Means.COUNTED_AND_TAIL
