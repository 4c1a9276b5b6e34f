"""Looks at a scope's cluster and a replica of it together, and at the replica alone."""

from collections.abc import Collection, Container, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from aiokafka import TopicPartition

from controlplane.domain.completeness import Hole, still_missing
from controlplane.domain.numbering.runs import Run, comparable_rows, continued, runs_of
from controlplane.domain.replica import (
    RUN,
    Anchor,
    Loss,
    Mark,
    Watched,
    align,
    cursors_back,
    from_the_beginning,
    is_newest,
    loss,
    marks_of,
    nothing_mirrored,
)
from controlplane.domain.unreadable import Unreadable
from controlplane.probes.counting import count_on_both, places_of
from controlplane.probes.fetching import Read
from controlplane.probes.following import NOWHERE
from controlplane.probes.numbers import beginnings, name, runs_known, within
from controlplane.probes.reader import EndReader
from controlplane.probes.rows import ROW, KnownBefore, Rows, newest_rows
from controlplane.probes.taking import LastOf

WIDELY_AT_ONCE: Final = 100
"""Partitions of which one look reads more than what came since the last one: all of them in turns,
as after a start, when nothing is known of any."""


async def watch(
    source: EndReader,
    replica: EndReader,
    partitions: list[TopicPartition],
    before: Watched | None,
    filled_by_the_mirror: Collection[str] = (),
    *,
    back: Watched | None = None,
    equal_at: Mapping[str, Collection[tuple[int, int]]] = NOWHERE,
) -> Watched:
    """Where the replica stands in the source, partition by partition.

    Args:
        source: the cluster that serves the scope.
        replica: the other one.
        partitions: those of the source, as it has just told them.
        before: what was seen last; an anchor of then is kept where none is found now.
        filled_by_the_mirror: topics into which nothing else wrote on the replica: the first records
            are an anchor too, as the last ones may be far behind the source's.
        back: what was seen last while the replica was the original: where nothing is known yet,
            reading goes on from there.
        equal_at: end offsets of both at which partitions (`topic-n`) are known to have held the
            same: what cannot be read is counted from there.

    Raises:
        UnreachableError: one of them does not answer.
    """
    marks, turned = marks_of(before), cursors_back(back)
    wanted = set(partitions)
    there = [p for p in await replica.all_partitions() if p in wanted]
    begins, ends = await source.begins(partitions), await source.ends(partitions)
    replica_ends = await replica.ends(there)
    moved = {
        p: KnownBefore((mark.cursor if mark is not None else None) or turned.get(name(p)))
        for p in there
        if not _is_known(mark := marks.get(name(p)), p, ends, replica_ends, filled_by_the_mirror)
    }
    in_turn = dict(sorted(moved.items(), key=lambda one: not _is_postponed(marks, one[0])))
    rows, unreadable = await newest_rows(source, replica, in_turn, ends, WIDELY_AT_ONCE)
    anchors = {called: mark.anchor for called, mark in marks.items()} | {
        name(p): _anchor(marks.get(name(p)), both, begins[p], replica_ends[p])
        for p, both in rows.items()
    }
    unknown = [p for p in rows if anchors[name(p)] is None and p.topic in filled_by_the_mirror]
    anchors |= await _first_anchors(source, replica, unknown)
    seen = runs_known(before)
    held = {p: within(seen.get(name(p), ()), ends[p], replica_ends.get(p, 0)) for p in partitions}
    runs = _runs(rows, anchors, held)
    new = {p: some for p, some in runs.items() if p in replica_ends and not held[p]}
    runs |= await beginnings(source, replica, new, begins, await replica.begins(list(new)))
    holes = _holes(marks, rows, begins, replica_ends)
    counted = await _counted(source, replica, unreadable, marks, equal_at)
    return Watched(
        seen_at=datetime.now(UTC),
        marks=tuple(
            Mark(
                partition=(called := name(p)),
                source_begin=begins[p],
                source_end=ends[p],
                replica_end=replica_ends.get(p),
                anchor=anchors.get(called),
                runs=runs.get(p, ()),
                hole=holes.get(called),
                unreadable=unreadable.get(p) or _still_unreadable(marks.get(called), p, moved),
                counted=counted.get(p) or _still_counted(marks.get(called), p, rows),
                postponed=p in moved and p not in rows and p not in unreadable,
                alike=not rows[p].is_behind if p in rows else _stays_alike(p, moved, marks),
            )
            for p in partitions
        ),
    )


async def _counted(
    source: EndReader,
    replica: EndReader,
    unreadable: Collection[TopicPartition],
    marks: Mapping[str, Mark],
    equal_at: Mapping[str, Collection[tuple[int, int]]],
) -> dict[TopicPartition, Anchor]:
    """Up to where both hold as many records, of what cannot be read."""
    places = {p: places_of(marks.get(name(p)), equal_at.get(name(p), ())) for p in unreadable}
    counted = await count_on_both(source, replica, places)
    return {p: one.place for p, one in counted.items() if one.found.fits}


def _still_counted(
    mark: Mark | None, partition: TopicPartition, rows: Container[TopicPartition]
) -> Anchor | None:
    """Nothing any more, once it could be read."""
    return mark.counted if mark is not None and partition not in rows else None


def _still_unreadable(
    mark: Mark | None, partition: TopicPartition, moved: Container[TopicPartition]
) -> Unreadable | None:
    """What was counted to its end is not read again, and so is no more readable than it was."""
    is_counted = mark is not None and mark.counted is not None and partition not in moved
    return mark.unreadable if mark is not None and is_counted else None


def _is_known(
    mark: Mark | None,
    partition: TopicPartition,
    ends: Mapping[TopicPartition, int],
    replica_ends: Mapping[TopicPartition, int],
    filled_by_the_mirror: Collection[str],
) -> bool:
    """Whether reading would show nothing that was not seen before."""
    if mark is None:
        return False
    both = ends[partition], replica_ends[partition]
    if is_newest(mark.anchor, *both) or is_newest(mark.counted, *both):
        return True
    # What is known to be filled by the mirror alone only now may have an anchor after all.
    is_settled = mark.anchor is not None or partition.topic not in filled_by_the_mirror
    return is_settled and mark.is_unmoved(ends[partition], replica_ends[partition])


def _is_postponed(marks: Mapping[str, Mark], partition: TopicPartition) -> bool:
    mark = marks.get(name(partition))
    return mark is not None and mark.postponed


def _stays_alike(
    partition: TopicPartition, moved: Container[TopicPartition], marks: Mapping[str, Mark]
) -> bool:
    mark = marks.get(name(partition))
    return mark is not None and mark.alike and partition not in moved


async def losses(replica: EndReader, watched: Watched) -> tuple[Loss, ...]:
    """What the replica lacks of what was last seen of the source.

    Raises:
        UnreachableError: the replica does not answer.
    """
    wanted = marks_of(watched)
    topics = {name.rpartition("-")[0] for name in wanted}
    there = [p for p in await replica.partitions(topics) if name(p) in wanted]
    ends = await replica.ends(there)
    grown = [p for p in there if _has_grown(wanted[name(p)].anchor, ends[p])]
    tails = await replica.last(dict.fromkeys(grown, ROW))
    places = {name(p): p for p in there}
    return tuple(_loss(mark, places.get(called), ends, tails) for called, mark in wanted.items())


def _has_grown(anchor: Anchor | None, end: int) -> bool:
    """Whether the replica has got something since the anchor."""
    return anchor is not None and end > anchor.replica + 1


def _loss(
    mark: Mark,
    partition: TopicPartition | None,
    ends: Mapping[TopicPartition, int],
    tails: Read[LastOf],
) -> Loss:
    if partition is None:
        return loss(mark, None, ())
    tail = tails.found.get(partition)
    placed = tail.placed if tail is not None else ()
    return loss(mark, ends[partition], placed, tails.unreadable.get(partition))


def _holes(
    known: Mapping[str, Mark],
    rows: Mapping[TopicPartition, Rows],
    begins: Mapping[TopicPartition, int],
    replica_ends: Mapping[TopicPartition, int],
) -> dict[str, Hole | None]:
    """What each partition lacks; nothing of before, if the replica's log was made anew since."""
    found: dict[str, Hole | None] = {}
    for partition, end in replica_ends.items():
        called = name(partition)
        mark = known.get(called)
        made_anew = mark is None or (mark.anchor is not None and end <= mark.anchor.replica)
        missed = None if mark is None or made_anew else mark.hole
        both = rows.get(partition)
        if missed is not None and both is not None and both.fill(missed):
            missed = None
        # It is kept: what will be there at the next look must not be in it.
        seen = both.hole(called, lasting=True) if both is not None else None
        found[called] = still_missing(missed, seen, begins[partition])
    return found


def _runs(
    rows: Mapping[TopicPartition, Rows],
    anchors: Mapping[str, Anchor | None],
    held: Mapping[TopicPartition, Sequence[Run]],
) -> dict[TopicPartition, tuple[Run, ...]]:
    """What is known to stand where, up to each partition's anchor."""
    found: dict[TopicPartition, tuple[Run, ...]] = {}
    for partition, known in held.items():
        runs, anchor = tuple(known), anchors.get(name(partition))
        if anchor is not None and partition in rows:
            ours, theirs, _ = rows[partition]
            newer = runs_of(
                [p for p in ours.placed if p.offset <= anchor.source],
                [p for p in theirs.placed if p.offset <= anchor.replica],
                from_the_beginning=ours.is_all,
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
    ours, _ = await source.first(partitions, ROW)
    theirs, _ = await replica.first(partitions, RUN)
    return {
        name(p): from_the_beginning(*comparable_rows(ours[p], theirs[p]))
        if p in ours and p in theirs
        else None
        for p in partitions
    }


def _anchor(mark: Mark | None, rows: Rows, begin: int, replica_end: int) -> Anchor | None:
    """The newest record that both have; what was known, where that is not certain."""
    ours, theirs = rows.ours.placed, rows.theirs.placed
    if not theirs:
        return nothing_mirrored(begin, replica_end)
    return rows.followed or align(ours, theirs) or (mark.anchor if mark is not None else None)
