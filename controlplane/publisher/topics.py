"""Making and removing the topics that are ours."""

import asyncio
from typing import Any, NamedTuple

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from contract.clusters_file import ClusterProperties
from controlplane.probes.connection import admin_client

_MOST_REPLICAS = 3
_SET_FOR_THE_TOPIC = 1
"""Kafka: `ConfigSource.DYNAMIC_TOPIC_CONFIG`."""
_POLL_S = 0.1


async def create_if_missing(
    cluster: ClusterProperties, topic: str, configs: dict[str, str], partitions: int = 1
) -> bool:
    """Have a topic, compacted unless `configs` say otherwise; True if it was not there.

    Raises:
        KafkaError: the cluster refuses, or does not answer.
    """
    async with admin_client(cluster) as admin:
        if topic in await admin.list_topics():
            return False
        brokers = len((await admin.describe_cluster())["brokers"])
        replicas = min(_MOST_REPLICAS, brokers)
        in_sync = {"min.insync.replicas": str(max(1, replicas - 1))}
        created = NewTopic(
            topic,
            partitions,
            replicas,
            topic_configs={"cleanup.policy": "compact"} | in_sync | configs,
        )
        answer = await admin.create_topics([created])
        return _raise_unless(answer.topic_errors, TopicAlreadyExistsError)


class Shape(NamedTuple):
    """What a topic is made with."""

    partitions: int
    configs: dict[str, str]
    """Those that were set for this topic."""


async def shape_of(cluster: ClusterProperties, topic: str) -> Shape | None:
    """How another topic like this one is made; None if there is none.

    Raises:
        KafkaError: the cluster refuses, or does not answer.
    """
    async with admin_client(cluster) as admin:
        described = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics()}
        if topic not in described:
            return None
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic)]
        configs = {"cleanup.policy": "delete"}
        for answer in await admin.describe_configs(asked):
            for code, _message, _kind, _name, entries in answer.resources:
                if code != 0:
                    raise for_code(code)(f"topic {topic}")
                configs |= {e[0]: e[1] for e in entries if e[3] == _SET_FOR_THE_TOPIC}
        return Shape(described[topic], configs)


async def delete_and_wait(cluster: ClusterProperties, topic: str) -> None:
    """Have the topic gone.

    Raises:
        KafkaError: the cluster refuses, or does not answer.
    """
    async with admin_client(cluster) as admin:
        if topic not in await admin.list_topics():
            return
        answer = await admin.delete_topics([topic])
        _raise_unless(answer.topic_error_codes, UnknownTopicOrPartitionError)
        while topic in await admin.list_topics():  # noqa: ASYNC110 - deletion is polled
            await asyncio.sleep(_POLL_S)


def _raise_unless(answers: Any, expected: type[Exception]) -> bool:
    """Raise the error of an answer; True if there is none, False if it is the expected one."""
    for topic, code, *_ in answers:
        error = for_code(code)
        if error is expected:
            return False
        if code != 0:
            raise error(f"topic {topic}")
    return True
