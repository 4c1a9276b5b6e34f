"""Sees which records stand where on two clusters of which the one holds all of the other."""

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition

from controlplane.domain.numbering.deciding import Logs
from controlplane.domain.numbering.runs import (
    Run,
    closed,
    comparable_rows,
    continued,
    runs_of,
    with_points,
)
from controlplane.domain.replica import Anchor, Mark, Watched, marks_of
from controlplane.probes.reader import EndReader
from controlplane.probes.rows import KnownBefore, Rows, newest_rows
from controlplane.probes.taking import LastOf
from controlplane.probes.together import together

_BEGINNING = 10
"""So many of the first ones."""

Points = Mapping[TopicPartition, Sequence[tuple[int, int]]]
"""Offsets of both clusters at which the same comes next."""


class SideBySide(NamedTuple):
    """Where a partition ends on two clusters, and which records stand alike on both."""

    partition: TopicPartition
    end: int
    target_begin: int
    target_end: int
    runs: tuple[Run, ...]
    whole: bool
    """Whether the source has no record after the last run."""

    def logs(self, points: Sequence[tuple[int, int]]) -> Logs:
        """The same with what else is known: offsets at which the same comes next."""
        return Logs(
            topic=self.partition.topic,
            partition=self.partition.partition,
            source_end=self.end,
            target_begin=self.target_begin,
            target_end=self.target_end,
            runs=closed(
                with_points(self.runs, points), self.end, self.target_end, whole=self.whole
            ),
        )


async def side_by_side(
    source: EndReader,
    target: EndReader,
    partitions: list[TopicPartition],
    seen: Watched | None,
    read: Mapping[TopicPartition, Rows],
) -> list[SideBySide]:
    """Partitions of which the target holds everything, while nothing moves.

    Args:
        source: the cluster that served.
        target: the other one.
        partitions: those that both have.
        seen: what was seen of them before.
        read: what was read of them since nothing moves any more.

    Raises:
        UnreachableError: one of them does not answer.
    """
    begins, target_begins = await together(source.begins(partitions), target.begins(partitions))
    ends, target_ends = await together(source.ends(partitions), target.ends(partitions))
    marks = marks_of(seen)
    known_before = runs_known(seen)
    known = {
        name(p): within(known_before.get(name(p), ()), ends[p], target_ends[p]) for p in partitions
    }
    stale = [
        p
        for p in partitions
        if not _up_to(known[name(p)], ends[p], target_ends[p])
        and not _is_seen_whole(marks.get(name(p)), known[name(p)], ends[p], target_ends[p])
    ]
    unread, unreadable = await newest_rows(
        source,
        target,
        {p: KnownBefore(_cursor(marks.get(name(p)))) for p in stale if p not in read},
        ends,
    )
    # Of what cannot be read only what was seen before is known.
    rows = {p: read[p] if p in read else unread[p] for p in stale if p not in unreadable}
    runs = {p: tuple(known[name(p)]) for p in partitions}
    for p, (ours, theirs, _) in rows.items():
        newer = runs_of(ours.placed, theirs.placed, from_the_beginning=ours.is_all)
        runs[p] = newer if ours.is_all and newer else continued(runs[p], newer)
    runs |= await beginnings(source, target, runs, begins, target_begins)
    return [
        SideBySide(
            partition=p,
            end=ends[p],
            target_begin=target_begins[p],
            target_end=target_ends[p],
            runs=runs[p],
            whole=_is_last(rows[p].ours, runs[p]) if p in rows else p not in unreadable,
        )
        for p in partitions
    ]


def logs_as_seen(seen: Watched, topics: Container[str]) -> list[Logs]:
    """The same for clusters that are not asked: as it was when both answered last."""
    found = []
    for mark in seen.marks:
        topic, _, partition = mark.partition.rpartition("-")
        if topic not in topics:
            continue
        found.append(
            Logs(
                topic=topic,
                partition=int(partition),
                source_end=mark.source_end,
                target_begin=0,
                target_end=None,
                runs=mark.runs,
            )
        )
    return found


async def beginnings(
    source: EndReader,
    target: EndReader,
    runs: Mapping[TopicPartition, Sequence[Run]],
    begins: Mapping[TopicPartition, int],
    target_begins: Mapping[TopicPartition, int],
) -> dict[TopicPartition, tuple[Run, ...]]:
    """With what stands first on both sides, of partitions of which only the end was seen.

    Looked for where it should be if all stands as far apart as what is known.

    Raises:
        UnreachableError: one of them does not answer.
    """
    first: dict[TopicPartition, int] = {}
    for partition, known in runs.items():
        if (
            partition in target_begins
            and known
            and not known[0].whole
            and known[0].target > target_begins[partition]
        ):
            begin = max(begins[partition], target_begins[partition] - known[0].shift)
            if begin + _BEGINNING <= known[0].source:
                first[partition] = begin
    if not first:
        return {}
    shifts = {p: runs[p][0].shift for p in first}
    ours, _ = await source.between({p: (at, at + _BEGINNING) for p, at in first.items()})
    theirs, _ = await target.between(
        {p: (at + shifts[p], at + shifts[p] + _BEGINNING) for p, at in first.items()}
    )
    found = {}
    for p, at in first.items():
        mine, other = comparable_rows(ours.get(p, ()), theirs.get(p, ()))
        if mine and [(r.offset + shifts[p], r.digest) for r in mine] == [
            (r.offset, r.digest) for r in other
        ]:
            beginning = Run(at, at + shifts[p], _BEGINNING, whole=at == begins[p])
            found[p] = continued((beginning,), runs[p])
    return found


def runs_known(seen: Watched | None) -> dict[str, tuple[Run, ...]]:
    """By partition (`topic-n`)."""
    return {partition: mark.runs for partition, mark in marks_of(seen).items()}


def name(partition: TopicPartition) -> str:
    """As marks name it."""
    return f"{partition.topic}-{partition.partition}"


def within(runs: Sequence[Run], end: int, target_end: int) -> Sequence[Run]:
    """What was seen; nothing, if one log is shorter than that: it was made anew."""
    fits = not runs or (runs[-1].end <= end and runs[-1].target_end <= target_end)
    return runs if fits else ()


def _up_to(runs: Sequence[Run], end: int, target_end: int) -> bool:
    return bool(runs) and (runs[-1].end, runs[-1].target_end) == (end, target_end)


def _is_seen_whole(mark: Mark | None, runs: Sequence[Run], end: int, target_end: int) -> bool:
    """Whether no record comes after the last run, though markers of transactions may."""
    if mark is None or mark.anchor is None or not mark.is_alike_at(end, target_end):
        return False
    return bool(runs) and runs[-1].end == mark.anchor.source + 1


def _cursor(mark: Mark | None) -> Anchor | None:
    return mark.cursor if mark is not None else None


def _is_last(ours: LastOf, runs: Sequence[Run]) -> bool:
    """Whether the source has no record after its last run."""
    if ours.placed:
        return bool(runs) and runs[-1].end == ours.placed[-1].offset + 1
    return ours.is_all and not runs
