"""Asks a cluster which producers have written its partitions last, and how far."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from kio.schema.describe_producers.v0.request import DescribeProducersRequest, TopicRequest
from kio.schema.errors import ErrorCode
from kio.schema.types import TopicName
from kio.static.primitive import i32

from contract.clusters_file import ClusterProperties
from controlplane.domain.producers import SeenProducers
from controlplane.probes.asking import asking
from controlplane.probes.layout import layout_of
from upstream.inquiry import Inquiry, InquiryError

_TOPICS_IN_ONE = 100
"""Topics that one request asks for."""


async def all_producers(cluster: ClusterProperties, topics: Collection[str]) -> list[SeenProducers]:
    """The producers of every partition of those topics that exist.

    Raises:
        UnreachableError: the cluster does not answer, or not in time.
    """
    async with asking(cluster, "did not tell its producers") as asked:
        return await producers_of(asked, topics)


async def producers_of(cluster: Inquiry, topics: Collection[str]) -> list[SeenProducers]:
    """The producers of every partition of those topics that exist.

    Raises:
        InquiryError: the cluster does not answer, or a partition has no leader at present.
    """
    if not topics:
        return []
    requests: dict[int, list[Any]] = defaultdict(list)
    layout = await layout_of(cluster, topics)
    for leader, partitions in layout.by_leader(topics).items():
        asked = [
            TopicRequest(name=TopicName(topic), partition_indexes=tuple(map(i32, indexes)))
            for topic, indexes in partitions.items()
        ]
        for start in range(0, len(asked), _TOPICS_IN_ONE):
            some = tuple(asked[start : start + _TOPICS_IN_ONE])
            requests[leader].append(DescribeProducersRequest(topics=some))
    return [
        seen
        for _, answer in await cluster.ask_each(requests)
        for topic in answer.topics
        for partition in topic.partitions
        for seen in _seen(cluster, topic.name, partition)
    ]


def _seen(cluster: Inquiry, topic: str, partition: Any) -> list[SeenProducers]:
    if partition.error_code is not ErrorCode.none:
        raise InquiryError(
            f"cluster {cluster.name} does not tell the producers of"
            f" {topic}-{partition.partition_index}: {partition.error_code.name}"
        )
    return [
        SeenProducers(
            topic,
            partition.partition_index,
            producer.producer_id,
            producer.producer_epoch,
            producer.last_sequence,
            producer.last_timestamp,
        )
        for producer in partition.active_producers
    ]
