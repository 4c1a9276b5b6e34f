import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

pytestmark = pytest.mark.environment


async def test_each_cluster_keeps_its_own_records(clusters, unique_name):
    for bootstrap in (clusters.main, clusters.failover):
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(unique_name, 1, 1)])
        finally:
            await admin.close()

    async with AIOKafkaProducer(bootstrap_servers=clusters.main, acks="all") as producer:
        await producer.send_and_wait(unique_name, b"tom")

    partition = TopicPartition(unique_name, 0)
    ends = {}
    for bootstrap in (clusters.main, clusters.failover):
        async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
            ends[bootstrap] = (await consumer.end_offsets([partition]))[partition]
    assert ends == {clusters.main: 1, clusters.failover: 0}


async def test_a_test_gets_an_empty_database(empty_database):
    connection = await asyncpg.connect(empty_database)
    try:
        tables = await connection.fetch("SELECT * FROM pg_tables WHERE schemaname = 'public'")
        assert tables == []
    finally:
        await connection.close()
