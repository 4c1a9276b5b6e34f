"""The exercise with librdkafka, through confluent-kafka-python."""

import sys
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic
from exercise import (
    BOOTSTRAP,
    COMPRESSIONS,
    GROUP,
    PARTITIONS,
    PASSWORD,
    PATIENCE,
    TOPIC,
    TRANSACTIONAL_ID,
    USERNAME,
    Deadline,
    check,
    compare,
    expected,
    step,
    values,
)

CLIENT: dict[str, Any] = {"bootstrap.servers": BOOTSTRAP}
if USERNAME:
    CLIENT |= {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": USERNAME,
        "sasl.password": PASSWORD,
    }
NEW_GROUPS = "consumer" in sys.argv[1:]
"""Whether the group is one of KIP-848."""
QUIET_POLLS = 3
"""Empty polls after which nothing more is expected."""


def main() -> None:
    admin = AdminClient(CLIENT)
    create(admin)
    produce_all()
    with_group(admin)
    look_around(admin)
    delete(admin)


def create(admin: AdminClient) -> None:
    with step("create_topic"):
        topic = NewTopic(TOPIC, PARTITIONS, 1)
        admin.create_topics([topic])[TOPIC].result(PATIENCE)


def produce_all() -> None:
    for acks in ("1", "all", "0"):
        produce(f"produce_acks_{acks}", {"acks": acks})
    produce("produce_idempotent", {"enable.idempotence": True})
    with step("produce_transactional"):
        produce_transactions()
    for codec in COMPRESSIONS:
        produce(f"produce_{codec}", {"compression.type": codec})


def produce(name: str, settings: dict[str, Any]) -> None:
    with step(name):
        producer = Producer({**CLIENT, **settings})
        send(producer, values(name))
        expected.extend(values(name))


def send(producer: Producer, records: list[str]) -> None:
    errors: list[Any] = []
    for number, value in enumerate(records):
        producer.produce(
            TOPIC,
            value,
            str(number),
            on_delivery=lambda error, _: errors.append(error) if error else None,
        )
    check(producer.flush(PATIENCE) == 0, "not all records were delivered in time")
    check(not errors, f"not delivered: {errors}")


def produce_transactions() -> None:
    producer = Producer({**CLIENT, "transactional.id": TRANSACTIONAL_ID})
    producer.init_transactions(PATIENCE)
    for name, end in (("aborted", Producer.abort_transaction), ("committed", None)):
        producer.begin_transaction()
        send(producer, values(name))
        if end is not None:
            end(producer, PATIENCE)
        else:
            producer.commit_transaction(PATIENCE)
    expected.extend(values("committed"))


def member() -> Consumer:
    consumer = Consumer(
        {
            **CLIENT,
            "group.id": GROUP,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            **({"group.protocol": "consumer"} if NEW_GROUPS else {"session.timeout.ms": 10_000}),
        }
    )
    consumer.subscribe([TOPIC])
    return consumer


def read(consumer: Consumer, count: int) -> list[str]:
    """Read until there are as many records, and then nothing for a while."""
    found: list[str] = []
    quiet, deadline = 0, Deadline()
    while (len(found) < count or quiet < QUIET_POLLS) and not deadline.is_over:
        message = consumer.poll(0.3)
        if message is None:
            quiet += len(found) >= count
            continue
        check(not message.error(), str(message.error()))
        found.append(message.value().decode())
    return found


def with_group(admin: AdminClient) -> None:
    first = member()
    with step("consume") as said:
        said(compare(read(first, len(expected))))
    with step("commit") as said:
        first.commit(asynchronous=False)
        offsets = [p.offset for p in first.committed(first.assignment(), PATIENCE)]
        check(sum(offsets) >= len(expected), f"committed offsets are {offsets}")
        said(f"offsets {offsets}")
    second = member()
    with step("rebalance_join") as said:
        said(until_assigned([first, second], PARTITIONS // 2))
    with step("describe_group"):
        described = admin.describe_consumer_groups([GROUP])[GROUP].result(PATIENCE)
        check(len(described.members) == 2, f"{len(described.members)} members")
        topics = {p.topic for m in described.members for p in m.assignment.topic_partitions}
        check(topics == {TOPIC}, f"assigned topics are {topics}")
    with step("rebalance_leave") as said:
        second.close()
        said(until_assigned([first], PARTITIONS))
    with step("seek"):
        seek_to_beginning(first, TopicPartition(TOPIC, 0, 0))
        message = first.poll(PATIENCE)
        check(message is not None and not message.error(), "nothing to read")
        found = (message.partition(), message.offset())
        check(found[0] == 0 and found[1] < 3, f"read {found}")
    first.close()


def seek_to_beginning(consumer: Consumer, partition: TopicPartition) -> None:
    """Seek: librdkafka refuses until it has asked for the committed offset of a new assignment."""
    deadline = Deadline()
    while True:
        try:
            consumer.seek(partition)
        except KafkaException:
            check(not deadline.is_over, "the assignment does not become active")
            consumer.poll(0.1)
        else:
            return


def until_assigned(members: list[Consumer], count: int) -> str:
    """Poll until every member has that many partitions."""
    deadline = Deadline()
    while any(len(m.assignment()) != count for m in members):
        check(not deadline.is_over, f"assigned {[len(m.assignment()) for m in members]}")
        for consumer in members:
            consumer.poll(0.1)
    return f"{count} partitions each"


def look_around(admin: AdminClient) -> None:
    with step("list_topics") as said:
        topics = admin.list_topics(timeout=PATIENCE).topics
        check(TOPIC in topics, f"only {sorted(topics)}")
        said(f"{len(topics)} topics")
    with step("describe_topic"):
        described = admin.list_topics(TOPIC, timeout=PATIENCE).topics[TOPIC]
        check(len(described.partitions) == PARTITIONS, f"{len(described.partitions)} partitions")
    with step("list_groups"):
        listed = admin.list_consumer_groups().result(PATIENCE)
        groups = [group.group_id for group in listed.valid]
        check(GROUP in groups, f"only {groups}")
    with step("list_group_offsets"):
        asked = [ConsumerGroupTopicPartitions(GROUP)]
        offsets = admin.list_consumer_group_offsets(asked)[GROUP].result(PATIENCE)
        found = {p.topic for p in offsets.topic_partitions}
        check(found == {TOPIC}, f"offsets of {found}")


def delete(admin: AdminClient) -> None:
    with step("delete_group"):
        admin.delete_consumer_groups([GROUP])[GROUP].result(PATIENCE)
    with step("delete_topic"):
        admin.delete_topics([TOPIC])[TOPIC].result(PATIENCE)


if __name__ == "__main__":
    main()
