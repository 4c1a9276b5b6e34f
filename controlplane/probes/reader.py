"""Reads ends of partitions: how far they go, and what stands last in each."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from controlplane.domain.numbering.runs import Placed
from controlplane.probes.connection import client_options
from controlplane.probes.describe import UnreachableError, unreachable
from controlplane.probes.taking import LastOf, Row, Tail, Taker, Window
from controlplane.probes.together import together
from upstream.closing import close

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

    async def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """The partitions of those topics that exist.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        wanted = set(topics)
        return [p for p in await self.all_partitions() if p.topic in wanted]

    async def all_partitions(self) -> list[TopicPartition]:
        """The partitions of all topics.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        try:
            # Naming the topics would have the broker create the missing ones.
            described = await self._admin.describe_topics()
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
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
        return await self._bounds(partitions, self._consumer, "end_offsets")

    async def committed_ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The same, or where the oldest transaction begins that is open there.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        return await self._bounds(partitions, self._committed, "end_offsets")

    async def _bounds(
        self, partitions: list[TopicPartition], consumer: Any, ask: str
    ) -> dict[TopicPartition, int]:
        if not partitions:
            return {}
        try:
            async with asyncio.timeout(_READ_BUDGET_S):
                _know(consumer, partitions)
                bounds: dict[TopicPartition, int] = await getattr(consumer, ask)(partitions)
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        return bounds

    async def begins(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset of each partition that is still there.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        return await self._bounds(partitions, self._consumer, "beginning_offsets")

    async def tails(self, partitions: list[TopicPartition]) -> dict[TopicPartition, Tail | None]:
        """The tail of each partition; None for one that holds no record.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        if not partitions:
            return {}
        try:
            async with asyncio.timeout(_READ_BUDGET_S):
                return await self._tails(partitions)
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def last(self, counts: Mapping[TopicPartition, int]) -> dict[TopicPartition, LastOf]:
        """What there is at the last offsets of each partition, so many of them at most.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        partitions = list(counts)
        begins, ends = await together(self.begins(partitions), self.committed_ends(partitions))
        ranges = {p: (max(begins[p], ends[p] - counts[p]), ends[p]) for p in begins}
        read = await self.between(ranges)
        return {p: LastOf(read[p], is_all=first == begins[p]) for p, (first, _) in ranges.items()}

    async def first(
        self, partitions: list[TopicPartition], count: int
    ) -> dict[TopicPartition, list[Placed]]:
        """What there is at the first offsets of each partition, so many of them at most, in order.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        begins, ends = await self.begins(partitions), await self.committed_ends(partitions)
        return await self.between({p: (begins[p], min(begins[p] + count, ends[p])) for p in begins})

    async def between(
        self, ranges: Mapping[TopicPartition, tuple[int, int]]
    ) -> dict[TopicPartition, list[Placed]]:
        """The records of each partition from an offset up to another, in order.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        rows = {partition: Row() for partition in ranges}
        filled = {partition for partition, (begin, end) in ranges.items() if begin < end}
        if not filled:
            return {partition: [] for partition in ranges}
        try:
            async with asyncio.timeout(_READ_BUDGET_S):
                await self._read({p: ranges[p] for p in filled}, rows)
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        return {
            partition: [placed for placed in row.placed if placed.offset < ranges[partition][1]]
            for partition, row in rows.items()
        }

    async def records(self, partition: TopicPartition, begin: int) -> AsyncIterator[Any]:
        """The records of a partition from an offset on, to where it ended when this was called.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        try:
            self._committed.assign([partition])
            first = (await self._committed.beginning_offsets([partition]))[partition]
            end = (await self._committed.end_offsets([partition]))[partition]
            self._committed.seek(partition, max(first, begin))
            while await self._committed.position(partition) < end:
                async with asyncio.timeout(_READ_BUDGET_S):
                    read = await self._committed.getmany(partition, timeout_ms=100)
                for record in read.get(partition, ()):
                    if record.offset < end:
                        yield record
            self._committed.pause(partition)
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def placed(self, partition: TopicPartition, begin: int) -> list[Placed]:
        """The records of a partition from an offset on, by their digests.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        row = Row()
        async for record in self.records(partition, begin):
            row.take(record)
        return row.placed

    async def _tails(self, partitions: list[TopicPartition]) -> dict[TopicPartition, Tail | None]:
        _know(self._committed, partitions)
        begins, ends = await together(
            self._committed.beginning_offsets(partitions), self._committed.end_offsets(partitions)
        )
        found: dict[TopicPartition, Tail | None] = dict.fromkeys(partitions)
        wanted = {p for p in partitions if begins[p] < ends[p]}
        for back in _WINDOWS:
            if not wanted:
                break
            windows = {partition: Window() for partition in wanted}
            ranges = {p: (max(begins[p], ends[p] - back), ends[p]) for p in wanted}
            await self._read(ranges, windows)
            found |= {partition: window.tail() for partition, window in windows.items()}
            wanted = {p for p in wanted if windows[p].may_go_on and ends[p] - back > begins[p]}
        return found

    async def _read(
        self,
        ranges: Mapping[TopicPartition, tuple[int, int]],
        takers: Mapping[TopicPartition, Taker],
    ) -> None:
        self._committed.assign(list(ranges))
        for partition, (begin, _) in ranges.items():
            self._committed.seek(partition, begin)
        unread = set(ranges)
        while unread:
            read = await self._committed.getmany(*unread, timeout_ms=100)
            for partition, records in read.items():
                for record in records:
                    takers[partition].take(record)
            for partition in list(unread):
                if await self._committed.position(partition) >= ranges[partition][1]:
                    unread.discard(partition)
                    self._committed.pause(partition)

    def _unreachable(self, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"cluster {self._cluster.name} at {self._cluster.bootstrap_servers} does not answer:"
            f" {error or type(error).__name__}"
        )


def _know(consumer: Any, partitions: list[TopicPartition]) -> None:
    """Have a consumer know partitions, and fetch nothing of them.

    A Fetch that waits at the end of a log would keep its connection, and the next answer, too.
    """
    if consumer.assignment() != set(partitions):
        consumer.assign(partitions)
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
            raise await unreachable(cluster, error) from error
        yield reader
    finally:
        await close(consumer.stop(), committed.stop(), admin.close())
