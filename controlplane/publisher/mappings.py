"""`_topicMappings` on the active cluster: the incumbent's users look there, nothing of ours."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from contract.clusters_file import ClusterProperties
from contract.records import TopicAlias, TopicMapping
from controlplane.domain.reserved import MAPPINGS_TOPIC
from controlplane.plane import ControlPlane
from controlplane.publisher.producer import KAFKA_FAILURES, WRITE_BUDGET_S, producer
from controlplane.publisher.topics import create_if_missing

_logger = structlog.get_logger()

_AGAIN_S = 1.0
_IDLE_S = 5.0

Values = dict[str, bytes | None]
"""Virtual cluster to the value of its record; None once its last topic is gone."""


async def publish_mappings(plane: ControlPlane) -> None:
    """Keep the topic of whichever cluster is active up to date, for ever."""
    while True:
        routing = plane.ledger.facts.routing(plane.settings.scope)
        active = next(
            (c for c in plane.settings.clusters if routing and c.name == routing.cluster), None
        )
        if active is None:
            await plane.ledger.changed.wait(_IDLE_S)
            continue
        try:
            await _publish_to(plane, active)
        except KAFKA_FAILURES as error:
            _logger.warning(
                "topic_mappings.not_written",
                cluster=active.name,
                detail=str(error) or type(error).__name__,
            )
            await asyncio.sleep(_AGAIN_S)


async def _publish_to(plane: ControlPlane, active: ClusterProperties) -> None:
    """Publish to one cluster for as long as it is active."""
    facts, scope = plane.ledger.facts, plane.settings.scope
    async with asyncio.timeout(WRITE_BUDGET_S):
        await create_if_missing(active, MAPPINGS_TOPIC, {})
    position_key = f"{MAPPINGS_TOPIC}@{active.name}"
    position = await plane.publications.last(position_key)
    async with producer(active) as opened:
        while (routing := facts.routing(scope)) is not None and routing.cluster == active.name:
            head = facts.seq
            changed = _changed(plane, position)
            for vcluster, value in changed.items():
                async with asyncio.timeout(WRITE_BUDGET_S):
                    await opened.send_and_wait(MAPPINGS_TOPIC, key=vcluster.encode(), value=value)
            if changed:
                await plane.publications.move(position_key, head)
            position = head
            if facts.seq == head:
                await plane.ledger.changed.wait(_IDLE_S)


def _changed(plane: ControlPlane, position: int) -> Values:
    """The records of the virtual clusters whose topics changed since."""
    names = {
        record.key.split("/")[1]
        for record in plane.ledger.records_after(position)
        if record.key.startswith(("topic/", "alias/"))
    }
    facts, scope = plane.ledger.facts, plane.settings.scope
    return {
        name: value_of([*facts.topics_of(name), *facts.aliases_of(name)], scope)
        for name in sorted(names)
    }


def value_of(topics: Sequence[TopicMapping | TopicAlias], scope: str) -> bytes | None:
    """A virtual cluster's record: its logical topics and what is behind them."""
    if not topics:
        return None
    return msgspec.json.encode({topic.logical: _mapping(topic, scope) for topic in topics})


def _mapping(topic: TopicMapping | TopicAlias, scope: str) -> dict[str, Any]:
    return {
        "clusterId": scope,
        "name": topic.physical,
        "isConcentrated": False,
        "compactedName": topic.physical,
        "isCompacted": False,
        "compactedAndDeletedName": topic.physical,
        "isCompactedAndDeleted": False,
        "createdAt": _date_parts(topic.created_at),
        "isDeleted": False,
        "configuration": {
            "numPartitions": topic.partitions,
            "replicationFactor": topic.replication_factor,
            "properties": topic.configs if isinstance(topic, TopicMapping) else {},
        },
        "isVirtual": isinstance(topic, TopicAlias),
    }


def _date_parts(epoch_ms: int) -> list[int]:
    moment = datetime.fromtimestamp(epoch_ms // 1000, UTC)
    return [*moment.timetuple()[:6], epoch_ms % 1000]
