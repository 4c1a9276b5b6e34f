"""Rules, rights and limits with real clients on real Kafka."""

import asyncio
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from contract.policy import ConfigRule, Limits, NumberRule, Policy, TopicRules
from contract.records import ServiceAccount, VirtualCluster
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import RawClient, eventually

pytestmark = pytest.mark.environment

POLICY = Policy(
    topics=TopicRules(
        name_pattern="[a-z]+",
        partitions=NumberRule(default=2, max=4),
        replication_factor=NumberRule(default=1, max=1),
        configs={"retention.ms": ConfigRule(default="60000", max=100000)},
        max_topics=2,
    )
)


def lay_down(stage: Stage, policy: Policy) -> None:
    stage.record(
        VirtualCluster(
            name=stage.vcluster, scope="main", cluster_id=f"id-{stage.vcluster}", policy=policy
        )
    )


def restrict(stage: Stage, *, read_only: bool = False, limits: Limits | None = None) -> None:
    stage.record(
        ServiceAccount(
            vcluster=stage.vcluster, name="sa", read_only=read_only, limits=limits or Limits()
        )
    )


def client(stage: Stage, **more: Any) -> dict[str, Any]:
    return {
        "bootstrap.servers": stage.bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "sa",
        "sasl.password": stage.token(),
        "log_level": 0,
    } | {
        key if key.endswith("_cb") else key.replace("_", "."): value for key, value in more.items()
    }


async def outcomes(futures: dict[Any, Any]) -> dict[str, int]:
    """Error codes by name; 0 for what was done."""
    found = {}
    for asked, future in futures.items():
        name = getattr(asked, "name", asked)
        try:
            await asyncio.to_thread(future.result, 20)
            found[name] = 0
        except KafkaException as error:
            found[name] = error.args[0].code()
    return found


async def test_good_topics_are_created_and_bad_ones_are_told_why(stage: Stage):
    lay_down(stage, POLICY)
    admin = AdminClient(client(stage))
    asked = [NewTopic("users"), NewTopic("Users"), NewTopic("wide", 9)]
    futures = admin.create_topics(asked)
    assert await outcomes(futures) == {
        "users": 0,
        "Users": KafkaError.POLICY_VIOLATION,
        "wide": KafkaError.POLICY_VIOLATION,
    }
    with pytest.raises(KafkaException) as refused:
        futures["wide"].result()
    assert "partitions 9 is not allowed: the policy wants at most 4" in refused.value.args[0].str()
    described = await asyncio.to_thread(admin.list_topics, "users", 10)
    assert len(described.topics["users"].partitions) == 2
    resource = ConfigResource(ConfigResource.Type.TOPIC, "users")
    (configs,) = admin.describe_configs([resource]).values()
    assert (await asyncio.to_thread(configs.result, 10))["retention.ms"].value == "60000"


async def test_rules_hold_for_topics_that_grow_and_for_their_configs(stage: Stage):
    admin = AdminClient(client(stage))
    assert await outcomes(admin.create_topics([NewTopic("users", 1)])) == {"users": 0}
    lay_down(stage, POLICY)
    grown = admin.create_partitions([NewPartitions("users", 5)])
    assert await outcomes(grown) == {"users": KafkaError.POLICY_VIOLATION}
    assert await outcomes(admin.create_partitions([NewPartitions("users", 3)])) == {"users": 0}
    for value, code in (("200000", KafkaError.POLICY_VIOLATION), ("100000", 0)):
        change = ConfigEntry("retention.ms", value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, "users", incremental_configs=[change])
        assert await outcomes(admin.incremental_alter_configs([resource])) == {"users": code}


async def test_the_number_of_topics_is_limited_and_asking_for_them_creates_none(stage: Stage):
    lay_down(stage, POLICY)
    admin = AdminClient(client(stage))
    three = await outcomes(admin.create_topics([NewTopic(n) for n in ("a", "b", "c")]))
    assert sorted(three.values()) == [0, 0, KafkaError.POLICY_VIOLATION]
    producer = Producer(client(stage, allow_auto_create_topics=True))
    await asyncio.to_thread(producer.list_topics, "asked", 10)
    assert "asked" not in (await asyncio.to_thread(admin.list_topics, None, 10)).topics


async def test_a_read_only_account_consumes_and_commits_but_writes_nothing(stage: Stage):
    admin = AdminClient(client(stage))
    assert await outcomes(admin.create_topics([NewTopic("users", 1)])) == {"users": 0}
    assert await produced(stage, "users", b"tom") is None
    restrict(stage, read_only=True)
    assert await produced(stage, "users", b"laura") == KafkaError.TOPIC_AUTHORIZATION_FAILED
    created = await outcomes(admin.create_topics([NewTopic("more", 1)]))
    assert created == {"more": KafkaError.TOPIC_AUTHORIZATION_FAILED}
    deleted = await outcomes(admin.delete_topics(["users"]))
    assert deleted == {"users": KafkaError.TOPIC_AUTHORIZATION_FAILED}
    settings = client(stage, group_id="readers", auto_offset_reset="earliest")
    consumer = Consumer(settings)
    consumer.subscribe(["users"])
    message = await asyncio.to_thread(consumer.poll, 20)
    assert message is not None
    assert message.value() == b"tom"
    await asyncio.to_thread(consumer.commit, message, asynchronous=False)
    (position,) = await asyncio.to_thread(consumer.committed, [TopicPartition("users", 0)], 10)
    assert position.offset == 1
    await asyncio.to_thread(consumer.close)
    restrict(stage, read_only=False)
    assert await produced(stage, "users", b"laura") is None


async def test_a_read_only_account_begins_no_transaction(stage: Stage):
    restrict(stage, read_only=True)
    producer = Producer(client(stage, transactional_id="t"))
    with pytest.raises(KafkaException) as refused:
        await asyncio.to_thread(producer.init_transactions, 10)
    code = refused.value.args[0].code()
    assert code == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


async def produced(stage: Stage, topic: str, *values: bytes, **more: Any) -> int | None:
    """Write; the error code of the last one, None if all went well."""
    producer = Producer(client(stage, message_timeout_ms=20000, **more))
    codes = []

    def delivered(error: KafkaError | None, _message: Any) -> None:
        codes.append(error.code() if error is not None else None)

    for value in values:
        producer.produce(topic, value, on_delivery=delivered)
    await asyncio.to_thread(producer.flush, 60)
    assert len(codes) == len(values)
    return codes[-1]


RATE = 20_000
VALUES = [bytes(5_000)] * 16
"""Four times what may be written in a second."""
SINGLY: dict[str, Any] = {"batch_num_messages": 1, "linger_ms": 0}
"""Batches of one record: they are read and written whole."""


async def test_bytes_are_limited_and_the_client_is_told(stage: Stage):
    restrict(stage, limits=Limits(produce_bytes_per_second=RATE))
    told: list[float] = []
    loop = asyncio.get_running_loop()
    begun = loop.time()

    def throttles(event: Any) -> None:
        told.append(event.throttle_time)

    await create(stage, "users")
    code = await produced(stage, "users", *VALUES, throttle_cb=throttles, **SINGLY)
    assert code is None
    assert sum(map(len, VALUES)) <= RATE * (loop.time() - begun + 2)
    assert stage.gateway.counters.throttled > 0
    assert max(told) > 0


async def test_what_is_read_is_limited_as_well(stage: Stage):
    await create(stage, "users")
    assert await produced(stage, "users", *VALUES, **SINGLY) is None
    restrict(stage, limits=Limits(fetch_bytes_per_second=RATE))
    told: list[float] = []
    settings = client(
        stage, group_id="g", auto_offset_reset="earliest", fetch_message_max_bytes=6_000
    )
    settings["throttle_cb"] = lambda event: told.append(event.throttle_time)
    consumer = Consumer(settings)
    loop = asyncio.get_running_loop()
    begun, seen = loop.time(), 0
    consumer.subscribe(["users"])
    while seen < len(VALUES):
        message = await asyncio.to_thread(consumer.poll, 30)
        assert message is not None
        assert message.error() is None
        seen += 1
    assert sum(map(len, VALUES)) <= RATE * (loop.time() - begun + 2)
    assert stage.gateway.counters.throttled > 0
    assert max(told) > 0
    await asyncio.to_thread(consumer.close)


async def create(stage: Stage, topic: str) -> None:
    admin = AdminClient(client(stage))
    assert await outcomes(admin.create_topics([NewTopic(topic, 1)])) == {topic: 0}


async def test_connections_are_limited_by_account(stage: Stage):
    restrict(stage, limits=Limits(connections=1))
    async with await RawClient.connect(stage.bootstrap) as first:
        assert await first.authenticate(stage.token()) == 0
        async with await RawClient.connect(stage.bootstrap) as second:
            assert await second.authenticate(stage.token()) == 58
            assert await second.closed()
        (connection,) = [c for c in stage.gateway.connections if c.relay is not None]
        assert connection.relay is not None
        account = connection.relay.tenant.account
    await eventually(lambda: account.connections == 0)
    async with await RawClient.connect(stage.bootstrap) as third:
        assert await third.authenticate(stage.token()) == 0
