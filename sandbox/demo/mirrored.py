"""What a cluster holds now, asked directly: to wait for the mirror, and to count at the end."""

import time
from collections.abc import Mapping

from confluent_kafka import Consumer, TopicPartition

from sandbox.errors import SandboxError

POLL = 0.5
"""Seconds between two looks."""


def wait_for_records(cluster: Mapping[str, str], topic: str, count: int, limit: float) -> float:
    """Wait until the first partition of a topic holds `count` records; how long that took.

    `cluster` is what librdkafka is told to get in.

    Raises:
        SandboxError: it does not within `limit` seconds.
    """
    began = time.monotonic()
    consumer = _reader(cluster)
    try:
        while time.monotonic() - began < limit:
            if _size(consumer, topic) >= count:
                return time.monotonic() - began
            time.sleep(POLL)
    finally:
        consumer.close()
    servers = cluster["bootstrap.servers"]
    raise SandboxError(
        f"{topic} did not reach {servers} within {limit:.0f} s: see the mirror's log"
    )


def read_all(cluster: Mapping[str, str], topic: str) -> list[bytes]:
    """The values of all records in the first partition of a topic."""
    consumer = _reader(cluster)
    try:
        end = _size(consumer, topic)
        consumer.assign([TopicPartition(topic, 0, 0)])
        values: list[bytes] = []
        while len(values) < end:
            for message in consumer.consume(1000, timeout=5):
                value = message.value()
                if message.error() is None and isinstance(value, bytes):
                    values.append(value)
        return values
    finally:
        consumer.close()


def _size(consumer: Consumer, topic: str) -> int:
    if topic not in consumer.list_topics(timeout=5).topics:
        return 0
    offsets = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=5)
    return offsets[1] if offsets else 0


def _reader(cluster: Mapping[str, str]) -> Consumer:
    return Consumer({**cluster, "group.id": "demo", "enable.auto.commit": False})
