"""What a cluster says of its logs, and what is said of it when it does not."""

import asyncio

import pytest
from aiokafka import TopicPartition

from controlplane.probes.cluster_logs import EARLIEST, LATEST, ClusterLogs, cluster_logs
from controlplane.probes.describe import UnreachableError
from controlplane.probes.failing import OutOfTimeError, RefusedError
from tests.controlplane.probes.clusters import cluster, create_and_wait, write

pytestmark = pytest.mark.environment


async def test_many_partitions_are_told_in_one_answer(clusters, unique_name, monkeypatch):
    await create_and_wait(clusters.main, unique_name, partitions=50)
    await write(clusters.main, unique_name, b"tom", b"laura", partition=7)
    asked = []
    asking = ClusterLogs.ask

    async def counted(logs, requests):
        asked.extend(requests)
        return await asking(logs, requests)

    monkeypatch.setattr(ClusterLogs, "ask", counted)
    async with cluster_logs(cluster("main", clusters.main)) as logs:
        partitions = [p for p in await logs.partitions(5) if p.topic == unique_name]
        assert partitions == [TopicPartition(unique_name, n) for n in range(50)]
        ends = await logs.offsets(partitions, LATEST, 5)
        asked.clear()  # new partitions have no leader for a moment
        assert await logs.offsets(partitions, LATEST, 5) == ends
        assert asked == [1], "one request to the only broker"
        assert ends == {p: 2 if p.partition == 7 else 0 for p in partitions}
        assert set((await logs.offsets(partitions, EARLIEST, 5)).values()) == {0}
        at = dict.fromkeys(partitions[7:9], 1000)
        assert await logs.offsets(list(at), at, 5) == dict(zip(at, [0, -1], strict=True))


async def test_a_topic_that_is_made_later_is_found(clusters, unique_name):
    async with cluster_logs(cluster("main", clusters.main)) as logs:
        await logs.partitions(5)
        await create_and_wait(clusters.main, unique_name)
        partition = TopicPartition(unique_name, 0)
        assert await logs.offsets([partition], LATEST, 5) == {partition: 0}


async def test_a_partition_that_is_not_there_is_not_taken_for_silence(clusters, unique_name):
    async with cluster_logs(cluster("main", clusters.main)) as logs:
        await create_and_wait(clusters.main, unique_name)
        missing = TopicPartition(unique_name, 5)
        with pytest.raises(OutOfTimeError, match="cluster main did not tell the offsets of 1 part"):
            await logs.offsets([missing], LATEST, 0.2)
        leaders = dict(await logs.leaders(again=True)) | {missing: 1}

        async def also_led(*, again):
            return leaders

        logs.leaders = also_led
        told = f"cluster main does not tell the offsets of 1 partitions: {unique_name}-5 unknown"
        with pytest.raises(RefusedError, match=told):
            await logs.offsets([missing], LATEST, 0.2)


async def test_a_budget_of_ours_is_told_as_ours(clusters, unique_name, monkeypatch):
    async with cluster_logs(cluster("main", clusters.main)) as logs:
        await create_and_wait(clusters.main, unique_name)
        await logs.partitions(5)

        async def never(_logs, _requests):
            await asyncio.Event().wait()

        monkeypatch.setattr(ClusterLogs, "ask", never)
        with pytest.raises(OutOfTimeError, match=r"within our budget of 0\.1 s"):
            await logs.offsets([TopicPartition(unique_name, 0)], LATEST, 0.1)


async def test_a_cluster_that_does_not_answer_is_named(shared_ports):
    nobody = cluster("main", f"localhost:{shared_ports.main_broker(8)}")
    with pytest.raises(UnreachableError, match=r"main at localhost:\d+ does not answer"):
        async with cluster_logs(nobody):
            pass
