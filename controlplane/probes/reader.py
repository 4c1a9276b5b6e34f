"""Reads ends of partitions: how far they go, and what stands last in each."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from controlplane.domain.numbering.runs import Placed
from controlplane.domain.unreadable import Unreadable
from controlplane.probes.connection import client_options
from controlplane.probes.describe import failed, no_answer
from controlplane.probes.fetching import Read, SilentError, Taker, Wanted, fetch, stream
from controlplane.probes.taking import LastOf, Row, Tail, Window
from controlplane.probes.together import together
from upstream.closing import close

_ANSWER_BUDGET_S = 5.0
_READ_BUDGET_S = 5.0
_WINDOWS = (4, 100, 1000, 10_000, 100_000)
"""How far before the end to begin: transaction markers and rows of equal records lie there."""


class EndReader:
    """One cluster, kept open while a switch looks at it again and again."""

    def __init__(
        self, cluster: ClusterProperties, consumer: Any, committed: Any, admin: Any
    ) -> None:
        """Read ends with one consumer, and records with one that gets committed ones only.

        What a transaction took back is not mirrored, and so nothing that clusters must agree on.
        """
        self._cluster = cluster
        self._consumer = consumer
        self._committed = committed
        self._admin = admin

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
        try:
            # Naming the topics would have the broker create the missing ones.
            described = await self._admin.describe_topics()
        except (KafkaError, OSError, TimeoutError) as error:
            raise no_answer(self._cluster, error) from error
        return sorted(
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        )

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The end offset of each partition.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        _know(self._consumer, partitions)
        return await self._bounds(partitions, self._consumer.end_offsets)

    async def committed_ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The same, or where the oldest transaction begins that is open there.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        _know(self._committed, partitions)
        return await self._bounds(partitions, self._committed.end_offsets)

    async def begins(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset of each partition that is still there.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        _know(self._consumer, partitions)
        return await self._bounds(partitions, self._consumer.beginning_offsets)

    async def _bounds(
        self,
        partitions: list[TopicPartition],
        ask: Callable[[list[TopicPartition]], Awaitable[dict[TopicPartition, int]]],
    ) -> dict[TopicPartition, int]:
        if not partitions:
            return {}
        try:
            async with asyncio.timeout(_ANSWER_BUDGET_S):
                return await ask(partitions)
        except (KafkaError, OSError, TimeoutError) as error:
            raise no_answer(self._cluster, error) from error

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
        found = {
            partition: [placed for placed in row.placed if placed.offset < ranges[partition][1]]
            for partition, row in rows.items()
            if partition not in unreadable
        }
        return Read(found, unreadable)

    async def records(self, partition: TopicPartition, begin: int) -> AsyncIterator[Any]:
        """The records of a partition from an offset on, to where it ended when this was called.

        Raises:
            UnreachableError: the cluster does not answer.
            UnreadableError: something in it cannot be read.
        """
        first = (await self.begins([partition]))[partition]
        end = (await self.committed_ends([partition]))[partition]
        offsets, name = (max(first, begin), end), self._cluster.name
        try:
            async for record in stream(self._committed, name, partition, offsets, _READ_BUDGET_S):
                yield record
        except (KafkaError, OSError, SilentError) as error:
            raise no_answer(self._cluster, error) from error

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
        try:
            fetched = await fetch(self._committed, self._cluster.name, wanted, budget_s)
        except (KafkaError, OSError, SilentError) as error:
            raise no_answer(self._cluster, error) from error
        return fetched.unreadable


def _know(consumer: Any, partitions: list[TopicPartition]) -> None:
    """Have a consumer know partitions, and fetch nothing of them.

    A Fetch that waits at the end of a log would keep its connection, and the next answer, too. One
    without a position would have the consumer ask for it.
    """
    if consumer.assignment() != set(partitions):
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
    consumer.pause(*partitions)


@asynccontextmanager
async def end_reader(cluster: ClusterProperties) -> AsyncIterator[EndReader]:
    """Open a reader.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    options = client_options(cluster)
    options_of_consumers = {
        **options,
        "group_id": None,
        "enable_auto_commit": False,
        # What was deleted while it was read is not to be passed over without a word.
        "auto_offset_reset": "none",
        "fetch_max_wait_ms": 50,
    }
    consumer: Any = AIOKafkaConsumer(**options_of_consumers)
    committed: Any = AIOKafkaConsumer(**options_of_consumers, isolation_level="read_committed")
    admin: Any = AIOKafkaAdminClient(**options)
    reader = EndReader(cluster, consumer, committed, admin)
    try:
        try:
            await consumer.start()
            await committed.start()
            await admin.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise await failed(cluster, error) from error
        yield reader
    finally:
        await close(consumer.stop(), committed.stop(), admin.close())
