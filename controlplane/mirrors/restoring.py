"""Makes a cluster that was given up a copy again: what only it holds is kept or not, then emptied.

Kafka cannot cut the end off a log, so a topic that came apart is deleted, made anew, and filled by
the mirror from the beginning. Each step may be repeated: a side topic is gone on with where it
ends, as each of its partitions is written in order by nobody else.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import TopicPartition

from contract.clusters_file import ClusterProperties
from controlplane.domain.mirror.divergence import Divergence
from controlplane.domain.mirror.events import ApartTopic
from controlplane.domain.mirror.positions import split
from controlplane.domain.mirror.state import Reversal
from controlplane.probes.failing import UnreadableError
from controlplane.probes.reader import EndReader, end_reader
from controlplane.publisher.producer import producer
from controlplane.publisher.topics import create_if_missing, delete_and_wait, shape_of

_KEPT = {"cleanup.policy": "delete", "retention.ms": "-1"}
"""A side topic is there until somebody has looked at it."""


def side_topic(topic: str, reversal_id: str) -> str:
    """Where the tail of a topic is kept."""
    return f"{topic}.tail.{reversal_id.replace('-', '')[-8:]}"


async def settle_tails(
    clusters: Sequence[ClusterProperties], reversal: Reversal, found: Sequence[Divergence]
) -> tuple[ApartTopic, ...]:
    """Keep what only the target has, if that is wanted; which topics came apart.

    Raises:
        UnreachableError: a cluster does not answer.
        UnreadableError: something on one of them cannot be read.
        KafkaError: it refuses.
    """
    by_name = {cluster.name: cluster for cluster in clusters}
    source, target = by_name[reversal.direction.source], by_name[reversal.direction.target]
    apart: dict[str, list[Divergence]] = defaultdict(list)
    for divergence in found:
        if divergence.unreadable is not None:
            # Nothing is emptied of which nobody knows what it holds.
            raise UnreadableError(divergence.unreadable)
        if divergence.on_other.count or divergence.within:
            apart[split(divergence.partition)[0]].append(divergence)
    keeps = reversal.tail == "side_topic"
    settled = []
    for topic, divergent in sorted(apart.items()):
        name = side_topic(topic, reversal.reversal_id) if keeps else None
        if name is not None:
            await _keep(source, target, topic, name, divergent)
        tail = sum(d.on_other.count for d in divergent)
        settled.append(ApartTopic(topic=topic, tail=tail, side_topic=name))
    return tuple(settled)


async def empty_target(clusters: Sequence[ClusterProperties], reversal: Reversal) -> None:
    """Delete the topics that came apart, and make them anew as the source has them.

    Raises:
        KafkaError: a cluster refuses, or does not answer.
    """
    by_name = {cluster.name: cluster for cluster in clusters}
    source, target = by_name[reversal.direction.source], by_name[reversal.direction.target]
    for topic in sorted(reversal.filled_again):
        shape = await shape_of(source, topic)
        await delete_and_wait(target, topic)
        if shape is not None:
            await create_if_missing(target, topic, shape.configs, shape.partitions)


async def _keep(
    source: ClusterProperties,
    target: ClusterProperties,
    topic: str,
    name: str,
    divergent: Sequence[Divergence],
) -> None:
    shape = await shape_of(target, topic)
    partitions = shape.partitions if shape is not None else 1
    await create_if_missing(source, name, _KEPT, partitions)
    async with end_reader(target) as reader, end_reader(source) as kept, producer(source) as writer:
        for divergence in divergent:
            number = split(divergence.partition)[1]
            place = TopicPartition(name, number)
            done = (await kept.ends([place]))[place]
            async for record in _tail(reader, TopicPartition(topic, number), divergence, done):
                await writer.send_and_wait(
                    name,
                    record.value,
                    record.key,
                    partition=number,
                    timestamp_ms=record.timestamp,
                    headers=list(record.headers),
                )


async def _tail(
    reader: EndReader, partition: TopicPartition, divergence: Divergence, done: int
) -> AsyncIterator[Any]:
    """The records of one partition that only the target has, without the first ones."""
    ranges = divergence.on_other.ranges
    if not ranges:
        return
    offsets = _Ranges(ranges)
    async for record in reader.records(partition, ranges[0][0]):
        if offsets.hold(record.offset):
            done -= 1
            if done < 0:
                yield record


class _Ranges:
    """Offsets, asked for in their order."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._left = list(reversed(ranges))

    def hold(self, offset: int) -> bool:
        while self._left and self._left[-1][1] < offset:
            self._left.pop()
        return bool(self._left) and self._left[-1][0] <= offset
