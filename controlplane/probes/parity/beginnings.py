"""Has partitions of a target begin with the record with which they begin on the source.

What was deleted there (DeleteRecords, retention, a topic that was made anew) is at the beginning of
the target's log still. Where the source's first record stands in it is found by what tells records
from others, never by offsets; what cannot be found for sure is left alone.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from aiokafka import TopicPartition

from controlplane.domain.positions import Imprint, Method, is_same
from controlplane.probes.imprints import ImprintReader, Range, Records
from controlplane.probes.reader import EndReader
from controlplane.probes.searching import Wanted, search
from controlplane.probes.together import together

_SURE = frozenset({Method.ALIGNED, Method.FOUND})


class Begins(NamedTuple):
    """Where a partition begins on both clusters."""

    ours: int
    theirs: int


class Known(NamedTuple):
    """What was found of a partition, good for as long as both begin there."""

    begins: Begins
    surplus_before: int
    """The target's offset of the source's first record, or where the target begins."""


class Pair(NamedTuple):
    """What reads a cluster: its ends, and its records."""

    ends: EndReader
    records: ImprintReader


async def surplus_before(
    source: Pair,
    target: Pair,
    partitions: Collection[TopicPartition],
    compacted: Collection[TopicPartition],
    known: dict[TopicPartition, Known],
) -> dict[TopicPartition, int]:
    """Up to which offset the target's first records are ones that the source does not have.

    Args:
        source: the cluster that serves.
        target: its replica, into which the mirror may be writing.
        partitions: those that both have.
        compacted: those of which the source may have cleaned away as many records as it has offsets
            free: the target need not have done so yet.
        known: what was found before, so that it need not be read again; what is found is added.

    Raises:
        LookError: one of them does not answer.
    """
    wanted = list(partitions)
    # The target first: what is mirrored meanwhile is no surplus.
    their_begins, their_ends = await together(target.ends.begins(wanted), target.ends.ends(wanted))
    begins, ends = await together(source.ends.begins(wanted), source.ends.committed_ends(wanted))
    both = {p: Begins(begins[p], their_begins[p]) for p in wanted}
    unread = {
        p: (Range(begins[p], ends[p], most=1), Range(their_begins[p], their_ends[p], most=1))
        for p in wanted
        if their_begins[p] < their_ends[p] and (p not in known or known[p].begins != both[p])
    }
    emptied: dict[TopicPartition, int] = {}
    looked_for: dict[TopicPartition, Wanted] = {}
    free: dict[TopicPartition, int] = {}
    for p, (ours, theirs) in (await _first_records(source, target, unread)).items():
        cleaned = (ends[p] if ours is None else ours.offset) - begins[p]
        free[p] = their_begins[p] + (cleaned if p in compacted else 0)
        if p in compacted and their_ends[p] - their_begins[p] <= ends[p] - begins[p]:
            # No more offsets than here, so far: what stands there first was cleaned away here.
            continue
        if ours is None:
            if their_ends[p] > free[p]:
                emptied[p] = their_ends[p]
        elif theirs is None or is_same(ours, theirs):
            known[p] = Known(both[p], their_begins[p])
        else:
            looked_for[p] = Wanted((ours.offset,), ends[p], their_ends[p])
    for p, places in (await search(source.records, target.records, looked_for)).items():
        (place,) = places.values()
        # What is not found may be on its way: it is looked for again.
        if place.method in _SURE:
            is_surplus = place.offset > free[p]
            known[p] = Known(both[p], place.offset if is_surplus else their_begins[p])
    found = {
        p: known[p].surplus_before for p in wanted if p in known and known[p].begins == both[p]
    }
    return emptied | {p: before for p, before in found.items() if before > their_begins[p]}


async def _first_records(
    source: Pair,
    target: Pair,
    bounds: Mapping[TopicPartition, tuple[Range, Range]],
) -> dict[TopicPartition, tuple[Imprint | None, Imprint | None]]:
    """The first committed record of each partition that can be read on both clusters."""
    if not bounds:
        return {}
    ours, theirs = await together(
        source.records.read({p: of_ours for p, (of_ours, _) in bounds.items()}),
        target.records.read({p: of_theirs for p, (_, of_theirs) in bounds.items()}),
    )
    readable = (p for p in bounds if ours[p].readable and theirs[p].readable)
    return {p: (_first(ours[p]), _first(theirs[p])) for p in readable}


def _first(read: Records) -> Imprint | None:
    return read.imprints[0] if read.imprints else None
