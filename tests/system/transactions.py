"""A transactional producer, a mirror of what it commits, and what a reader gets of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.system.mirror import Mirror
from tests.system.operator import PATIENCE, Operator

TOPIC = "ledger"


def transactional(operator: Operator, vcluster: str, gateway: int = 0) -> Producer:
    producer = Producer({**operator.client(vcluster, gateway), "transactional.id": "tx"})
    producer.init_transactions(20)
    return producer


def write(producer: Producer, value: bytes) -> None:
    """In a transaction of its own."""
    producer.begin_transaction()
    producer.produce(TOPIC, value)
    producer.commit_transaction(20)


@contextmanager
def mirrored(operator: Operator, vcluster: str, to: str) -> Iterator[None]:
    """A mirror that begins where the cluster that serves now was switched to, if it was."""
    start, partition = 0, f"{vcluster}{TOPIC}-0"
    for cut in operator.events(kind="switch.cut_recorded"):
        start = dict(cut["data"]["target_ends"]).get(partition, start)
    source = operator.cluster(operator.routing()["cluster"])
    with Mirror(source, operator.cluster(to), vcluster + TOPIC, start):
        yield


def committed(operator: Operator, vcluster: str) -> list[str]:
    """What a reader of committed records gets, through the gateway."""
    consumer = Consumer(
        {**operator.client(vcluster), "group.id": "x", "enable.partition.eof": True}
    )
    partition = TopicPartition(TOPIC, 0, 0)
    found = []
    try:
        consumer.assign([partition])
        give_up_at = time.monotonic() + PATIENCE
        while time.monotonic() < give_up_at:
            for message in consumer.consume(1000, timeout=1):
                if message.error() is not None:
                    return found
                found.append(str(message.value(), "utf-8"))
    finally:
        consumer.close()
    pytest.fail("the topic cannot be read to its end")
