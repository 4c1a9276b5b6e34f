"""Reads both clusters from where they held the same, and compares them record by record."""

from collections.abc import Collection, Container, Mapping
from typing import TypeAlias

from aiokafka import TopicPartition

from controlplane.domain.mirror.divergence import Divergence, compare_partition
from controlplane.domain.mirror.positions import split
from controlplane.probes.failing import UnreadableError
from controlplane.probes.reader import EndReader

LIMIT = 200_000
"""So many of the last records of a partition are compared at most."""


async def find_divergence(
    serving: EndReader,
    other: EndReader,
    topics: Container[str],
    equal_at: tuple[Mapping[str, int], Mapping[str, int]],
) -> list[Divergence]:
    """Every partition that either cluster has; one that cannot be read says so.

    Args:
        serving: the cluster that serves.
        other: the one that it is compared with.
        topics: physical names.
        equal_at: end offsets of both (the serving one first) at which they held the same.

    Raises:
        UnreachableError: one of them does not answer.
    """
    both = [(serving, set(await serving.partitions(topics)), equal_at[0])]
    both.append((other, set(await other.partitions(topics)), equal_at[1]))
    found = []
    for partition in sorted(both[0][1] | both[1][1]):
        try:
            found.append(await _compared(partition, *both))
        except UnreadableError as error:
            found.append(Divergence.unknown(error.found))
    return found


_Side: TypeAlias = tuple[EndReader, Collection[TopicPartition], Mapping[str, int]]
"""A cluster, its partitions, and the end offsets at which it held the same as the other one."""


async def _compared(partition: TopicPartition, serving: _Side, other: _Side) -> Divergence:
    """Raises UnreadableError, and as the readers do."""
    name = f"{partition.topic}-{partition.partition}"
    begins = [
        await _begin(reader, partition, equal.get(name, 0)) if partition in known else (0, True)
        for reader, known, equal in (serving, other)
    ]
    # The other one first: what is mirrored meanwhile would seem to be nowhere else.
    there = await other[0].placed(partition, begins[1][0]) if partition in other[1] else []
    here = await serving[0].placed(partition, begins[0][0]) if partition in serving[1] else []
    complete = all(whole for _, whole in begins)
    return compare_partition(name, here, there, complete=complete)


async def _begin(reader: EndReader, partition: TopicPartition, wanted: int) -> tuple[int, bool]:
    """Where to begin, and whether that is where it should be."""
    first = (await reader.begins([partition]))[partition]
    end = (await reader.ends([partition]))[partition]
    begin = max(wanted, first, end - LIMIT)
    return begin, begin == wanted


async def sample_keys(
    reader: EndReader, divergence: Divergence, ranges: tuple[tuple[int, int], ...], count: int
) -> list[str | None]:
    """Keys of the first records in some ranges; what is no text is shown as Python would.

    Raises:
        UnreachableError: the cluster does not answer.
        UnreadableError: the partition cannot be read.
    """
    keys: list[str | None] = []
    partition = TopicPartition(*split(divergence.partition))
    for first, last in ranges:
        async for record in reader.records(partition, first):
            if len(keys) >= count:
                return keys
            if record.offset > last:
                break
            keys.append(_text(record.key))
    return keys


def _text(key: bytes | None) -> str | None:
    return None if key is None else key.decode("utf-8", "backslashreplace")
