"""Groups and connections, as many as there are to be."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks.scale.size import Size
from contract.clusters_file import ClusterProperties
from upstream.access import access_to
from upstream.inquiry import Connection

_BEHIND = 10
_PATIENCE_S = 60.0


def make_groups(client: dict[str, Any], size: Size) -> None:
    """Each with a position in all partitions of one topic."""
    admin = AdminClient(client)
    offsets = (size.records, max(0, size.records - _BEHIND), 0)
    for number in range(size.groups):
        topic, offset = f"t{number % size.topics}", offsets[number % len(offsets)]
        positions = [TopicPartition(topic, p, offset) for p in range(size.partitions_each)]
        asked = admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(f"g{number}", positions)]
        )
        for answer in asked.values():
            answer.result(_PATIENCE_S)


@contextmanager
def members(client: dict[str, Any], size: Size) -> Iterator[None]:
    """Consumers of some of the groups, each of one topic."""
    stop = threading.Event()
    with ExitStack() as leaving:
        for number in range(min(size.members, size.topics)):
            thread = threading.Thread(target=_consume, args=(client, number, stop))
            thread.start()
            leaving.callback(thread.join)
        leaving.callback(stop.set)
        yield


def _consume(client: dict[str, Any], number: int, stop: threading.Event) -> None:
    consumer = Consumer(
        {
            **client,
            "group.id": f"member{number}",
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
            "log_level": 0,
        }
    )
    try:
        consumer.subscribe([f"t{number}"])
        while not stop.is_set():
            consumer.consume(100, timeout=0.5)
    finally:
        consumer.close()


@contextmanager
def connections(client: dict[str, Any], size: Size) -> Iterator[None]:
    """Logged in, and idle from then on."""
    loop = asyncio.new_event_loop()
    opened: list[Connection] = []
    try:
        opened += loop.run_until_complete(_open(client, size.connections))
        yield
    finally:
        for connection in opened:
            connection.close()
        # A socket is closed in the loop's next turn.
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


async def _open(client: dict[str, Any], count: int) -> list[Connection]:
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    name, token = client["sasl.username"], client["sasl.password"]
    gateway = ClusterProperties(
        name="gateway",
        role="upstream",
        properties={
            "bootstrap.servers": client["bootstrap.servers"],
            "security.protocol": client["security.protocol"],
            "sasl.mechanism": client["sasl.mechanism"],
            "sasl.jaas.config": f"{login} username='{name}' password='{token}';",
        },
    )
    access = access_to(gateway)
    host, _, port = client["bootstrap.servers"].rpartition(":")
    return [await Connection.open(access, host, int(port)) for _ in range(count)]
