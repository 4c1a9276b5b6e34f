"""The control topic on real Kafka: resumed, fenced, rebuilt, and equal to Postgres."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import ProducerFenced

from contract.clusters_file import ClusterProperties
from contract.codec import decode
from contract.fold import ControlState
from contract.records import CONTROL_TOPIC, Beacon, Record
from controlplane.publisher.producer import producer
from controlplane.publisher.topics import delete_and_wait
from tests.controlplane.conftest import eventually, in_process

pytestmark = pytest.mark.environment


@pytest.fixture
async def control_cluster(clusters) -> ClusterProperties:
    """The cluster of the control topic, without what other tests left on it."""
    properties = {"bootstrap.servers": clusters.failover}
    cluster = ClusterProperties(name="failover", role="failover", properties=properties)
    await delete_and_wait(cluster, CONTROL_TOPIC)
    return cluster


async def records(cluster: ClusterProperties) -> list[Record]:
    """Everything on the control topic, as a node reads it."""
    partition = TopicPartition(CONTROL_TOPIC, 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=cluster.bootstrap_servers, auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        read = []
        while await consumer.position(partition) < end:
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                read += [decode(message.value) for message in batch]
        return read


def fold(read: list[Record]) -> ControlState:
    state = ControlState()
    for record in read:
        state.apply(record)
    return state


async def published(plane) -> None:
    async def is_published() -> bool:
        topic = (await plane.client.get("/api/v1/control-topic")).json()
        return topic["publishedSeq"] == topic["seq"]

    await eventually(is_published)


async def create(plane, name: str) -> None:
    answer = await plane.client.post("/api/v1/virtual-clusters", json={"name": name})
    assert answer.status_code == 201
    await published(plane)


async def digest(plane) -> str:
    return (await plane.client.get("/api/v1/state")).json()["digest"]


async def test_the_topic_adds_up_to_the_same_as_the_log(variables, control_cluster, unique_name):
    async with in_process(variables) as plane:
        await create(plane, "teamA")
        await create(plane, unique_name)
        await plane.client.delete(f"/api/v1/virtual-clusters/{unique_name}")
        await published(plane)
        state = fold(await records(control_cluster))
        assert state.digest() == await digest(plane)
        assert state.get(f"vcluster/{unique_name}") is None
        beacon = state.get("beacon")
        assert isinstance(beacon, Beacon)
        assert beacon.digest == await digest(plane)


async def test_the_topic_is_compacted_with_one_partition(variables, control_cluster):
    async with in_process(variables) as plane:
        await published(plane)
        admin = AIOKafkaAdminClient(bootstrap_servers=control_cluster.bootstrap_servers)
        await admin.start()
        (described,) = await admin.describe_topics([CONTROL_TOPIC])
        await admin.close()
        assert len(described["partitions"]) == 1


async def test_the_next_leader_goes_on_where_the_last_one_stopped(variables, control_cluster):
    async with in_process(variables) as plane:
        await create(plane, "teamA")
    before = await records(control_cluster)
    async with in_process(variables) as plane:
        await create(plane, "teamB")
        new = (await records(control_cluster))[len(before) :]
        # The routing again, in case a stale leader wrote an older one, and then what is new.
        assert [r.key for r in new if r.key != "beacon"] == ["routing/main", "vcluster/teamB"]
        assert new[-1].key == "beacon"
        assert fold(await records(control_cluster)).digest() == await digest(plane)


async def test_a_stale_publisher_cannot_write(variables, control_cluster):
    async with in_process(variables) as plane:
        await published(plane)
        log = (await plane.client.get("/api/v1/control-topic")).json()["log"]
        async with producer(control_cluster, f"interlock-{log}") as stale:
            await stale.begin_transaction()
            await stale.send_and_wait(CONTROL_TOPIC, b"{}", key=b"x", partition=0)
            await stale.abort_transaction()
            # The control plane has lost its transactional id, stands again, and takes it back.
            await create(plane, "teamA")
            with pytest.raises(ProducerFenced):
                await _write(stale)


async def _write(stale) -> None:
    await stale.begin_transaction()
    await (await stale.send(CONTROL_TOPIC, b"{}", key=b"x", partition=0))
    await stale.commit_transaction()


async def test_a_deleted_topic_is_rebuilt_by_one_call(variables, control_cluster):
    async with in_process(variables) as plane:
        for name in ("teamA", "teamB"):
            await create(plane, name)
        before = await digest(plane)
        await delete_and_wait(control_cluster, CONTROL_TOPIC)
        answer = await plane.client.post("/api/v1/control-topic/rebuild")
        assert answer.status_code == 200
        assert answer.json()["digest"] == before
        state = fold(await records(control_cluster))
        assert state.digest() == before


async def test_either_control_plane_takes_the_call_for_a_rebuild(variables, control_cluster):
    async with in_process(variables) as first, in_process(variables) as second:
        await create(first, "teamA")
        answers = await asyncio.gather(
            *(plane.client.post("/api/v1/control-topic/rebuild") for plane in (first, second))
        )
        assert [answer.status_code for answer in answers] == [200, 200]
        assert fold(await records(control_cluster)).digest() == await digest(second)
