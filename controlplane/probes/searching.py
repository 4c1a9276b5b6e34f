"""Reads as much of two clusters as it takes to find positions of one in the other.

Close to the end everything is read on both sides and put side by side, once for all groups.
Further behind, a record is looked for from its timestamp on.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

import structlog
from aiokafka import TopicPartition

from controlplane.domain.positions import (
    Alignment,
    Imprint,
    Method,
    TranslatedPosition,
    chosen,
    found_by_time,
)
from controlplane.probes.imprints import ImprintReader, Range
from controlplane.probes.together import together

_NEAR = 5_000
"""So far before the end everything is read."""
_NEAR_IN_ALL = 100_000
"""The same over all partitions."""
_ALIGN_BUDGET_S = 5.0
_SLACK = 200
"""How much more of the mirror is read, for what it repeats."""
_WINDOW = 2_000
"""Records after which looking for one that is further behind ends."""
_MOST_FAR = 20
"""Different offsets far behind that are looked for in one partition."""

_logger = structlog.get_logger()

Places = dict[int, TranslatedPosition]
"""By committed offset."""


class Sought(NamedTuple):
    """The offsets that groups have committed in a partition, and its end on both sides."""

    offsets: tuple[int, ...]
    """Ascending."""
    end: int
    target_end: int


async def search(
    ours: ImprintReader, theirs: ImprintReader, wanted: Mapping[TopicPartition, Sought]
) -> dict[TopicPartition, Places]:
    """A position in the target for every offset.

    Args:
        ours: of the source.
        theirs: of the target.
        wanted: the offsets.

    Raises:
        UnreachableError: a cluster does not answer.
    """
    places: dict[TopicPartition, Places] = {p: _at_end(w) for p, w in wanted.items()}
    if all(len(places[p]) == len(w.offsets) for p, w in wanted.items()):
        return places
    searcher = _Searcher(ours, theirs, wanted, places)
    await searcher.align()
    await searcher.look_further()
    return places


def _at_end(wanted: Sought) -> Places:
    end = TranslatedPosition(wanted.target_end, Method.END)
    return {offset: end for offset in wanted.offsets if offset >= wanted.end}


class _Searcher:
    """Fills in what is missing."""

    def __init__(
        self,
        ours: ImprintReader,
        theirs: ImprintReader,
        wanted: Mapping[TopicPartition, Sought],
        places: dict[TopicPartition, Places],
    ) -> None:
        self._ours = ours
        self._theirs = theirs
        self._wanted = wanted
        self._places = places

    def _missing(self, partition: TopicPartition) -> list[int]:
        found = self._places[partition]
        return [offset for offset in self._wanted[partition].offsets if offset not in found]

    async def align(self) -> None:
        """What lies close to the end; if that takes too long, it is looked for like the rest."""
        near = self._near()
        if not near:
            return
        try:
            async with asyncio.timeout(_ALIGN_BUDGET_S):
                await self._align(near)
        except TimeoutError:
            _logger.warning("positions.too_much_to_align", partitions=len(near))

    def _near(self) -> dict[TopicPartition, int]:
        """From where on a partition is read, the ones with least to read first."""
        first: dict[TopicPartition, int] = {}
        for partition, wanted in self._wanted.items():
            near = [o for o in self._missing(partition) if wanted.end - o <= _NEAR]
            if near:
                first[partition] = near[0]
        near_in_all = 0
        for partition in sorted(first, key=lambda p: self._wanted[p].end - first[p]):
            near_in_all += self._wanted[partition].end - first[partition]
            if near_in_all > _NEAR_IN_ALL:
                del first[partition]
        return first

    async def _align(self, near: dict[TopicPartition, int]) -> None:
        begins, target_begins = await self._begins(list(near))
        ranges, target_ranges = {}, {}
        for partition, first in near.items():
            wanted = self._wanted[partition]
            begin = max(first, begins[partition])
            ranges[partition] = Range(begin, wanted.end)
            back = wanted.target_end - (wanted.end - begin) - _SLACK
            target_ranges[partition] = Range(max(back, target_begins[partition]), wanted.target_end)
        ours, theirs = await together(self._ours.read(ranges), self._theirs.read(target_ranges))
        for partition, first in near.items():
            if not (ours[partition].readable and theirs[partition].readable):
                continue
            end = self._wanted[partition].target_end
            alignment = Alignment(ours[partition].imprints, theirs[partition].imprints, end)
            whole = target_ranges[partition].begin == target_begins[partition]
            for offset in self._missing(partition):
                if offset < first:
                    continue
                position = alignment.position(offset)
                if position is None and whole:
                    position = TranslatedPosition(target_begins[partition], Method.START)
                if position is not None:
                    self._places[partition][offset] = position

    async def look_further(self) -> None:
        """What lies further behind, one offset of each partition after another."""
        rounds = {p: chosen(self._missing(p), _MOST_FAR) for p in self._wanted}
        rounds = {p: offsets for p, offsets in rounds.items() if offsets}
        if not rounds:
            return
        begins, target_begins = await self._begins(list(rounds))
        for number in range(_MOST_FAR):
            some = {p: offsets[number] for p, offsets in rounds.items() if number < len(offsets)}
            if not some:
                break
            found = await self._found_by_time(some, begins, target_begins)
            for partition, position in found.items():
                self._places[partition][some[partition]] = position
        for partition in rounds:
            self._take_earlier_ones(partition)

    def _take_earlier_ones(self, partition: TopicPartition) -> None:
        """For what was not looked for: the position of the nearest group that is further behind."""
        places = self._places[partition]
        known = sorted(places)
        for offset in self._missing(partition):
            nearest = known[bisect_right(known, offset) - 1]
            places[offset] = TranslatedPosition(places[nearest].offset, Method.EARLIER)

    async def _found_by_time(
        self,
        offsets: Mapping[TopicPartition, int],
        begins: Mapping[TopicPartition, int],
        target_begins: Mapping[TopicPartition, int],
    ) -> dict[TopicPartition, TranslatedPosition]:
        following, unreadable = await self._following(offsets, begins)
        # To a broker a negative timestamp is no time, but the beginning, the end, or an error.
        timestamps = {p: i.timestamp for p, i in following.items() if i.timestamp >= 0}
        since, target_since = await together(
            self._ours.not_older(timestamps), self._theirs.not_older(timestamps)
        )
        before = await self._ours.read(
            {
                p: Range(at, following[p].offset, _WINDOW)
                for p, at in since.items()
                if at is not None
            }
        )
        there = await self._theirs.read(
            {
                p: Range(at, self._wanted[p].target_end, _WINDOW)
                for p, at in target_since.items()
                if at is not None
            }
        )
        found: dict[TopicPartition, TranslatedPosition] = {}
        for partition in offsets:
            end = self._wanted[partition].target_end
            begin = target_begins[partition]
            lower = target_since.get(partition)
            if partition not in following and partition not in unreadable:
                found[partition] = TranslatedPosition(end, Method.END)
            elif lower is None:
                found[partition] = TranslatedPosition(begin, Method.START)
            else:
                theirs = there[partition].imprints
                known = partition in before and before[partition].whole
                # What a mirror has lost at its beginning, or by compaction, cannot be passed over.
                complete = known and begin == 0 and _without_gap(theirs)
                at = found_by_time(
                    following[partition], before[partition].imprints if complete else None, theirs
                )
                found[partition] = (
                    TranslatedPosition(at, Method.FOUND)
                    if at is not None
                    else TranslatedPosition(lower, Method.TIMESTAMP)
                )
        return found

    async def _following(
        self, offsets: Mapping[TopicPartition, int], begins: Mapping[TopicPartition, int]
    ) -> tuple[dict[TopicPartition, Imprint], set[TopicPartition]]:
        """The first record at or after each offset; and where it cannot be read."""
        ranges = {
            p: Range(max(at, begins[p]), self._wanted[p].end, most=1) for p, at in offsets.items()
        }
        read = await self._ours.read(ranges)
        found = {p: records.imprints[0] for p, records in read.items() if records.imprints}
        return found, {p for p, records in read.items() if not records.readable} - set(found)

    async def _begins(
        self, partitions: list[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        return await together(self._ours.begins(partitions), self._theirs.begins(partitions))


def _without_gap(imprints: list[Imprint]) -> bool:
    return not imprints or imprints[-1].offset - imprints[0].offset == len(imprints) - 1
