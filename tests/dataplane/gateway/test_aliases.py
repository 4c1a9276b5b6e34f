"""Topics of others under names of one's own, with real clients on real Kafka."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from contract.records import Record, TopicAlias
from dataplane.virtual.messages import decode_response
from tests.dataplane.equivalence import scene
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import RawClient, framed
from tests.dataplane.gateway.test_policies import client, outcomes, produced
from tests.dataplane.virtual.instances import request_frame

pytestmark = pytest.mark.environment

FETCH = 1


def alias(stage: Stage, logical: str, physical: str, *, read_only: bool = False) -> None:
    stage.record(
        TopicAlias(
            vcluster=stage.vcluster,
            logical=logical,
            physical=physical,
            read_only=read_only,
            partitions=1,
            replication_factor=1,
            created_at=0,
        )
    )


def unalias(stage: Stage, logical: str) -> None:
    stage.seq += 1
    key = f"alias/{stage.vcluster}/{logical}"
    record = Record(log="test", seq=stage.seq, key=key, state=None)
    stage.control.apply(record)
    stage.gateway.record_applied(record)


@pytest.fixture
async def lent(stage: Stage, clusters: Any, unique_name: str) -> str:
    """A physical topic that nobody's prefix is on, on both clusters."""
    topic = f"lent-{unique_name}"
    for servers in (clusters.main, clusters.failover):
        direct = AdminClient({"bootstrap.servers": servers})
        assert await outcomes(direct.create_topics([NewTopic(topic, 1)])) == {topic: 0}
    return topic


async def read(stage: Stage, topic: str, group: str, count: int) -> list[bytes | None]:
    """Read in a group, and commit."""
    consumer = Consumer(client(stage, group_id=group, auto_offset_reset="earliest"))
    consumer.subscribe([topic])
    seen: list[Message] = []
    while len(seen) < count:
        message = await asyncio.to_thread(consumer.poll, 20)
        assert message is not None
        assert message.error() is None
        assert message.topic() == topic
        seen.append(message)
    await asyncio.to_thread(consumer.commit, seen[-1], asynchronous=False)
    (position,) = await asyncio.to_thread(consumer.committed, [TopicPartition(topic, 0)], 10)
    assert position.offset == (seen[-1].offset() or 0) + 1
    await asyncio.to_thread(consumer.close)
    return [message.value() for message in seen]


async def test_records_go_through_an_alias_in_both_directions(stage: Stage, lent: str, clusters):
    alias(stage, "cars", lent)
    assert await produced(stage, "cars", b"red", b"blue") is None
    assert await read(stage, "cars", "readers", 2) == [b"red", b"blue"]
    listed = await asyncio.to_thread(AdminClient(client(stage)).list_topics, None, 10)
    assert set(listed.topics) == {"cars"}
    direct = Consumer(
        {"bootstrap.servers": clusters.main, "group.id": "g", "auto.offset.reset": "earliest"}
    )
    direct.subscribe([lent])
    message = await asyncio.to_thread(direct.poll, 20)
    assert message is not None
    assert message.value() == b"red"
    await asyncio.to_thread(direct.close)


async def test_a_transaction_writes_through_an_alias(stage: Stage, lent: str):
    alias(stage, "cars", lent)

    producer = Producer(client(stage, transactional_id="t"))
    await asyncio.to_thread(producer.init_transactions, 20)
    producer.begin_transaction()
    producer.produce("cars", b"red")
    await asyncio.to_thread(producer.commit_transaction, 20)
    assert await read(stage, "cars", "readers", 1) == [b"red"]


async def test_an_alias_for_reading_is_not_written_to(stage: Stage, lent: str):
    admin = AdminClient(client(stage))
    assert await outcomes(admin.create_topics([NewTopic("own", 1)])) == {"own": 0}
    alias(stage, "cars", lent, read_only=True)
    denied = KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert await produced(stage, "cars", b"red") == denied
    assert await produced(stage, "own", b"red") is None
    alias(stage, "cars", lent)
    assert await produced(stage, "cars", b"red") is None


async def test_what_is_behind_an_alias_is_not_administered_through_it(stage: Stage, lent: str):
    alias(stage, "cars", lent)
    admin = AdminClient(client(stage))
    denied = {"cars": KafkaError.TOPIC_AUTHORIZATION_FAILED}
    assert await outcomes(admin.delete_topics(["cars"])) == denied
    assert await outcomes(admin.create_partitions([NewPartitions("cars", 3)])) == denied
    exists = await outcomes(admin.create_topics([NewTopic("cars", 1)]))
    assert exists == {"cars": KafkaError.TOPIC_ALREADY_EXISTS}
    resource = ConfigResource(ConfigResource.Type.TOPIC, "cars")
    (configs,) = admin.describe_configs([resource]).values()
    assert "retention.ms" in await asyncio.to_thread(configs.result, 10)


async def test_an_alias_stays_right_over_a_switch(stage: Stage, lent: str):
    alias(stage, "cars", lent)
    assert await produced(stage, "cars", b"before") is None
    await stage.switch("failover")
    assert await produced(stage, "cars", b"after") is None
    assert await read(stage, "cars", "readers", 1) == [b"after"]


async def test_an_alias_that_is_gone_is_not_there_for_open_connections(stage: Stage, lent: str):
    alias(stage, "cars", lent)
    admin = AdminClient(client(stage))
    assert "cars" in (await asyncio.to_thread(admin.list_topics, None, 10)).topics
    unalias(stage, "cars")
    assert "cars" not in (await asyncio.to_thread(admin.list_topics, None, 10)).topics


async def test_an_answer_that_was_under_way_while_an_alias_went_is_read(stage: Stage, lent: str):
    alias(stage, "cars", lent)
    partitions = [{"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1000}]
    asked = scene.made(
        FETCH,
        12,
        max_wait=timedelta(seconds=1),
        min_bytes=1,
        max_bytes=1000,
        isolation_level=0,
        topics=[{"topic": "cars", "partitions": partitions}],
    )
    async with await RawClient.connect(stage.bootstrap) as connected:
        assert await connected.authenticate(stage.token()) == 0
        connected.send(framed(request_frame(*asked)))
        await until_in_flight(stage)
        unalias(stage, "cars")
        correlation_id, rest = await connected.receive()
    answer = decode_response(FETCH, 12, correlation_id.to_bytes(4) + rest)
    assert [topic.topic for topic in answer.responses] == ["cars"]


async def until_in_flight(stage: Stage) -> None:
    for _ in range(100):
        if stage.gateway.scope_counts("main")[0]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("no request has reached a broker")
