"""Deletes on a target what was deleted on the cluster that it is to stand in for."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition
from kio.schema.delete_groups.v2.request import DeleteGroupsRequest
from kio.schema.delete_records.v2.request import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kio.schema.delete_topics.v5.request import DeleteTopicsRequest
from kio.schema.errors import ErrorCode
from kio.schema.offset_delete.v0.request import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from kio.schema.types import GroupId, TopicName
from kio.static.primitive import i32, i64

from controlplane.domain.parity.groups import Place
from controlplane.probes.groups import coordinators
from controlplane.probes.layout import Layout
from controlplane.probes.parity.configs import WITHIN
from upstream.inquiry import Inquiry

_GONE = frozenset({ErrorCode.none, ErrorCode.unknown_topic_or_partition})


async def delete_topics(asked: Inquiry, layout: Layout, topics: Collection[str]) -> dict[str, str]:
    """Have these topics gone; those that the cluster refuses to delete, and why.

    Raises:
        InquiryError: the cluster does not answer.
    """
    if not topics:
        return {}
    names = tuple(TopicName(topic) for topic in sorted(topics))
    request = DeleteTopicsRequest(topic_names=names, timeout=WITHIN)
    (answer,) = await asked.ask(layout.controller, request)
    return {r.name: r.error_code.name for r in answer.responses if r.error_code not in _GONE}


async def delete_records(
    asked: Inquiry, layout: Layout, before: Mapping[TopicPartition, int]
) -> dict[TopicPartition, str]:
    """Have each partition begin at an offset; those that the cluster refuses, and why.

    Raises:
        InquiryError: the cluster does not answer.
    """
    by_leader: dict[int, dict[str, list[DeleteRecordsPartition]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for partition, offset in before.items():
        leader = layout.topics[partition.topic].leaders[partition.partition]
        wanted = DeleteRecordsPartition(
            partition_index=i32(partition.partition), offset=i64(offset)
        )
        by_leader[leader][partition.topic].append(wanted)
    requests: dict[int, list[Any]] = {
        leader: [
            DeleteRecordsRequest(
                topics=tuple(
                    DeleteRecordsTopic(name=TopicName(topic), partitions=tuple(partitions))
                    for topic, partitions in topics.items()
                ),
                timeout=WITHIN,
            )
        ]
        for leader, topics in by_leader.items()
    }
    return {
        TopicPartition(topic.name, partition.partition_index): partition.error_code.name
        for _, answer in await asked.ask_each(requests)
        for topic in answer.topics
        for partition in topic.partitions
        if partition.error_code is not ErrorCode.none
    }


async def delete_groups(asked: Inquiry, groups: Collection[str]) -> dict[str, str]:
    """Have these groups gone, which have no members; those that the cluster keeps, and why.

    Raises:
        InquiryError: the cluster does not answer, or is not ready yet.
    """
    requests: dict[int, list[Any]] = {
        broker: [DeleteGroupsRequest(groups_names=tuple(map(GroupId, some)))]
        for broker, some in (await coordinators(asked, groups)).items()
    }
    expected = {ErrorCode.none, ErrorCode.group_id_not_found}
    return {
        result.group_id: result.error_code.name
        for _, answer in await asked.ask_each(requests)
        for result in answer.results
        if result.error_code not in expected
    }


async def delete_positions(asked: Inquiry, places: Iterable[Place]) -> dict[Place, str]:
    """Have groups without these positions; those that the cluster keeps, and why.

    Raises:
        InquiryError: the cluster does not answer, or is not ready yet.
    """
    by_group: dict[str, dict[str, list[OffsetDeleteRequestPartition]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for group, topic, number in places:
        partition = OffsetDeleteRequestPartition(partition_index=i32(number))
        by_group[group][topic].append(partition)
    requests: dict[int, list[Any]] = {
        broker: [_forget(group, by_group[group]) for group in groups]
        for broker, groups in (await coordinators(asked, by_group)).items()
    }
    kept: dict[Place, str] = {}
    for request, answer in await asked.ask_each(requests):
        refusal = answer.error_code
        for topic in request.topics if refusal is not ErrorCode.none else answer.topics:
            for partition in topic.partitions:
                code = refusal if refusal is not ErrorCode.none else partition.error_code
                if code is not ErrorCode.none:
                    kept[request.group_id, topic.name, partition.partition_index] = code.name
    return kept


def _forget(
    group: str, topics: Mapping[str, list[OffsetDeleteRequestPartition]]
) -> OffsetDeleteRequest:
    return OffsetDeleteRequest(
        group_id=GroupId(group),
        topics=tuple(
            OffsetDeleteRequestTopic(name=TopicName(topic), partitions=tuple(partitions))
            for topic, partitions in topics.items()
        ),
    )
