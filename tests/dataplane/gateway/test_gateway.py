"""Real clients through a gateway to real Kafka, and a switch under them."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from tests.dataplane.gateway.conftest import Stage

pytestmark = pytest.mark.environment


async def _create(bootstrap: dict[str, object], *topics: str) -> None:
    admin = AIOKafkaAdminClient(**bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1) for topic in topics])
    finally:
        await admin.close()


async def _read(count: int, topic: str, **client: object) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(topic, auto_offset_reset="earliest", **client)
    await consumer.start()
    try:
        async with asyncio.timeout(15):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def _produce(topic: str, *values: bytes, **client: object) -> None:
    producer = AIOKafkaProducer(**client)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def test_records_go_through_under_the_tenants_prefix(stage: Stage, clusters):
    await _create(stage.credentials(), "users")
    await _produce("users", b"tom", b"laura", **stage.credentials())
    assert await _read(2, "users", **stage.credentials()) == [b"tom", b"laura"]
    physical = f"{stage.vcluster}users"
    assert await _read(2, physical, bootstrap_servers=clusters.main) == [b"tom", b"laura"]


async def test_a_group_consumes_and_commits(stage: Stage, clusters):
    await _create(stage.credentials(), "users")
    await _produce("users", b"tom", b"laura", **stage.credentials())
    group = {"group_id": "readers", **stage.credentials()}
    assert await _read(1, "users", **group) == [b"tom"]
    assert await _read(1, "users", **group) == [b"laura"]
    admin = AIOKafkaAdminClient(bootstrap_servers=clusters.main)
    await admin.start()
    groups = [name for name, *_ in await admin.list_consumer_groups()]
    await admin.close()
    assert f"{stage.vcluster}readers" in groups
    assert "readers" not in groups


async def test_an_idempotent_producer_keeps_its_connection_over_a_switch(stage: Stage, clusters):
    await _create(stage.credentials(), "users")
    physical = f"{stage.vcluster}users"
    await _create({"bootstrap_servers": clusters.failover}, physical)
    producer = AIOKafkaProducer(enable_idempotence=True, **stage.credentials())
    await producer.start()
    await producer.send_and_wait("users", b"before")
    opened = stage.gateway.counters.connections_opened
    await stage.switch("failover")
    await producer.send_and_wait("users", b"after")
    assert stage.gateway.counters.connections_opened == opened
    assert stage.gateway.counters.connections_closed == 0 + opened - len(stage.gateway.connections)
    await producer.stop()
    assert await _read(1, physical, bootstrap_servers=clusters.main) == [b"before"]
    assert await _read(1, physical, bootstrap_servers=clusters.failover) == [b"after"]


async def test_writes_during_a_fence_wait_and_go_on(stage: Stage, clusters):
    await _create(stage.credentials(), "users")
    await _create({"bootstrap_servers": clusters.failover}, f"{stage.vcluster}users")
    producer = AIOKafkaProducer(**stage.credentials())
    await producer.start()
    await producer.send_and_wait("users", b"before")
    await stage.switch("failover")
    writes = [await producer.send("users", b"%d" % n) for n in range(5)]
    await asyncio.gather(*writes)
    await stage.switch("main")
    await producer.send_and_wait("users", b"back")
    await producer.stop()
    assert await _read(2, "users", **stage.credentials()) == [b"before", b"back"]


async def test_without_a_lease_nothing_is_acknowledged(stage: Stage):
    await _create(stage.credentials(), "users")
    producer = AIOKafkaProducer(**stage.credentials(), request_timeout_ms=1500)
    await producer.start()
    await producer.send_and_wait("users", b"before")
    stage.gateway.set_lease(0.0)
    with pytest.raises(KafkaError):
        await producer.send_and_wait("users", b"during")
    stage.gateway.set_lease(float("inf"))
    await producer.stop()


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": 1}, "the token of sa has expired"),
        ({"vcluster": "nowhere"}, "virtual cluster nowhere does not exist"),
        ({"username": "somebody"}, "the token was not issued to sa"),
    ],
)
async def test_bad_tokens_are_refused_with_the_reason(
    stage: Stage, caplog: pytest.LogCaptureFixture, claims: dict[str, object], says: str
):
    producer = AIOKafkaProducer(**stage.credentials(**claims))
    with pytest.raises(KafkaError):
        await producer.start()
    await producer.stop()
    assert f"SaslAuthenticationFailed: {says}" in caplog.text


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x05hello",
        b"\x00\x00\x00\x0a\x00\x00\x00\x09\x00\x00\x00\x01\xff\xff",
    ],
    ids=["http", "2-gigabytes", "negative", "garbage", "produce-before-authentication"],
)
async def test_what_is_not_kafka_is_closed_and_harms_nobody(stage: Stage, garbage: bytes):
    host, port = stage.bootstrap.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(garbage)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await _create(stage.credentials(), "users")
