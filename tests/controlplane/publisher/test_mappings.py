"""`_topicMappings`, in the shape that the incumbent's users know."""

import json

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contract.records import TopicMapping
from controlplane.domain.reserved import MAPPINGS_TOPIC
from controlplane.publisher.mappings import value_of
from tests.controlplane.conftest import eventually, in_process
from tests.controlplane.nodes import serving_nodes

USERS = TopicMapping(
    vcluster="teamA",
    logical="users",
    physical="teamAusers",
    partitions=1,
    replication_factor=1,
    configs={},
    created_at=1707870803291,
)


def test_a_record_has_the_shape_of_the_incumbents():
    assert json.loads(value_of([USERS], "main")) == {
        "users": {
            "clusterId": "main",
            "name": "teamAusers",
            "isConcentrated": False,
            "compactedName": "teamAusers",
            "isCompacted": False,
            "compactedAndDeletedName": "teamAusers",
            "isCompactedAndDeleted": False,
            "createdAt": [2024, 2, 14, 0, 33, 23, 291],
            "isDeleted": False,
            "configuration": {"numPartitions": 1, "replicationFactor": 1, "properties": {}},
            "isVirtual": False,
        }
    }


def test_a_virtual_cluster_without_topics_has_no_record():
    assert value_of([], "main") is None


async def newest(bootstrap: str, vcluster: str) -> dict | None:
    """The newest mapping of a virtual cluster on a cluster."""
    partition = TopicPartition(MAPPINGS_TOPIC, 0)
    found = None
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                for message in batch:
                    if message.key == vcluster.encode():
                        found = json.loads(message.value)
    return found


@pytest.mark.environment
async def test_the_active_cluster_has_the_mappings(variables, clusters, unique_name):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        await plane.client.post("/api/v1/virtual-clusters", json={"name": unique_name})
        await node.create_topic(unique_name, "users")

        async def on(bootstrap: str, *logical: str) -> None:
            async def there() -> bool:
                return set(await newest(bootstrap, unique_name) or ()) == set(logical)

            await eventually(there)

        await on(clusters.main, "users")
        await plane.client.post(
            "/admin/pclusters/v1/pcluster/main/switch", params={"to": "failover", "wait": "none"}
        )
        await node.create_topic(unique_name, "orders")
        await on(clusters.failover, "users", "orders")
        await on(clusters.main, "users")
