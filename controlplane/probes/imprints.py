"""Reads what a partition's records are known by, from any offset or timestamp."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from controlplane.domain.positions import Imprint
from controlplane.probes.connection import client_options
from controlplane.probes.describe import unreachable
from controlplane.probes.taking import LastRecord
from upstream.closing import close


class Range(NamedTuple):
    """What is to be read of a partition."""

    begin: int
    end: int
    most: int | None = None
    """Records after which reading may stop."""


class Records(NamedTuple):
    """What was read."""

    imprints: list[Imprint]
    whole: bool
    """Whether it goes up to the end that was asked for."""


class ImprintReader:
    """One cluster, opened to read records here and there.

    Raises UnreachableError from all of it: the cluster does not answer.
    """

    def __init__(self, cluster: ClusterProperties, consumer: Any) -> None:
        self._cluster = cluster
        self._consumer = consumer

    async def begins(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset of each partition's first record."""
        async with _told(self._cluster):
            begins: dict[TopicPartition, int] = await self._consumer.beginning_offsets(partitions)
        return begins

    async def not_older(
        self, timestamps: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int | None]:
        """The offset of each partition's first record that is not older than the timestamp."""
        if not timestamps:
            return {}
        async with _told(self._cluster):
            found = await self._consumer.offsets_for_times(dict(timestamps))
        return {p: at.offset if at is not None else None for p, at in found.items()}

    async def read(self, ranges: Mapping[TopicPartition, Range]) -> dict[TopicPartition, Records]:
        """The records in each range; control records are none."""
        async with _told(self._cluster):
            return await self._read(ranges)

    async def _read(self, ranges: Mapping[TopicPartition, Range]) -> dict[TopicPartition, Records]:
        self._consumer.assign(list(ranges))
        for partition, wanted in ranges.items():
            self._consumer.seek(partition, wanted.begin)
        read: dict[TopicPartition, list[Imprint]] = {partition: [] for partition in ranges}
        unread = {p for p, wanted in ranges.items() if wanted.begin < wanted.end}
        whole = set(ranges) - unread
        while unread:
            batches = await self._consumer.getmany(*unread, timeout_ms=50)
            for partition, records in batches.items():
                end = ranges[partition].end
                read[partition] += (_imprint(r) for r in records if r.offset < end)
            for partition in list(unread):
                wanted = ranges[partition]
                if await self._consumer.position(partition) >= wanted.end:
                    whole.add(partition)
                elif wanted.most is None or len(read[partition]) < wanted.most:
                    continue
                unread.discard(partition)
                self._consumer.pause(partition)
        return {p: Records(imprints, p in whole) for p, imprints in read.items()}


def _imprint(record: Any) -> Imprint:
    return Imprint(record.offset, record.timestamp, LastRecord.of(record).digest)


@asynccontextmanager
async def imprint_reader(cluster: ClusterProperties) -> AsyncIterator[ImprintReader]:
    """Open a reader.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    consumer: Any = AIOKafkaConsumer(
        **client_options(cluster),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=50,
        # What a transaction took back is not mirrored.
        isolation_level="read_committed",
    )
    try:
        async with _told(cluster):
            await consumer.start()
        yield ImprintReader(cluster, consumer)
    finally:
        await close(consumer.stop())


@asynccontextmanager
async def _told(cluster: ClusterProperties) -> AsyncIterator[None]:
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise await unreachable(cluster, error) from error
