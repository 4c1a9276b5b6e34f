"""Reads ends of partitions: how far they go, and what stands last in each."""

import time
from collections.abc import AsyncIterator, Container, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from aiokafka import TopicPartition

from contract.clusters_file import ClusterProperties
from controlplane.domain.numbering.runs import Placed
from controlplane.domain.unreadable import Unreadable
from controlplane.probes.cluster_logs import EARLIEST, LATEST, ClusterLogs, cluster_logs
from controlplane.probes.fetching import PACKED, Read, Taker, Wanted, fetch, stream
from controlplane.probes.taking import LastOf, Packed, PackedRow, Row, Tail, Window
from controlplane.probes.together import together

_ANSWER_BUDGET_S = 5.0
_READ_BUDGET_S = 5.0
_WINDOWS = (4, 100, 1000, 10_000, 100_000)
"""How far before the end to begin: transaction markers and rows of equal records lie there."""


class EndReader:
    """One cluster, kept open while a switch looks at it again and again.

    Only committed records are read: what a transaction took back is not mirrored, and so nothing
    that clusters must agree on.
    """

    def __init__(self, logs: ClusterLogs) -> None:
        self._logs = logs

    async def partitions(self, topics: Container[str]) -> list[TopicPartition]:
        """The partitions of those topics that exist.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        return [p for p in await self.all_partitions() if p.topic in topics]

    async def all_partitions(self) -> list[TopicPartition]:
        """The partitions of all topics.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        return await self._logs.partitions(_ANSWER_BUDGET_S)

    @property
    def topic_ids(self) -> Mapping[str, UUID]:
        """The id of each topic, by its name, as the cluster told its topics last."""
        return self._logs.topic_ids

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The end offset of each partition.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        return await self._logs.offsets(partitions, LATEST, _ANSWER_BUDGET_S)

    async def committed_ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The same, or where the oldest transaction begins that is open there.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        return await self._logs.offsets(partitions, LATEST, _ANSWER_BUDGET_S, committed=True)

    async def begins(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset of each partition that is still there.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        return await self._logs.offsets(partitions, EARLIEST, _ANSWER_BUDGET_S)

    async def tails(self, partitions: list[TopicPartition]) -> Read[Tail | None]:
        """The tail of each partition; None for one that holds no record.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        begins, ends = await together(self.begins(partitions), self.committed_ends(partitions))
        found: dict[TopicPartition, Tail | None] = dict.fromkeys(partitions)
        unreadable: dict[TopicPartition, Unreadable] = {}
        wanted = {p for p in partitions if begins[p] < ends[p]}
        give_up_at = time.monotonic() + _READ_BUDGET_S
        for back in _WINDOWS:
            if not wanted:
                break
            windows = {partition: Window() for partition in wanted}
            ranges = {p: (max(begins[p], ends[p] - back), ends[p]) for p in wanted}
            missed = await self._read(ranges, windows, give_up_at - time.monotonic())
            unreadable |= missed
            found |= {partition: window.tail() for partition, window in windows.items()}
            wanted = {
                p
                for p in wanted
                if p not in missed and windows[p].may_go_on and ends[p] - back > begins[p]
            }
        return Read({p: tail for p, tail in found.items() if p not in unreadable}, unreadable)

    async def last(self, counts: Mapping[TopicPartition, int]) -> Read[LastOf]:
        """What there is at the last offsets of each partition, so many of them at most.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        partitions = list(counts)
        begins, ends = await together(self.begins(partitions), self.committed_ends(partitions))
        ranges = {p: (max(begins[p], ends[p] - counts[p]), ends[p]) for p in begins}
        read, unreadable = await self.between(ranges)
        last = {p: LastOf(row, is_all=ranges[p][0] == begins[p]) for p, row in read.items()}
        return Read(last, unreadable)

    async def since(self, begins: Mapping[TopicPartition, int]) -> Read[list[Placed]]:
        """What there is from an offset of each partition on, in order.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        ends = await self.committed_ends(list(begins))
        return await self.between({p: (begin, ends[p]) for p, begin in begins.items()})

    async def first(self, partitions: list[TopicPartition], count: int) -> Read[list[Placed]]:
        """What there is at the first offsets of each partition, so many of them at most, in order.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        begins, ends = await self.begins(partitions), await self.committed_ends(partitions)
        return await self.between({p: (begins[p], min(begins[p] + count, ends[p])) for p in begins})

    async def between(self, ranges: Mapping[TopicPartition, tuple[int, int]]) -> Read[list[Placed]]:
        """The records of each partition from an offset up to another, in order.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        rows = {partition: Row() for partition in ranges}
        unreadable = await self._read(ranges, rows, _READ_BUDGET_S)
        found = {p: row.placed for p, row in rows.items() if p not in unreadable}
        return Read(found, unreadable)

    async def packed(self, begins: Mapping[TopicPartition, int]) -> dict[TopicPartition, Packed]:
        """What headers of batches say from an offset of each partition on, as far as they can be.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        ends = await self.committed_ends(list(begins))
        rows = {partition: PackedRow() for partition in begins}
        wanted = {p: Wanted(begin, ends[p], rows[p]) for p, begin in begins.items()}
        _, unreadable = await fetch(self._logs, wanted, _READ_BUDGET_S, form=PACKED)
        return {
            p: Packed(row.batches, ends[p], is_all=p not in unreadable) for p, row in rows.items()
        }

    async def records(self, partition: TopicPartition, begin: int) -> AsyncIterator[Any]:
        """The records of a partition from an offset on, to where it ended when this was called.

        Raises:
            UnreachableError: the cluster does not answer.
            UnreadableError: something in it cannot be read.
        """
        first = (await self.begins([partition]))[partition]
        end = (await self.committed_ends([partition]))[partition]
        offsets = (max(first, begin), end)
        async for record in stream(self._logs, partition, offsets, _READ_BUDGET_S):
            yield record

    async def placed(self, partition: TopicPartition, begin: int) -> list[Placed]:
        """The records of a partition from an offset on, by their digests.

        Raises:
            UnreachableError: the cluster does not answer.
            UnreadableError: something in it cannot be read.
        """
        row = Row()
        async for record in self.records(partition, begin):
            row.take(record)
        return row.placed

    async def _read(
        self,
        ranges: Mapping[TopicPartition, tuple[int, int]],
        takers: Mapping[TopicPartition, Taker],
        budget_s: float,
    ) -> dict[TopicPartition, Unreadable]:
        wanted = {p: Wanted(begin, end, takers[p]) for p, (begin, end) in ranges.items()}
        return (await fetch(self._logs, wanted, budget_s)).unreadable


@asynccontextmanager
async def end_reader(cluster: ClusterProperties) -> AsyncIterator[EndReader]:
    """Open a reader.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    async with cluster_logs(cluster) as logs:
        yield EndReader(logs)
