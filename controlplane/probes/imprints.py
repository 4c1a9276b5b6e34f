"""Reads what a partition's records are known by, from any offset or timestamp."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition

from contract.clusters_file import ClusterProperties
from controlplane.domain.positions import Imprint
from controlplane.probes.cluster_logs import EARLIEST, ClusterLogs, cluster_logs
from controlplane.probes.fetching import Wanted, fetch
from controlplane.probes.reading_budget import ReadingBudget
from controlplane.probes.taking import LastRecord

_BUDGET_S: Final = 20.0
"""For one reading; whoever brings positions over has less time than that for all of it."""
_MOST_BYTES_OF_ONE: Final = 128 << 20
"""Of a partition: thousands of records are read where groups are not at its end."""
_MOST_BYTES: Final = 512 << 20


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

    def __init__(self, logs: ClusterLogs) -> None:
        self._logs = logs

    async def begins(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset of each partition's first record."""
        return await self._logs.offsets(partitions, EARLIEST, _BUDGET_S)

    async def not_older(
        self, timestamps: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int | None]:
        """The offset of each partition's first record that is not older than the timestamp."""
        found = await self._logs.offsets(list(timestamps), timestamps, _BUDGET_S)
        return {p: at if at >= 0 else None for p, at in found.items()}

    async def read(self, ranges: Mapping[TopicPartition, Range]) -> dict[TopicPartition, Records]:
        """The records in each range; control records are none."""
        rows = {partition: _Row() for partition in ranges}
        wanted = {p: Wanted(r.begin, r.end, rows[p], r.most) for p, r in ranges.items()}
        budget = ReadingBudget(each=_MOST_BYTES_OF_ONE, pot=_MOST_BYTES)
        reached, unreadable = await fetch(self._logs, wanted, _BUDGET_S, budget=budget)
        return {
            p: Records(row.imprints, reached[p] >= ranges[p].end, p not in unreadable)
            for p, row in rows.items()
        }


class _Row:
    """Takes in what a partition's records are known by."""

    def __init__(self) -> None:
        self.imprints: list[Imprint] = []

    def take(self, record: Any, /) -> None:
        seen = LastRecord.of(record)
        self.imprints.append(Imprint(record.offset, seen.timestamp, seen.digest))


@asynccontextmanager
async def imprint_reader(cluster: ClusterProperties) -> AsyncIterator[ImprintReader]:
    """Open a reader.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    async with cluster_logs(cluster) as logs:
        yield ImprintReader(logs)
