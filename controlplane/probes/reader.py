"""Reads ends of partitions: how far they go, and the last record of each."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from controlplane.probes.connection import client_options
from controlplane.probes.describe import UnreachableError

_READ_BUDGET_S = 5.0
_STEPS = (1, 10, 100, 1000, 100_000)
"""How far before the end to look for a record: transaction markers lie there too."""


class LastRecord(msgspec.Struct, frozen=True):
    """What two clusters must agree on."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class EndReader:
    """One cluster, kept open while a switch looks at it again and again."""

    def __init__(self, cluster: ClusterProperties, consumer: Any, admin: Any) -> None:
        self._cluster = cluster
        self._consumer = consumer
        self._admin = admin

    async def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """The partitions of those topics that exist.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        wanted = set(topics)
        try:
            # Naming the topics would have the broker create the missing ones.
            described = await self._admin.describe_topics()
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        return sorted(
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            if topic["topic"] in wanted
            for partition in topic["partitions"]
        )

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The end offset of each partition.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        if not partitions:
            return {}
        try:
            async with asyncio.timeout(_READ_BUDGET_S):
                self._consumer.assign(partitions)
                ends: dict[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        return ends

    async def last_records(
        self, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, LastRecord | None]:
        """The last record of each partition; None for one that holds none.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        if not partitions:
            return {}
        try:
            async with asyncio.timeout(_READ_BUDGET_S):
                return await self._last_records(partitions)
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def _last_records(
        self, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, LastRecord | None]:
        self._consumer.assign(partitions)
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        found: dict[TopicPartition, LastRecord | None] = dict.fromkeys(partitions)
        wanted = {p for p in partitions if begins[p] < ends[p]}
        for back in _STEPS:
            for partition in wanted:
                self._consumer.seek(partition, max(begins[partition], ends[partition] - back))
            found |= await self._read_to(wanted, ends)
            wanted = {p for p in wanted if found[p] is None and ends[p] - back > begins[p]}
            if not wanted:
                break
        return found

    async def _read_to(
        self, partitions: set[TopicPartition], ends: dict[TopicPartition, int]
    ) -> dict[TopicPartition, LastRecord | None]:
        last: dict[TopicPartition, LastRecord | None] = dict.fromkeys(partitions)
        unread = set(partitions)
        while unread:
            read = await self._consumer.getmany(*unread, timeout_ms=100)
            for partition, records in read.items():
                if records:
                    last[partition] = _last_record(records[-1])
            for partition in list(unread):
                if await self._consumer.position(partition) >= ends[partition]:
                    unread.discard(partition)
        return last

    def _unreachable(self, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"cluster {self._cluster.name} at {self._cluster.bootstrap_servers} does not answer:"
            f" {error or type(error).__name__}"
        )


def _last_record(record: Any) -> LastRecord:
    return LastRecord(record.timestamp, record.key, record.value, tuple(record.headers))


@asynccontextmanager
async def end_reader(cluster: ClusterProperties) -> AsyncIterator[EndReader]:
    """Open a reader.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    options = client_options(cluster)
    consumer: Any = AIOKafkaConsumer(
        **options, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50
    )
    admin: Any = AIOKafkaAdminClient(**options)
    reader = EndReader(cluster, consumer, admin)
    try:
        try:
            await consumer.start()
            await admin.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise reader._unreachable(error) from error  # noqa: SLF001 - the same module
        yield reader
    finally:
        await consumer.stop()
        await admin.close()
