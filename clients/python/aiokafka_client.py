"""The exercise with aiokafka."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.protocol.api import Response
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
    skip,
    step,
    values,
)

CLIENT: dict[str, Any] = {"bootstrap_servers": BOOTSTRAP}
if USERNAME:
    CLIENT |= {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": USERNAME,
        "sasl_plain_password": PASSWORD,
    }
QUIET_POLLS = 3


async def main() -> None:
    admin = AIOKafkaAdminClient(**CLIENT)
    await admin.start()
    try:
        with step("create_topic"):
            accepted(await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)]))
        await produce_all()
        await with_group(admin)
        await look_around(admin)
        skip("delete_group", "aiokafka's admin client has no such call")
        with step("delete_topic"):
            accepted(await admin.delete_topics([TOPIC]))
    finally:
        await admin.close()


def accepted(response: Response) -> None:
    """Complain about error codes, which aiokafka leaves to its callers."""
    text = str(response)
    check("error_code=0" in text, text)


async def produce_all() -> None:
    for name, acks in (("1", 1), ("all", "all"), ("0", 0)):
        await produce(f"produce_acks_{name}", {"acks": acks})
    await produce("produce_idempotent", {"enable_idempotence": True})
    with step("produce_transactional"):
        await produce_transactions()
    for codec in COMPRESSIONS:
        compression = None if codec == "none" else codec
        await produce(f"produce_{codec}", {"compression_type": compression})


async def produce(name: str, settings: dict[str, Any]) -> None:
    with step(name):
        producer = AIOKafkaProducer(**CLIENT, **settings)
        await producer.start()
        try:
            await send(producer, values(name))
        finally:
            await producer.stop()
        expected.extend(values(name))


async def send(producer: AIOKafkaProducer, records: list[str]) -> None:
    async with asyncio.timeout(PATIENCE):
        sent = [
            await producer.send(TOPIC, value.encode(), str(number).encode())
            for number, value in enumerate(records)
        ]
        await asyncio.gather(*sent)


async def produce_transactions() -> None:
    producer = AIOKafkaProducer(**CLIENT, transactional_id=TRANSACTIONAL_ID)
    await producer.start()
    try:
        await producer.begin_transaction()
        await send(producer, values("aborted"))
        await producer.abort_transaction()
        async with producer.transaction():
            await send(producer, values("committed"))
    finally:
        await producer.stop()
    expected.extend(values("committed"))


async def member() -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        TOPIC,
        **CLIENT,
        group_id=GROUP,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        session_timeout_ms=10_000,
        heartbeat_interval_ms=500,
    )
    async with asyncio.timeout(PATIENCE):
        await consumer.start()
    return consumer


async def read(consumer: AIOKafkaConsumer) -> list[str]:
    """Read until all is there, and then nothing for a while."""
    found: list[str] = []
    quiet, deadline = 0, Deadline()
    while (len(found) < len(expected) or quiet < QUIET_POLLS) and not deadline.is_over:
        batches = await consumer.getmany(timeout_ms=300)
        quiet += not batches and len(found) >= len(expected)
        found.extend(r.value.decode() for records in batches.values() for r in records)
    return found


async def with_group(admin: AIOKafkaAdminClient) -> None:
    first = await member()
    with step("consume") as said:
        said(compare(await read(first)))
    with step("commit") as said:
        await first.commit()
        offsets = [await first.committed(p) for p in first.assignment()]
        check(sum(offsets) >= len(expected), f"committed offsets are {offsets}")
        said(f"offsets {offsets}")
    second = await member()
    with step("rebalance_join") as said:
        said(await until_assigned([first, second], PARTITIONS // 2))
    with step("describe_group"):
        (response,) = await admin.describe_consumer_groups([GROUP])
        members = response.groups[0][5]
        check(len(members) == 2, f"{len(members)} members: {response}")
    with step("rebalance_leave") as said:
        await second.stop()
        said(await until_assigned([first], PARTITIONS))
    with step("seek"):
        await first.seek_to_beginning()
        async with asyncio.timeout(PATIENCE):
            record = await first.getone(TopicPartition(TOPIC, 0))
        check(record.offset < 3, f"read offset {record.offset}")
    await first.stop()


async def until_assigned(members: list[AIOKafkaConsumer], count: int) -> str:
    deadline = Deadline()
    while any(len(m.assignment()) != count for m in members):
        check(not deadline.is_over, f"assigned {[len(m.assignment()) for m in members]}")
        for consumer in members:
            await consumer.getmany(timeout_ms=100)
    return f"{count} partitions each"


async def look_around(admin: AIOKafkaAdminClient) -> None:
    with step("list_topics") as said:
        topics = await admin.list_topics()
        check(TOPIC in topics, f"only {topics}")
        said(f"{len(topics)} topics")
    with step("describe_topic"):
        (described,) = await admin.describe_topics([TOPIC])
        check(len(described["partitions"]) == PARTITIONS, str(described))
    with step("list_groups"):
        groups = [name for name, *_ in await admin.list_consumer_groups()]
        check(GROUP in groups, f"only {groups}")
    with step("list_group_offsets"):
        offsets = await admin.list_consumer_group_offsets(GROUP)
        check({p.topic for p in offsets} == {TOPIC}, f"offsets of {list(offsets)}")


if __name__ == "__main__":
    asyncio.run(main())
