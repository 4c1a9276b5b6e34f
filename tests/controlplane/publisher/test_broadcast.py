"""What the control topic says, of a topic that is deleted and made again."""

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from contract.clusters_file import ClusterProperties
from contract.codec import LAYOUT, encode
from contract.records import CONTROL_TOPIC, Beacon, Record
from controlplane.publisher.broadcast import open_broadcast
from controlplane.publisher.topics import create_if_missing, delete_and_wait

pytestmark = pytest.mark.environment


@pytest.fixture
def cluster(clusters) -> ClusterProperties:
    properties = {"bootstrap.servers": clusters.failover}
    return ClusterProperties(name="failover", role="failover", properties=properties)


async def rewrite(cluster: ClusterProperties, log: str, seq: int) -> None:
    """A control topic of one record."""
    await delete_and_wait(cluster, CONTROL_TOPIC)
    await create_if_missing(cluster, CONTROL_TOPIC, {})
    beacon = Beacon(seq=seq, digest="d", layout=LAYOUT)
    record = Record(log=log, seq=seq, key="beacon", state=beacon)
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap_servers) as producer:
        await producer.send_and_wait(CONTROL_TOPIC, encode(record), key=b"beacon")


async def test_a_topic_that_was_made_again_is_read_from_its_beginning(cluster):
    before, after = str(uuid4()), str(uuid4())
    await rewrite(cluster, before, 5)
    async with open_broadcast(cluster) as broadcast:
        told = await broadcast.look()
        assert told is not None
        assert (told.log, told.seq) == (before, 5)
        await rewrite(cluster, after, 3)
        told = await broadcast.look()
        assert told is not None
        assert (told.log, told.seq) == (after, 3)
        await delete_and_wait(cluster, CONTROL_TOPIC)
        assert await broadcast.look() is None
