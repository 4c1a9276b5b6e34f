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
from controlplane.probes.searching import Sought, search
from controlplane.probes.together import together

_SURE = frozenset({Method.ALIGNED, Method.FOUND})


class Begins(NamedTuple):
    """Where a partition begins on both clusters."""

    ours: int
    theirs: int


class CopiedPartition(NamedTuple):
    """A partition as it is on both clusters."""

    begins: Begins
    end: int
    """Where what is committed ends on the source."""
    their_end: int
    is_compacted: bool

    def may_have_surplus(self) -> bool:
        """Whether records may stand at the target's beginning that are not on the source.

        Of a compacted one that has no more offsets there, what stands first was cleaned away here.
        """
        theirs, ours = self.their_end - self.begins.theirs, self.end - self.begins.ours
        return theirs > (ours if self.is_compacted else 0)

    def free(self, first: Imprint | None) -> int:
        """Up to where the target may have records that the source has cleaned away."""
        cleaned = (self.end if first is None else first.offset) - self.begins.ours
        return self.begins.theirs + (cleaned if self.is_compacted else 0)


class Known(NamedTuple):
    """What was found of a partition, good for as long as both begin there."""

    begins: Begins
    surplus_before: int
    """The target's offset of the source's first record, or where the target begins."""
    until: int | None = None
    """It is good only as long as the target ends there; None: whatever comes."""

    @property
    def lacks_the_first(self) -> bool:
        """Whether the source has a record with which its copy does not begin, nor goes on."""
        return self.until is not None and self.surplus_before == self.begins.theirs

    def may_change(self, begins: Begins) -> bool:
        """Whether it is to be asked where both end."""
        return self.until is not None or self.begins != begins

    def holds(self, begins: Begins, their_end: int | None) -> bool:
        """Whether nothing has come or gone since that could change it."""
        return self.begins == begins and self.until in {None, their_end}


class ClusterReaders(NamedTuple):
    """What reads a cluster: its ends, and its records."""

    ends: EndReader
    records: ImprintReader


async def surplus_before(
    source: ClusterReaders,
    target: ClusterReaders,
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
    begins = await _begins(source, target, list(partitions))
    wanted = [p for p in begins if p not in known or known[p].may_change(begins[p])]
    their_ends: dict[TopicPartition, int] = {}
    if wanted:
        # The target first: what is mirrored meanwhile is no surplus.
        their_ends = await target.ends.ends(wanted)
        ends = await source.ends.committed_ends(wanted)
        logs = {
            p: CopiedPartition(begins[p], ends[p], their_ends[p], p in compacted) for p in wanted
        }
        known |= await _found(source, target, logs, known)
    found = {
        p: known[p].surplus_before
        for p in begins
        if p in known and known[p].holds(begins[p], their_ends.get(p))
    }
    return {p: before for p, before in found.items() if before > begins[p].theirs}


async def _begins(
    source: ClusterReaders, target: ClusterReaders, partitions: list[TopicPartition]
) -> dict[TopicPartition, Begins]:
    ours, theirs = await together(source.ends.begins(partitions), target.ends.begins(partitions))
    return {p: Begins(ours[p], theirs[p]) for p in partitions}


async def _found(
    source: ClusterReaders,
    target: ClusterReaders,
    logs: Mapping[TopicPartition, CopiedPartition],
    known: Mapping[TopicPartition, Known],
) -> dict[TopicPartition, Known]:
    """What can be said of those whose target has records, and of which it is not known yet."""
    found: dict[TopicPartition, Known] = {}
    looked_for: dict[TopicPartition, Sought] = {}
    free: dict[TopicPartition, int] = {}
    unknown = {
        p: log
        for p, log in logs.items()
        if log.may_have_surplus() and not (p in known and known[p].holds(log.begins, log.their_end))
    }
    for p, (ours, theirs) in (await _first_records(source, target, unknown)).items():
        log = logs[p]
        free[p] = log.free(ours)
        if ours is None:
            is_surplus = log.their_end > free[p]
            before = log.their_end if is_surplus else log.begins.theirs
            found[p] = Known(log.begins, before, log.their_end)
        elif theirs is None or is_same(ours, theirs):
            found[p] = Known(log.begins, log.begins.theirs)
        else:
            looked_for[p] = Sought((ours.offset,), log.end, log.their_end)
    for p, places in (await search(source.records, target.records, looked_for)).items():
        log, (place,) = logs[p], places.values()
        if place.method not in _SURE:
            # It may be on its way: it is looked for again when something has come.
            found[p] = Known(log.begins, log.begins.theirs, log.their_end)
        else:
            is_surplus = place.offset > free[p]
            found[p] = Known(log.begins, place.offset if is_surplus else log.begins.theirs)
    return found


async def _first_records(
    source: ClusterReaders, target: ClusterReaders, logs: Mapping[TopicPartition, CopiedPartition]
) -> dict[TopicPartition, tuple[Imprint | None, Imprint | None]]:
    """The first committed record of each partition that can be read on both clusters."""
    if not logs:
        return {}
    ours, theirs = await together(
        source.records.read(
            {p: Range(log.begins.ours, log.end, most=1) for p, log in logs.items()}
        ),
        target.records.read(
            {p: Range(log.begins.theirs, log.their_end, most=1) for p, log in logs.items()}
        ),
    )
    readable = (p for p in logs if ours[p].readable and theirs[p].readable)
    return {p: (_first(ours[p]), _first(theirs[p])) for p in readable}


def _first(read: Records) -> Imprint | None:
    return read.imprints[0] if read.imprints else None
