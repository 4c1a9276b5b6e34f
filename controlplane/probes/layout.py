"""Which topics a cluster has, and which broker leads each of their partitions."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from aiokafka import TopicPartition
from kio.schema.metadata.v10.request import MetadataRequest, MetadataRequestTopic
from kio.schema.types import TopicName

from upstream.inquiry import Inquiry


class TopicLayout(NamedTuple):
    """Where a topic is."""

    id: UUID | None
    """Another one, if the topic was deleted and made anew; None of a cluster without ids."""
    leaders: dict[int, int]
    """By partition; -1 if it has none at present."""
    replicas: int
    """The fewest that one of its partitions has."""


@dataclass(frozen=True)
class Layout:
    """Where topics are."""

    controller: int
    """The broker that is asked to make and change them."""
    topics: dict[str, TopicLayout]

    @cached_property
    def leaders(self) -> dict[TopicPartition, int]:
        """The broker that leads each partition; -1 if it has none at present."""
        return {
            TopicPartition(name, partition): leader
            for name, topic in self.topics.items()
            for partition, leader in topic.leaders.items()
        }

    @cached_property
    def ids(self) -> dict[str, UUID]:
        """The id of each topic that has one."""
        return {name: topic.id for name, topic in self.topics.items() if topic.id is not None}

    @cached_property
    def partitions(self) -> list[TopicPartition]:
        """All of them, in order."""
        return sorted(self.leaders)

    def by_leader(self, topics: Collection[str]) -> dict[int, dict[str, list[int]]]:
        """Leader to topic to partitions, of those topics that exist."""
        led: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for topic in sorted(topics):
            found = self.topics.get(topic)
            for partition, leader in found.leaders.items() if found is not None else ():
                led[leader][topic].append(partition)
        return led


async def layout_of(cluster: Inquiry, topics: Collection[str] | None) -> Layout:
    """Where these topics are, as far as they exist. Creates none by asking.

    Args:
        cluster: whom to ask.
        topics: their names; None: all that there are.

    Raises:
        InquiryError: no broker of the cluster answers.
    """
    named = None
    if topics is not None:
        named = tuple(
            MetadataRequestTopic(name=TopicName(topic), topic_id=None) for topic in sorted(topics)
        )
    (found,) = await cluster.ask_any(_request(named))
    return _layout(found)


class LayoutReader:
    """Reads where all topics are, again and again: most answers are those of the last time."""

    def __init__(self) -> None:
        self.newest: Layout | None = None
        self._answer = b""

    async def read(self, cluster: Inquiry) -> Layout:
        """Where all topics are. Creates none by asking.

        Raises:
            InquiryError: no broker of the cluster answers.
        """
        (answer,) = await cluster.ask_any_unread(_request(None))
        if self.newest is None or answer.body != self._answer:
            self.newest, self._answer = _layout(answer.read()), answer.body
        return self.newest


def _request(topics: tuple[MetadataRequestTopic, ...] | None) -> MetadataRequest:
    """For these topics; None: all."""
    return MetadataRequest(
        topics=topics,
        allow_auto_topic_creation=False,
        include_cluster_authorized_operations=False,
        include_topic_authorized_operations=False,
    )


def _layout(found: Any) -> Layout:
    return Layout(
        found.controller_id,
        {
            topic.name: TopicLayout(
                topic.topic_id,
                {p.partition_index: p.leader_id for p in topic.partitions},
                min(len(p.replica_nodes) for p in topic.partitions),
            )
            for topic in found.topics
            if topic.partitions
        },
    )
