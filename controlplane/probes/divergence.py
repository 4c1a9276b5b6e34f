"""Reads both clusters from where they held the same, and compares them record by record."""

from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition

from controlplane.domain.mirror.divergence import Divergence, compare_partition
from controlplane.domain.mirror.positions import split
from controlplane.probes.reader import EndReader

LIMIT = 200_000
"""So many of the last records of a partition are compared at most."""


async def find_divergence(
    serving: EndReader,
    other: EndReader,
    topics: Iterable[str],
    equal_at: tuple[Mapping[str, int], Mapping[str, int]],
) -> list[Divergence]:
    """Every partition that either cluster has.

    Args:
        serving: the cluster that serves.
        other: the one that it is compared with.
        topics: physical names.
        equal_at: end offsets of both (the serving one first) at which they held the same.

    Raises:
        UnreachableError: one of them does not answer.
    """
    names = frozenset(topics)
    ours, theirs = await serving.partitions(names), await other.partitions(names)
    found = []
    for partition in sorted({*ours, *theirs}):
        name = f"{partition.topic}-{partition.partition}"
        begins = [
            await _begin(reader, partition, equal.get(name, 0)) if partition in known else (0, True)
            for reader, known, equal in (
                (serving, set(ours), equal_at[0]),
                (other, set(theirs), equal_at[1]),
            )
        ]
        # The other one first: what is mirrored meanwhile would seem to be nowhere else.
        there = await other.placed(partition, begins[1][0]) if partition in theirs else []
        here = await serving.placed(partition, begins[0][0]) if partition in ours else []
        complete = all(whole for _, whole in begins)
        found.append(compare_partition(name, here, there, complete=complete))
    return found


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
