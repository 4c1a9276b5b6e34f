"""Counts the records of partitions that cannot be read on two clusters, by headers of batches."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from controlplane.domain.counting import Batch, Count, count, counting_from
from controlplane.domain.numbering.runs import comparable_rows
from controlplane.domain.replica import Anchor, Mark
from controlplane.domain.switch.proved import Means
from controlplane.probes.reader import EndReader
from controlplane.probes.taking import Packed
from controlplane.probes.together import together

_TAIL: Final = 4
"""Offsets of the end in which a last record is looked for."""
_NOTHING: Final = Anchor(-1, -1)
"""Up to there both hold the same, if neither has ever deleted a record."""


class Counted(NamedTuple):
    """A partition, counted."""

    found: Count
    is_all: bool
    """Whether both could be counted to their ends."""
    ends: tuple[int, int]
    """Of what is committed on both."""
    tail_is_alike: bool | None
    """Whether both end with the same record; None if that cannot be read either."""

    @property
    def place(self) -> Anchor:
        """Up to where both hold as many."""
        if self.is_all and self.found.is_as_many:
            return Anchor(self.ends[0] - 1, self.ends[1] - 1)
        return self.found.upto

    @property
    def means(self) -> Means | None:
        """What is proved by that; None: nothing."""
        if not self.is_all or self.tail_is_alike is False:
            return None
        if self.found.is_as_many:
            return Means.COUNTED_AND_TAIL if self.tail_is_alike else Means.COUNTED
        # More than there are may be what was repeated, or hide what is missing: the end tells.
        is_tail_enough = self.found.is_more and self.tail_is_alike
        return Means.COUNTED_AND_TAIL if is_tail_enough else None

    @property
    def is_behind(self) -> bool:
        """Whether the replica surely lacks something that may yet come."""
        return self.is_all and self.found.fits and self.found.ours > self.found.theirs


def places_of(mark: Mark | None, equal: Collection[tuple[int, int]] = ()) -> list[Anchor]:
    """Up to where both are known to hold the same.

    Args:
        mark: what was seen of the partition last.
        equal: end offsets of both at which they did.
    """
    known = (mark.counted, mark.anchor) if mark is not None else ()
    at_ends = (Anchor(end - 1, target_end - 1) for end, target_end in equal)
    return [_NOTHING, *at_ends, *(place for place in known if place is not None)]


async def count_on_both(
    source: EndReader, target: EndReader, places: Mapping[TopicPartition, Sequence[Anchor]]
) -> dict[TopicPartition, Counted]:
    """Count partitions that both have.

    Args:
        source: the original.
        target: the replica.
        places: of each partition, up to where both are known to hold the same.

    Returns:
        Those of the partitions that can be counted: both have all that came since such a place.

    Raises:
        UnreachableError: one of them does not answer.
    """
    since = await _usable(source, target, places) if places else {}
    if not since:
        return {}
    ours, theirs = await together(
        source.packed({p: place.source + 1 for p, place in since.items()}),
        target.packed({p: place.replica + 1 for p, place in since.items()}),
    )
    counts = {
        p: count(place, mine, other)
        for p, place in since.items()
        if (mine := _batches(place.source + 1, ours[p])) is not None
        and (other := _batches(place.replica + 1, theirs[p])) is not None
    }
    alike = await _tails_are_alike(source, target, [p for p, found in counts.items() if found.fits])
    return {
        p: Counted(
            found,
            is_all=ours[p].is_all and theirs[p].is_all,
            ends=(ours[p].end, theirs[p].end),
            tail_is_alike=alike.get(p),
        )
        for p, found in counts.items()
    }


async def _usable(
    source: EndReader, target: EndReader, places: Mapping[TopicPartition, Sequence[Anchor]]
) -> dict[TopicPartition, Anchor]:
    wanted = list(places)
    begins, target_begins = await together(source.begins(wanted), target.begins(wanted))
    ends, target_ends = await together(source.committed_ends(wanted), target.committed_ends(wanted))
    return {
        p: place
        for p, known in places.items()
        if (place := counting_from(known, (begins[p], target_begins[p]), (ends[p], target_ends[p])))
        is not None
    }


def _batches(begin: int, packed: Packed) -> list[Batch] | None:
    """What is counted; None: records of the first batch are before that, and some are gone."""
    found: list[Batch] = []
    for batch in packed.batches:
        if batch.offset >= begin:
            found.append(Batch(batch.end, batch.records, batch.newest))
        elif batch.end > begin and batch.is_whole:
            found.append(Batch(batch.end, batch.end - begin, None))
        elif batch.end > begin:
            return None
    return found


async def _tails_are_alike(
    source: EndReader, target: EndReader, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, bool]:
    """Of those that end with a record that can be read on both."""
    back = dict.fromkeys(partitions, _TAIL)
    ours, theirs = await together(source.last(back), target.last(back))
    found: dict[TopicPartition, bool] = {}
    for p in partitions:
        if p not in ours.found or p not in theirs.found:
            continue
        mine, other = comparable_rows(ours.found[p].placed, theirs.found[p].placed)
        if mine and other:
            found[p] = mine[-1].digest == other[-1].digest
    return found
