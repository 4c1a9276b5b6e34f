"""Real clusters, and what tests have them hold."""

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contract.clusters_file import ClusterProperties
from tests.controlplane.conftest import eventually


def cluster(name: str, bootstrap: str) -> ClusterProperties:
    properties = {"bootstrap.servers": bootstrap}
    return ClusterProperties(name=name, role="upstream", properties=properties)


KEPT = {"retention.ms": "-1"}
"""What tests write is of 1970: without this a broker deletes it when it looks for old records."""


async def create(bootstrap: str, topic: str, partitions: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=KEPT)])
    await admin.close()


async def create_and_wait(bootstrap: str, *topics: str, partitions: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics])

        async def told() -> bool:
            """A broker tells of a topic a moment after its controller has made it."""
            return set(topics) <= set(await admin.list_topics())

        await eventually(told)
    finally:
        await admin.close()


async def commit(bootstrap: str, topic: str, group: str, offset: int) -> None:
    # Committing by itself at its end, it would race with what the test commits.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    )
    consumer.assign([TopicPartition(topic, 0)])
    await consumer.start()
    await consumer.commit({TopicPartition(topic, 0): offset})
    await consumer.stop()


async def delete(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([topic])
    await admin.close()


async def write(bootstrap: str, topic: str, *values: bytes, partition: int = 0, **options) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, **options) as producer:
        if "transactional_id" in options:
            async with producer.transaction():
                for value in values:
                    await producer.send(topic, value, partition=partition, timestamp_ms=1000)
            return
        for value in values:
            await producer.send(topic, value, partition=partition, timestamp_ms=1000)
