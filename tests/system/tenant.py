"""A tenant that does with topics and groups whatever tenants do, and knows what must come of it."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
    ResourceType,
)

from sandbox.process import wait_until

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
POLICIES = ("delete", "delete", "compact")
CONFIGS = {
    "retention.ms": ("-1", "999999999999"),
    "max.message.bytes": ("600000", "2000000"),
    "segment.ms": ("86400000", "99999999"),
    "message.timestamp.type": ("CreateTime", "LogAppendTime"),
    "unclean.leader.election.enable": ("true", "false"),
}
NOT_YET = {KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE}
PATIENCE = 60
BEGINNING_OF_TIME = int(time.time() * 1000) - 3_600_000  # noqa: TID251 - records of an hour ago


@dataclass
class Topic:
    """A topic of one partition, and what a reader of all of it ends up with."""

    name: str
    configs: dict[str, str]
    records: list[tuple[int, str | None, bytes | None]] = field(default_factory=list)
    """Number, key and value."""

    written: int = 0
    """How many records it was ever given."""
    keeps_times: bool = True
    """Whether all its records have the times that the tenant gave them."""

    @property
    def is_compacted(self) -> bool:
        return self.configs["cleanup.policy"] == "compact"

    @property
    def table(self) -> dict[str | None, bytes | None]:
        """The last value of each key that has one."""
        last = {key: value for _, key, value in self.records}
        return {key: value for key, value in last.items() if value is not None}


class Tenant:
    """Acts through a gateway; each act is acknowledged before the next one begins."""

    def __init__(self, client: dict[str, Any], seed: int) -> None:
        """Own nothing yet."""
        client = {**client, "log_level": 0}
        self._client = client
        self._chance = random.Random(seed)
        self._admin = AdminClient(client)
        self._producers = {
            codec: Producer({**client, "compression.type": codec, "linger.ms": 0})
            for codec in CODECS
        }
        self._count = 0
        self.topics: dict[str, Topic] = {}
        self.groups: dict[str, dict[str, int]] = {}
        """Group to topic to how many of the records that it was given the group has passed."""

    def act(self, times: int) -> None:
        """Do something, so many times."""
        acts: list[tuple[Callable[[], None], int]] = [
            (self._create, 2),
            (self._write, 8),
            (self._delete, 1),
            (self._make_anew, 2),
            (self._delete_records, 2),
            (self._configure, 3),
            (self._commit, 3),
            (self._delete_group, 1),
        ]
        for _ in range(times):
            act = self._chance.choices([a for a, _ in acts], [w for _, w in acts])[0]
            if self.topics or act == self._create:
                act()

    def _any(self, *, deletable: bool = False) -> Topic | None:
        topics = [t for t in self.topics.values() if not (deletable and t.is_compacted)]
        return self._chance.choice(topics) if topics else None

    def _create(self) -> None:
        if len(self.topics) < 6:
            self._count += 1
            self._make(f"topic{self._count}")

    def _make(self, name: str) -> None:
        configs = {"cleanup.policy": self._chance.choice(POLICIES)}
        for config, values in CONFIGS.items():
            if self._chance.random() < 1 / 3:
                configs[config] = self._chance.choice(values)
        self._done(self._admin.create_topics([NewTopic(name, 1, 1, config=configs)]))
        self.topics[name] = Topic(name, configs)

    def _write(self, topic: Topic | None = None) -> None:
        topic = topic or self._any()
        assert topic is not None
        producer = self._producers[self._chance.choice(CODECS)]
        for _ in range(self._chance.randint(1, 8)):
            self._count += 1
            key = f"key{self._chance.randint(1, 9)}" if topic.is_compacted else None
            deletes = topic.is_compacted and self._chance.random() < 1 / 4
            value = None if deletes else b"%d" % self._count
            told: list[Any] = []
            producer.produce(
                topic.name,
                value,
                key,
                partition=0,
                timestamp=BEGINNING_OF_TIME + self._count,
                on_delivery=lambda error, message, told=told: told.append((error, message)),
            )
            assert producer.flush(PATIENCE) == 0
            ((error, message),) = told
            assert error is None, error
            topic.records.append((message.offset(), key, value))
            topic.written += 1
            if topic.configs.get("message.timestamp.type") == "LogAppendTime":
                topic.keeps_times = False

    def _delete(self) -> None:
        topic = self._any()
        assert topic is not None
        self._done(self._admin.delete_topics([topic.name]))
        del self.topics[topic.name]
        for read in self.groups.values():
            read.pop(topic.name, None)
        self.groups = {group: read for group, read in self.groups.items() if read}

    def _make_anew(self) -> None:
        before = self._any()
        assert before is not None
        self._done(self._admin.delete_topics([before.name]))
        for read in self.groups.values():
            read.pop(before.name, None)
        self.groups = {group: read for group, read in self.groups.items() if read}
        self._make(before.name)
        if self._chance.random() < 2 / 3:
            self._write(self.topics[before.name])

    def _delete_records(self) -> None:
        topic = self._any(deletable=True)
        if topic is None or not topic.records:
            return
        keep = self._chance.randint(0, len(topic.records) - 1)
        everything = keep == 0
        before = topic.records[-1][0] + 1 if everything else topic.records[-keep][0]
        where = TopicPartition(topic.name, 0, before)
        self._done(self._admin.delete_records([where]))
        topic.records = [] if everything else topic.records[-keep:]

    def _configure(self) -> None:
        topic = self._any()
        assert topic is not None
        config = self._chance.choice(tuple(CONFIGS))
        value = self._chance.choice((*CONFIGS[config], None))
        operation = AlterConfigOpType.SET if value is not None else AlterConfigOpType.DELETE
        entry = ConfigEntry(config, value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=[entry])
        self._done(self._admin.incremental_alter_configs([resource]))
        topic.configs.pop(config, None)
        if value is not None:
            topic.configs[config] = value

    def _commit(self) -> None:
        topic = self._any(deletable=True)
        if topic is None:
            return
        read = self._chance.randint(0, len(topic.records))
        if read == len(topic.records):
            # The end itself, which a topic without records has as well.
            _, offset = self._watermarks(topic.name)
        else:
            offset = topic.records[read][0]
        group = f"group{self._chance.randint(1, 4)}"
        consumer = Consumer({**self._client, "group.id": group})
        place = TopicPartition(topic.name, 0, offset)
        try:
            wait_until(lambda: _is_committed(consumer, place), f"{group} commits", PATIENCE)
        finally:
            consumer.close()
        passed = topic.written - len(topic.records[read:])
        self.groups.setdefault(group, {})[topic.name] = passed

    def _delete_group(self) -> None:
        if not self.groups:
            return
        group = self._chance.choice(sorted(self.groups))
        self._done(self._admin.delete_consumer_groups([group]))
        del self.groups[group]

    def _watermarks(self, topic: str) -> tuple[int, int]:
        consumer = Consumer({**self._client, "group.id": "watermarks"})
        try:
            return consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=PATIENCE)
        finally:
            consumer.close()

    @staticmethod
    def _done(futures: dict[Any, Any]) -> None:
        for future in futures.values():
            future.result(PATIENCE)


def _is_committed(consumer: Consumer, place: TopicPartition) -> bool:
    """Try once; a cluster makes its coordinators when it is asked for the first one."""
    try:
        consumer.commit(offsets=[place], asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() not in NOT_YET:
            raise
        return False
    return True


def found(tenant: Tenant, client: dict[str, Any]) -> dict[str, Any]:
    """What a client finds, as `expected` says it."""
    admin = AdminClient({**client, "log_level": 0})
    topics = sorted(n for n in admin.list_topics(timeout=PATIENCE).topics if n[:2] != "__")
    configs = dict(_own_configs(admin, topics))
    groups = {g.group_id for g in admin.list_consumer_groups().result(PATIENCE).valid}
    return {
        "topics": topics,
        "configs": configs,
        "records": {
            name: _table(records) if configs[name]["cleanup.policy"] == "compact" else records
            for name, records in (
                (name, [(k, v) for k, v, _ in _records(client, name)]) for name in topics
            )
        },
        "times": {
            name: all(at == BEGINNING_OF_TIME + int(v) for _, v, at in _records(client, name) if v)
            for name in topics
            if tenant.topics[name].keeps_times
        },
        "groups": {g: left for g in sorted(groups) if (left := dict(_left(client, g)))},
    }


def expected(tenant: Tenant) -> dict[str, Any]:
    """What the tenant has left."""
    topics = tenant.topics.values()
    return {
        "topics": sorted(tenant.topics),
        "configs": {topic.name: topic.configs for topic in topics},
        "records": {
            t.name: t.table if t.is_compacted else [(k, v) for _, k, v in t.records] for t in topics
        },
        "times": {topic.name: True for topic in topics if topic.keeps_times},
        "groups": {
            group: {
                name: min(len(topic.records), topic.written - passed)
                for name, passed in read.items()
                for topic in (tenant.topics[name],)
            }
            for group, read in tenant.groups.items()
        },
    }


def _table(records: list[tuple[str | None, bytes | None]]) -> dict[str | None, bytes | None]:
    return {key: value for key, value in dict(records).items() if value is not None}


def _own_configs(admin: AdminClient, topics: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
    described = admin.describe_configs(resources) if resources else {}
    for resource, future in described.items():
        own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        entries = future.result(PATIENCE).values()
        yield resource.name, {e.name: e.value for e in entries if e.source == own}


def _records(
    client: dict[str, Any], topic: str, begin: int | None = None
) -> list[tuple[str | None, bytes | None, int]]:
    """Key, value and timestamp of each record from an offset on."""
    consumer = Consumer({**client, "group.id": "reader", "enable.auto.commit": False})
    try:
        first, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=PATIENCE)
        position = first if begin is None else begin
        consumer.assign([TopicPartition(topic, 0, position)])
        found = []
        while position < end:
            message = consumer.poll(PATIENCE)
            assert message is not None, f"{topic} cannot be read from {position} to {end}"
            assert message.error() is None, message.error()
            key = message.key()
            found.append((key.decode() if key else None, message.value(), message.timestamp()[1]))
            position = message.offset() + 1
            (place,) = consumer.position([TopicPartition(topic, 0)])
            position = max(position, place.offset)
        return found
    finally:
        consumer.close()


def _left(client: dict[str, Any], group: str) -> Iterator[tuple[str, int]]:
    """By topic, how many records a group has still to read."""
    consumer = Consumer({**client, "group.id": group})
    try:
        topics = [t for t in consumer.list_topics(timeout=PATIENCE).topics if t[:2] != "__"]
        committed = consumer.committed([TopicPartition(t, 0) for t in topics], timeout=PATIENCE)
    finally:
        consumer.close()
    for place in committed:
        if place.offset >= 0:
            yield place.topic, len(_records(client, place.topic, place.offset))
