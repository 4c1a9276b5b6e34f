"""A client that asks no ApiVersions, and begins beyond what is offered, works."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kio.schema.errors import ErrorCode

from contract.records import Face
from dataplane.virtual.apis import APIS
from tests.dataplane.equivalence import scene
from tests.dataplane.equivalence.worlds import World
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import RawClient, framed
from tests.dataplane.virtual.instances import request_frame

pytestmark = [pytest.mark.environment, pytest.mark.timeout(60)]

PRODUCE, FETCH, METADATA, CREATE_TOPICS, API_VERSIONS, DELETE_TOPICS = 0, 1, 3, 19, 18, 20
TOPIC = "orders"


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[World]:
    """Logged in, and with no idea of what is offered."""
    async with await RawClient.connect(stage.bootstrap) as connected:
        assert await connected.authenticate(stage.token()) == 0
        yield World(connected)


async def ask(client: World, key: int, version: int, **given: Any) -> Any:
    return await client.ask(*scene.made(key, version, **given))


async def create(client: World) -> None:
    topic = {"name": TOPIC, "num_partitions": 1, "replication_factor": 1}
    answer = await ask(client, CREATE_TOPICS, 7, timeout=scene.MINUTE, topics=[topic])
    assert [(t.name, t.error_code) for t in answer.topics] == [(TOPIC, ErrorCode.none)]


async def described(client: World, version: int) -> Any:
    return (await ask(client, METADATA, version, topics=[{"name": TOPIC}])).topics


async def test_metadata_is_right_in_every_version(client: World):
    await create(client)
    served = APIS[METADATA].served
    answers = {v: await ask(client, METADATA, v, topics=[{"name": TOPIC}]) for v in served}
    for version in (10, 11, 12, 13):
        answer, known = answers[version], answers[9]
        assert [(b.node_id, b.host, b.port) for b in answer.brokers] == [
            (b.node_id, b.host, b.port) for b in known.brokers
        ]
        (topic,) = answer.topics
        assert topic.name == TOPIC
        assert [(p.partition_index, p.replica_nodes) for p in topic.partitions] == [(0, (0,))]


async def test_who_starts_at_metadata_12_can_write_read_and_delete(client: World):
    await create(client)
    written = [{"name": TOPIC, "partition_data": [{"index": 0, "records": scene.a_batch(3)}]}]
    for _ in range(100):
        if (await described(client, 12))[0].partitions[0].leader_id == 0:
            break
        await asyncio.sleep(0.05)
    answer = await ask(client, PRODUCE, 10, acks=-1, timeout=scene.MINUTE, topic_data=written)
    assert [p.error_code for t in answer.responses for p in t.partition_responses] == [0]
    wanted = {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1_000_000}
    read = await ask(
        client,
        FETCH,
        12,
        replica_id=-1,
        max_bytes=1_000_000,
        session_id=0,
        session_epoch=-1,
        topics=[{"topic": TOPIC, "partitions": [wanted]}],
    )
    (partition,) = read.responses[0].partitions
    assert (partition.error_code, partition.high_watermark) == (ErrorCode.none, 3)
    deleted = await ask(client, DELETE_TOPICS, 6, timeout=scene.MINUTE, topics=[{"name": TOPIC}])
    assert [(t.name, t.error_code) for t in deleted.responses] == [(TOPIC, 0)]


@pytest.mark.parametrize(("key", "version"), [(PRODUCE, 13), (FETCH, 13), (FETCH, 17)])
async def test_topics_by_null_ids_are_unknown_and_the_connection_stays(client: World, key, version):
    given = {
        PRODUCE: {"acks": 1, "topic_data": [{"partition_data": [{"index": 0}]}]},
        FETCH: {"topics": [{"partitions": [{"partition": 0}]}]},
    }[key]
    answer = await ask(client, key, version, **given)
    (topic,) = answer.responses
    (partition,) = topic.partition_responses if key == PRODUCE else topic.partitions
    assert (topic.topic_id, partition.error_code) == (None, ErrorCode.unknown_topic_id)
    assert await described(client, 10)


async def test_a_version_that_one_cluster_lacks_ends_the_connection(stage: Stage, client: World):
    stage.record(Face(slots=1, api_versions={METADATA: (0, 11)}))
    assert await described(client, 11)
    client.client.send(framed(request_frame(*scene.made(METADATA, 12, topics=[]))))
    assert await client.client.closed()


async def test_who_asks_is_offered_what_is_served(client: World):
    answer = await ask(client, API_VERSIONS, 0)
    shown = {row.api_key: row.max_version for row in answer.api_keys}
    assert [shown[key] for key in (PRODUCE, FETCH, METADATA, CREATE_TOPICS, DELETE_TOPICS)] == [
        13,
        18,
        13,
        7,
        6,
    ]
