"""Members that stayed behind on a real cluster: they are removed, those of others are not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import Consumer
from kio.schema.consumer_group_describe.v0.request import ConsumerGroupDescribeRequest
from kio.schema.types import GroupId

from contract.clusters_file import ClusterProperties
from controlplane.probes.describe import UnreachableError
from controlplane.probes.ghosts import remove_ghosts
from tests.environment.backends import Clusters
from upstream.access import access_to
from upstream.inquiry import inquiry

pytestmark = pytest.mark.environment


def cluster_at(servers: str) -> ClusterProperties:
    return ClusterProperties(
        name="main", role="upstream", properties={"bootstrap.servers": servers}
    )


@asynccontextmanager
async def member(servers: str, group: str, **settings: str) -> AsyncIterator[None]:
    """A member of a group that is in it."""
    consumer = AIOKafkaConsumer(
        "ghosts", bootstrap_servers=servers, group_id=group, metadata_max_age_ms=500, **settings
    )
    await consumer.start()
    try:
        yield
    finally:
        await consumer.stop()


async def create(servers: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 3, 1)])
    finally:
        await admin.close()


async def members_of(servers: str, group: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        (described,) = await admin.describe_consumer_groups([group])
        return len(described.groups[0][5])
    finally:
        await admin.close()


async def test_all_members_of_our_groups_are_removed_and_no_others(
    clusters: Clusters, unique_name: str
):
    await create(clusters.main, "ghosts")
    ours, others = f"{unique_name}-g", f"other-{unique_name}-g"
    async with AsyncExitStack() as joined:
        for group in (ours, others):
            await joined.enter_async_context(member(clusters.main, group))
        static = member(clusters.main, f"{unique_name}-s", group_instance_id="one")
        await joined.enter_async_context(static)
        cluster = cluster_at(clusters.main)
        assert await remove_ghosts(cluster, lambda g: g.startswith(unique_name)) == 2
        assert await members_of(clusters.main, others) == 1


async def test_members_of_new_groups_are_removed_as_well(clusters: Clusters, unique_name: str):
    """Of KIP-848, whose coordinator tells nothing of them to whoever asks for classic groups."""
    topic = f"{unique_name}-t"
    await create(clusters.main, topic)
    groups = (f"{unique_name}-new", f"{unique_name}-static", f"other-{unique_name}-new")
    consumers = [
        Consumer(
            {
                "bootstrap.servers": clusters.main,
                "group.id": group,
                "group.protocol": "consumer",
                **({"group.instance.id": "one"} if group == groups[1] else {}),
            }
        )
        for group in groups
    ]
    try:
        for consumer in consumers:
            consumer.subscribe([topic])
            await until_given(consumer)
        cluster = cluster_at(clusters.main)
        assert await remove_ghosts(cluster, lambda g: g.startswith(unique_name)) == 2
        async with inquiry(access_to(cluster)) as asked:
            described = await asked.ask(
                asked.brokers[0],
                ConsumerGroupDescribeRequest(
                    group_ids=tuple(map(GroupId, groups)),
                    include_authorized_operations=False,
                ),
            )
        left = {group.group_id: len(group.members) for group in described[0].groups}
        assert [left[group] for group in groups] == [0, 0, 1]
    finally:
        for consumer in consumers:
            await asyncio.to_thread(consumer.close)


async def until_given(consumer: Consumer) -> None:
    """Poll until a member has partitions."""
    give_up_at = time.monotonic() + 20
    while not consumer.assignment():
        assert time.monotonic() < give_up_at, "it was given nothing"
        await asyncio.to_thread(consumer.poll, 0.1)


async def test_a_cluster_that_is_gone_is_named():
    with pytest.raises(UnreachableError, match="main"):
        await remove_ghosts(cluster_at("localhost:1"), lambda _: True)
