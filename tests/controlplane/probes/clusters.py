"""Real clusters, and what tests have them hold."""

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contract.clusters_file import ClusterProperties


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


async def delete(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([topic])
    await admin.close()


async def write(bootstrap: str, topic: str, *values: bytes, **options) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, **options) as producer:
        if "transactional_id" in options:
            async with producer.transaction():
                for value in values:
                    await producer.send(topic, value, partition=0, timestamp_ms=1000)
            return
        for value in values:
            await producer.send(topic, value, partition=0, timestamp_ms=1000)
