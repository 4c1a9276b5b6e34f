"""What a client asks of a gateway, and what it finds through it."""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,  # pyright: ignore[reportPrivateImportUsage] - the library lists no exports
    ConfigEntry,  # pyright: ignore[reportPrivateImportUsage] - the same
    ConfigResource,  # pyright: ignore[reportPrivateImportUsage] - the same
    ConfigSource,  # pyright: ignore[reportPrivateImportUsage] - the same
    ResourceType,  # pyright: ignore[reportPrivateImportUsage] - the same
)

PATIENCE_S = 60.0


def text(value: str | bytes | None) -> str:
    """A key or a value, as it was written."""
    return value.decode() if isinstance(value, bytes) else str(value)


def done(asked: dict[Any, Future[Any]]) -> None:
    """Wait for all. Raises KafkaException."""
    for answer in asked.values():
        answer.result(PATIENCE_S)


def set_config(admin: AdminClient, topic: str, config: str, value: str | None) -> None:
    """Give a topic a config of its own, or take it back. Raises KafkaException."""
    how = AlterConfigOpType.SET if value is not None else AlterConfigOpType.DELETE
    entry = ConfigEntry(config, value or "", incremental_operation=how)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    done(admin.incremental_alter_configs([resource]))


def configs_of(admin: AdminClient, topic: str) -> dict[str, str]:
    """What a topic has of its own. Raises KafkaException."""
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)])
    (answer,) = asked.values()
    entries = answer.result(PATIENCE_S).values()
    own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    return {entry.name: str(entry.value) for entry in entries if entry.source == own}


def topics_and_groups(admin: AdminClient) -> tuple[set[str], set[str]]:
    """The names of all that there are. Raises KafkaException."""
    topics = set(admin.list_topics(timeout=PATIENCE_S).topics)
    groups = admin.list_consumer_groups(request_timeout=PATIENCE_S).result()
    if groups.errors:
        raise groups.errors[0]
    return topics, {group.group_id for group in groups.valid or ()}


def read_all(client: dict[str, Any], topic: str) -> Iterator[Message]:
    """Every record of a topic from its beginning to its end.

    Raises:
        RuntimeError: it cannot be read.
    """
    settings = {
        "group.id": "churn-reader",
        "auto.offset.reset": "error",
        "enable.auto.commit": False,
    }
    consumer = Consumer({**client, **settings, "enable.partition.eof": True})
    with closing(consumer):
        partitions = consumer.list_topics(topic, timeout=PATIENCE_S).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        unread = set(partitions)
        give_up_at = time.monotonic() + PATIENCE_S
        while unread:
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"{topic} cannot be read to its end")
            for message in consumer.consume(1000, timeout=1):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library has no other name for it
                    unread.discard(message.partition())
                else:
                    raise RuntimeError(f"{topic}: {error}")
