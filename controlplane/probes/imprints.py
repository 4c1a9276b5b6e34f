"""Reads what a partition's records are known by, from any offset or timestamp."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from controlplane.domain.positions import Imprint
from controlplane.probes.connection import client_options
from controlplane.probes.describe import failed
from controlplane.probes.fetching import SilentError, Wanted, fetch
from controlplane.probes.taking import LastRecord
from upstream.closing import close

_BUDGET_S: Final = 20.0
"""For one reading; whoever brings positions over has less time than that for all of it."""


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
    readable: bool = True
    """False: something in it could not be read; what stands before that is here."""


class ImprintReader:
    """One cluster, opened to read records here and there.

    Raises LookError from all of it: the cluster does not answer, or refuses.
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
        rows = {partition: _Row(wanted.end) for partition, wanted in ranges.items()}
        wanted = {p: Wanted(r.begin, r.end, rows[p], r.most) for p, r in ranges.items()}
        async with _told(self._cluster):
            reached, unreadable = await fetch(self._consumer, self._cluster.name, wanted, _BUDGET_S)
        return {
            p: Records(row.imprints, reached[p] >= ranges[p].end, p not in unreadable)
            for p, row in rows.items()
        }


class _Row:
    """Takes in what a partition's records are known by, up to an end."""

    def __init__(self, end: int) -> None:
        self._end = end
        self.imprints: list[Imprint] = []

    def take(self, record: Any, /) -> None:
        if record.offset < self._end:
            digest = LastRecord.of(record).digest
            self.imprints.append(Imprint(record.offset, record.timestamp, digest))


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
    except (KafkaError, OSError, TimeoutError, SilentError) as error:
        raise await failed(cluster, error) from error
