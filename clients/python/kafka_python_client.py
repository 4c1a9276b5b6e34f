"""The exercise with kafka-python."""

from typing import Any

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
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

CLIENT: dict[str, Any] = {"bootstrap_servers": BOOTSTRAP}
if USERNAME:
    CLIENT |= {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": USERNAME,
        "sasl_plain_password": PASSWORD,
    }
QUIET_POLLS = 3


def main() -> None:
    admin = KafkaAdminClient(**CLIENT)
    with step("create_topic"):
        admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    produce_all()
    with_group(admin)
    look_around(admin)
    with step("delete_group"):
        admin.delete_groups([GROUP])
    with step("delete_topic"):
        admin.delete_topics([TOPIC])
    admin.close()


def produce_all() -> None:
    for name, acks in (("1", 1), ("all", "all"), ("0", 0)):
        produce(f"produce_acks_{name}", {"acks": acks, "enable_idempotence": False})
    produce("produce_idempotent", {"enable_idempotence": True})
    with step("produce_transactional"):
        produce_transactions()
    for codec in COMPRESSIONS:
        compression = None if codec == "none" else codec
        produce(f"produce_{codec}", {"compression_type": compression})


def produce(name: str, settings: dict[str, Any]) -> None:
    with step(name):
        producer = KafkaProducer(**CLIENT, **settings)
        try:
            send(producer, values(name))
        finally:
            producer.close(PATIENCE)
        expected.extend(values(name))


def send(producer: KafkaProducer, records: list[str]) -> None:
    sent = [
        producer.send(TOPIC, value.encode(), str(number).encode())
        for number, value in enumerate(records)
    ]
    producer.flush(PATIENCE)
    for one in sent:
        one.get(PATIENCE)


def produce_transactions() -> None:
    producer = KafkaProducer(**CLIENT, transactional_id=TRANSACTIONAL_ID)
    try:
        producer.init_transactions()
        producer.begin_transaction()
        send(producer, values("aborted"))
        producer.abort_transaction()
        producer.begin_transaction()
        send(producer, values("committed"))
        producer.commit_transaction()
    finally:
        producer.close(PATIENCE)
    expected.extend(values("committed"))


def member() -> KafkaConsumer:
    return KafkaConsumer(
        TOPIC,
        **CLIENT,
        group_id=GROUP,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        session_timeout_ms=10_000,
        heartbeat_interval_ms=500,
    )


def read(consumer: KafkaConsumer) -> list[str]:
    """Read until all is there, and then nothing for a while."""
    found: list[str] = []
    quiet, deadline = 0, Deadline()
    while (len(found) < len(expected) or quiet < QUIET_POLLS) and not deadline.is_over:
        batches = consumer.poll(timeout_ms=300)
        quiet += not batches and len(found) >= len(expected)
        found.extend(r.value.decode() for records in batches.values() for r in records)
    return found


def with_group(admin: KafkaAdminClient) -> None:
    first = member()
    with step("consume") as said:
        said(compare(read(first)))
    with step("commit") as said:
        first.commit()
        offsets = [first.committed(p) for p in first.assignment()]
        check(sum(offsets) >= len(expected), f"committed offsets are {offsets}")
        said(f"offsets {offsets}")
    second = member()
    with step("rebalance_join") as said:
        said(until_assigned([first, second], PARTITIONS // 2))
    with step("describe_group"):
        described = admin.describe_groups([GROUP])[GROUP]
        members = described["members"]
        check(len(members) == 2, str(described))
    with step("rebalance_leave") as said:
        second.close(autocommit=False)
        said(until_assigned([first], PARTITIONS))
    with step("seek"):
        first.seek_to_beginning(TopicPartition(TOPIC, 0))
        found, deadline = [], Deadline()
        while not found and not deadline.is_over:
            found = [r for records in first.poll(timeout_ms=300).values() for r in records]
        check(found and found[0].offset < 3, f"read {found[:1]}")
    first.close(autocommit=False)


def until_assigned(members: list[KafkaConsumer], count: int) -> str:
    deadline = Deadline()
    while any(len(m.assignment()) != count for m in members):
        check(not deadline.is_over, f"assigned {[len(m.assignment()) for m in members]}")
        for consumer in members:
            consumer.poll(timeout_ms=100)
    return f"{count} partitions each"


def look_around(admin: KafkaAdminClient) -> None:
    with step("list_topics") as said:
        topics = admin.list_topics()
        check(TOPIC in topics, f"only {topics}")
        said(f"{len(topics)} topics")
    with step("describe_topic"):
        (described,) = admin.describe_topics([TOPIC])
        check(len(described["partitions"]) == PARTITIONS, str(described))
    with step("list_groups"):
        groups = str(admin.list_groups())
        check(GROUP in groups, f"only {groups}")
    with step("list_group_offsets"):
        offsets = admin.list_group_offsets([GROUP])
        check(TOPIC in str(offsets), f"offsets {offsets}")


if __name__ == "__main__":
    main()
