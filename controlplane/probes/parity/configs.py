"""Reads the configs of topics, and carries over to a target what it lacks of them."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any, Final, TypeAlias

from kio.schema.create_partitions.v3.request import CreatePartitionsRequest, CreatePartitionsTopic
from kio.schema.describe_configs.v4.request import DescribeConfigsRequest, DescribeConfigsResource
from kio.schema.errors import ErrorCode
from kio.schema.incremental_alter_configs.v1.request import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kio.schema.types import TopicName
from kio.static.primitive import i8, i32, i32Timedelta

from controlplane.domain.parity.configs import Change, Config, TopicState
from controlplane.probes.layout import Layout
from upstream.inquiry import Inquiry

_TOPIC: Final = i8(2)
"""Kafka: `ConfigResource.Type.TOPIC`."""
_OF_THE_TOPIC: Final = 1
"""Kafka: `ConfigSource.DYNAMIC_TOPIC_CONFIG`."""
_SET, _DELETE = i8(0), i8(1)
"""Kafka: `AlterConfigOp.OpType`."""
_TOPICS_IN_ONE: Final = 100
_Configs: TypeAlias = dict[str, dict[str, Config]]
"""By topic and by name."""
WITHIN: Final = i32Timedelta.parse(timedelta(seconds=10))
"""For the cluster to do what it is asked for."""


class TopicStateReader:
    """Reads one cluster's topics again and again; what has not changed is not read anew."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._last: dict[tuple[str, ...], tuple[bytes, _Configs]] = {}
        """By the topics that were asked for together."""

    async def read(
        self, asked: Inquiry, layout: Layout, topics: Collection[str]
    ) -> dict[str, TopicState]:
        """Those of the topics that the cluster has; without configs if we may not read them.

        Raises:
            InquiryError: the cluster does not answer.
        """
        there = [topic for topic in sorted(topics) if topic in layout.topics]
        configs = await self._configs(asked, there)
        return {
            topic: TopicState(
                partitions=len(layout.topics[topic].leaders),
                replicas=layout.topics[topic].replicas,
                configs=configs.get(topic, {}),
            )
            for topic in there
        }

    async def _configs(self, asked: Inquiry, topics: list[str]) -> _Configs:
        some = [
            tuple(topics[start : start + _TOPICS_IN_ONE])
            for start in range(0, len(topics), _TOPICS_IN_ONE)
        ]
        answers = await asked.ask_any_unread(*map(_question, some))
        last, self._last = self._last, {}
        found: _Configs = {}
        for together, answer in zip(some, answers, strict=True):
            body, configs = last.get(together, (b"", {}))
            if body != answer.body:
                configs = _read(answer.read())
            self._last[together] = answer.body, configs
            found |= configs
        return found


def _question(topics: tuple[str, ...]) -> DescribeConfigsRequest:
    return DescribeConfigsRequest(
        resources=tuple(
            DescribeConfigsResource(
                resource_type=_TOPIC, resource_name=topic, configuration_keys=None
            )
            for topic in topics
        ),
        include_synonyms=True,
    )


def _read(answer: Any) -> _Configs:
    return {
        result.resource_name: {
            entry.name: Config(
                entry.value, own=entry.config_source == _OF_THE_TOPIC, default=_default(entry)
            )
            for entry in result.configs
            if not (entry.read_only or entry.is_sensitive)
        }
        for result in answer.results
        if result.error_code is ErrorCode.none
    }


def _default(entry: Any) -> str | None:
    """What holds where nothing was set for the topic: of the broker, of the cluster, or Kafka's."""
    others = (s.value for s in entry.synonyms if s.source != _OF_THE_TOPIC)
    return next(others, None if entry.config_source == _OF_THE_TOPIC else entry.value)


async def carry(asked: Inquiry, changes: Iterable[Change]) -> dict[str, str]:
    """Give topics these configs; what is refused, as `TOPIC:CONFIG`, and why.

    Raises:
        InquiryError: the cluster does not answer.
    """
    wanted = list(changes)
    # Each by itself: one that is refused takes along what stands beside it in a request.
    answers = await asked.ask(asked.brokers[0], *map(_change, wanted))
    return {
        change.name: response.error_message or response.error_code.name
        for change, answer in zip(wanted, answers, strict=True)
        for response in answer.responses
        if response.error_code is not ErrorCode.none
    }


def _change(change: Change) -> IncrementalAlterConfigsRequest:
    config = AlterableConfig(
        name=change.config,
        config_operation=_DELETE if change.value is None else _SET,
        value=change.value,
    )
    resource = AlterConfigsResource(
        resource_type=_TOPIC, resource_name=change.topic, configs=(config,)
    )
    return IncrementalAlterConfigsRequest(resources=(resource,), validate_only=False)


async def add_partitions(asked: Inquiry, controller: int, counts: dict[str, int]) -> None:
    """Have topics so many partitions. What the cluster refuses stays as it is.

    Raises:
        InquiryError: the cluster does not answer.
    """
    if not counts:
        return
    wanted: Any = tuple(
        CreatePartitionsTopic(name=TopicName(topic), count=i32(count), assignments=None)
        for topic, count in sorted(counts.items())
    )
    request = CreatePartitionsRequest(topics=wanted, timeout=WITHIN, validate_only=False)
    await asked.ask(controller, request)
