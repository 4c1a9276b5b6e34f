"""The mirror's connectors on a real Kafka Connect worker: stopped, seeded, resumed."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator

import httpx
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contract.clusters_file import ClusterProperties
from contract.mirror import Direction
from controlplane.domain.mirror.events import Position
from controlplane.mirrors.connect import Connect
from controlplane.mirrors.runner import MirrorUnavailableError
from controlplane.probes.reader import end_reader
from controlplane.settings import MirrorConnectors
from sandbox.kafka_release import kafka_release
from tests.controlplane.conftest import eventually
from tests.environment.free_port import free_port

pytestmark = pytest.mark.environment

BACK = Direction(source="failover", target="main")


@contextlib.asynccontextmanager
async def worker(bootstrap: str, folder, name: str) -> AsyncIterator[str]:
    """The URL of a Connect worker that keeps its state in one cluster."""
    url = f"http://127.0.0.1:{free_port()}"
    stores = ("config", "offset", "status")
    properties = {
        "bootstrap.servers": bootstrap,
        "group.id": name,
        **{f"{kind}.storage.topic": f"{name}-{kind}" for kind in stores},
        **{f"{kind}.storage.replication.factor": "1" for kind in stores},
        **{f"{kind}.storage.partitions": "2" for kind in ("offset", "status")},
        "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "listeners": url,
        "plugin.discovery": "service_load",
    }
    file = folder / "worker.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    program = kafka_release().command("org.apache.kafka.connect.cli.ConnectDistributed", str(file))
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(program, stdout=log, stderr=log)  # noqa: ASYNC220 - a moment
    try:
        async with httpx.AsyncClient() as client:

            async def up() -> bool:
                with contextlib.suppress(httpx.HTTPError):
                    return (await client.get(f"{url}/connectors")).status_code == 200
                return False

            await eventually(up, within_s=60)
            yield url
    finally:
        process.kill()
        process.wait()


def connector(direction: Direction, clusters: dict[str, str], topic: str) -> dict[str, str]:
    source, target = direction.source, direction.target
    return {
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "source.cluster.alias": source,
        "target.cluster.alias": target,
        "source.cluster.bootstrap.servers": clusters[source],
        "target.cluster.bootstrap.servers": clusters[target],
        "topics": topic,
        "replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
        "replication.factor": "1",
        "offset-syncs.topic.replication.factor": "1",
    }


async def values(bootstrap: str, topic: str) -> list[bytes]:
    properties = {"bootstrap.servers": bootstrap}
    async with end_reader(
        ClusterProperties(name="main", role="upstream", properties=properties)
    ) as reader:
        return [record.value async for record in reader.records(TopicPartition(topic, 0), 0)]


async def test_the_new_direction_copies_what_lies_beyond_its_positions(
    clusters, unique_name, tmp_path
):
    both = {"main": clusters.main, "failover": clusters.failover}
    for bootstrap in both.values():
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(unique_name, 1, 1)])
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=clusters.failover) as producer:
        for value in (b"a", b"b", b"c", b"d"):
            await producer.send_and_wait(unique_name, value)
    async with worker(clusters.main, tmp_path, unique_name) as url, httpx.AsyncClient() as client:
        known = {
            str(direction): MirrorConnectors(url=url, source=f"{direction.source}-source")
            for direction in (BACK, BACK.back)
        }
        runner = Connect(known)
        with pytest.raises(MirrorUnavailableError, match="404"):
            await runner.running()
        for direction in (BACK, BACK.back):
            body = {
                "name": f"{direction.source}-source",
                "config": connector(direction, both, unique_name),
                "initial_state": "STOPPED",
            }
            (await client.post(f"{url}/connectors", json=body)).raise_for_status()

        async def stopped() -> bool:
            with contextlib.suppress(MirrorUnavailableError):
                return (await runner.running()).direction is None
            return False

        await eventually(stopped, within_s=30)
        await runner.seed(BACK, (Position(topic=unique_name, partition=0, offset=1),))
        await runner.run(BACK)
        assert (await runner.running()).direction == BACK

        async def copied() -> bool:
            return len(await values(clusters.main, unique_name)) >= 2

        await eventually(copied, within_s=60)
        assert await runner.trouble(BACK) is None
        await runner.run(None)
        assert (await runner.running()).direction is None
        assert await values(clusters.main, unique_name) == [b"c", b"d"]
    with pytest.raises(MirrorUnavailableError, match="does not answer"):
        await asyncio.wait_for(runner.running(), 20)
