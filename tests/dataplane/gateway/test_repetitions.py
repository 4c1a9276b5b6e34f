"""An acknowledgement is lost, the scope is switched, and the client sends its records again."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from controlplane.domain.producers import recorded
from controlplane.probes.producers import all_producers
from dataplane.gateway.relay import Relay
from dataplane.node.machine import Order
from reliability.writers import AiokafkaWriter, JavaWriter, LibrdkafkaWriter, Writer
from tests.dataplane.gateway.conftest import Stage, cluster_at

pytestmark = pytest.mark.environment

WRITERS = {"librdkafka": LibrdkafkaWriter, "aiokafka": AiokafkaWriter, "Java": JavaWriter}


class Orders:
    """What the writers write to."""

    topic = "orders"
    partitions = 1
    pause_s = 0.02


class LostAnswers:
    """Ends a client's connection in place of handing over the answer to a write."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.armed = False
        self.lost = asyncio.Event()
        relayed = Relay.answers_received

        def answers_received(relay, upstream, frames):
            if not self.armed or not relay._exchange.writes_in_flight:
                relayed(relay, upstream, frames)
                return
            self.armed = False
            relay._client.close("the test loses the answer")
            asyncio.get_running_loop().call_soon(stage.order, Order.FENCE, stage.cluster)
            self.lost.set()

        monkeypatch.setattr(Relay, "answers_received", answers_received)


async def create(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()


async def values(bootstrap: str, topic: str) -> list[bytes]:
    """Of all records, once their number does not change any more."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    partition, before, found = TopicPartition(topic, 0), -1, []
    await consumer.start()
    consumer.assign([partition])
    try:
        while (end := (await consumer.end_offsets([partition]))[partition]) != before:
            before = end
            await asyncio.sleep(0.2)
        consumer.seek(partition, 0)
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += [record.value for record in records]
    finally:
        await consumer.stop()
    return found


async def copy(to: str, topic: str, copied: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=to) as producer:
        for value in copied:
            await producer.send(topic, value, partition=0)


async def more_acknowledged(writer: Writer) -> None:
    give_up_at, wanted = time.monotonic() + 30, writer.acknowledged + 20
    while writer.acknowledged < wanted:
        assert time.monotonic() < give_up_at, writer.errors
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("remembered", [True, False], ids=["remembered", "forgotten"])
@pytest.mark.parametrize("library", WRITERS)
async def test_what_was_appended_is_not_written_again(
    stage, clusters, monkeypatch, library, remembered
):
    losing = LostAnswers(stage, monkeypatch)
    physical = f"{stage.vcluster}orders"
    for bootstrap in (clusters.main, clusters.failover):
        await create(bootstrap, physical)
    client = {
        "bootstrap.servers": stage.bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "sa",
        "sasl.password": stage.token(),
    }
    writer: Writer = WRITERS[library]("w", client, Orders())
    writer.__enter__()
    try:
        await more_acknowledged(writer)
        losing.armed = True
        await asyncio.wait_for(losing.lost.wait(), 10)
        await asyncio.wait_for(stage.closed.wait(), 10)
        appended = await values(clusters.main, physical)
        assert len(appended) > writer.acknowledged
        await copy(clusters.failover, physical, appended)
        if remembered:
            await remember(stage, clusters.main, physical)
        stage.epoch += 1
        stage.order(Order.SERVE, "failover")
        await more_acknowledged(writer)
    finally:
        await asyncio.to_thread(writer.__exit__, None, None, None)
    written = Counter(await values(clusters.failover, physical))
    assert len(written) == len(writer.writes()) == writer.acknowledged
    assert (set(written.values()) == {1}) is remembered
    assert (stage.gateway.counters.writes_repeated > 0) is remembered


async def remember(stage: Stage, bootstrap: str, physical: str) -> None:
    """What the control plane does at a switch."""
    seen = await all_producers(cluster_at("main", bootstrap), [physical])
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    (producers,) = recorded(seen, (), "main", now_ms)
    stage.record(producers)
