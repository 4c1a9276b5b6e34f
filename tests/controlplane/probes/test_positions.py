"""Positions of groups brought from one real cluster to another."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from contract.clusters_file import ClusterProperties
from controlplane.domain.positions import Committed
from controlplane.probes import searching
from controlplane.probes.groups import commit, committed_by
from controlplane.probes.imprints import imprint_reader
from controlplane.probes.positions import Side, translate
from controlplane.probes.reader import end_reader
from tests.controlplane.probes.clusters import cluster, create
from upstream.access import access_to
from upstream.inquiry import inquiry

pytestmark = pytest.mark.environment


class Scene:
    """Two clusters, one a mirror of the other, and a tenant's topic on both."""

    def __init__(self, clusters, tenant: str) -> None:
        self.main = cluster("main", clusters.main)
        self.failover = cluster("failover", clusters.failover)
        self.tenant = tenant
        self.topic = f"{tenant}users"
        self.partition = TopicPartition(self.topic, 0)

    async def create(self) -> None:
        for side in (self.main, self.failover):
            await create(side.bootstrap_servers, self.topic)

    async def write(self, side: ClusterProperties, *numbers: int, **options) -> None:
        """Number n is written a second after n - 1; a transaction leaves a marker behind."""
        async with AIOKafkaProducer(
            bootstrap_servers=side.bootstrap_servers, **options
        ) as producer:
            if "transactional_id" in options:
                async with producer.transaction():
                    await self._send(producer, numbers)
            else:
                await self._send(producer, numbers)

    async def _send(self, producer, numbers) -> None:
        for n in numbers:
            await producer.send(self.topic, b"%d" % n, partition=0, timestamp_ms=1000 * n)

    async def commit(self, **offsets: int) -> None:
        """What groups of the tenant committed on the old cluster."""
        async with inquiry(access_to(self.main)) as asking:
            told = [Committed(self.tenant + g, self.topic, 0, n, "m") for g, n in offsets.items()]
            assert await commit(asking, told) == {}

    async def translate(self):
        async with (
            end_reader(self.main) as ours,
            end_reader(self.failover) as theirs,
            imprint_reader(self.main) as our_records,
            imprint_reader(self.failover) as their_records,
        ):
            found, _ = await translate(
                Side(self.main, ours, our_records),
                Side(self.failover, theirs, their_records),
                lambda group: group.startswith(self.tenant),
                {self.topic},
            )
            return found

    async def positions(self) -> dict[str, tuple[int, str | None]]:
        """What the target has committed for the tenant's groups."""
        async with inquiry(access_to(self.failover)) as asking:
            groups = [self.tenant + g for g in ("ended", "near", "marker", "first", "far", "other")]
            found = await committed_by(asking, groups)
            return {
                c.group.removeprefix(self.tenant): (c.offset, c.metadata) for c in found.committed
            }


@pytest.fixture
async def scene(clusters, unique_name) -> Scene:
    made = Scene(clusters, unique_name)
    await made.create()
    # Offsets on the old cluster: 0 1 2 M 4 5 6 M, and on the mirror of it 0 to 5.
    await made.write(made.main, 0, 1, 2, transactional_id=f"{unique_name}a")
    await made.write(made.main, 3, 4, 5, transactional_id=f"{unique_name}b")
    await made.write(made.failover, *range(6))
    return made


async def test_positions_are_found_by_records_not_by_offsets(scene):
    await scene.commit(ended=8, marker=7, near=5, first=0)
    found = await scene.translate()
    assert await scene.positions() == {
        "ended": (6, "m"),
        "marker": (6, "m"),
        "near": (4, "m"),
        "first": (0, "m"),
    }
    assert (found.groups, found.remarks) == (4, ())
    assert dict(found.by_method) == {"end": 2, "aligned": 2}


async def test_a_group_far_behind_is_found_by_its_next_records_timestamp(scene, monkeypatch):
    monkeypatch.setattr(searching, "_NEAR", 2)
    await scene.commit(far=2, near=6, other=3)
    found = await scene.translate()
    assert await scene.positions() == {"far": (2, "m"), "near": (5, "m"), "other": (3, "m")}
    assert dict(found.by_method) == {"aligned": 1, "found": 2}


async def test_what_the_mirror_repeats_is_read_again_and_nothing_is_missed(scene, monkeypatch):
    await scene.write(scene.failover, 4, 5)
    await scene.commit(near=5, ended=8)
    await scene.translate()
    # Records 4 and 5 stand there twice; the group has read up to 3, and needs one of each.
    assert await scene.positions() == {"near": (6, "m"), "ended": (8, "m")}
    monkeypatch.setattr(searching, "_NEAR", 0)
    await scene.translate()
    assert (await scene.positions())["near"] == (4, "m")


async def test_positions_move_backwards_too(scene):
    await scene.commit(near=8)
    await scene.translate()
    await scene.commit(near=1)
    first = await scene.translate()
    assert await scene.positions() == {"near": (1, "m")}
    assert (await scene.translate()).digest == first.digest


@pytest.mark.parametrize("instance", [None, "static"])
async def test_members_from_when_the_target_served_do_not_keep_the_positions_out(scene, instance):
    await scene.commit(near=1, ended=8)
    member = AIOKafkaConsumer(
        scene.topic,
        bootstrap_servers=scene.failover.bootstrap_servers,
        group_id=f"{scene.tenant}near",
        group_instance_id=instance,
        enable_auto_commit=False,
    )
    await member.start()
    # A switch takes the connections away, and nobody says goodbye for the member.
    await member._client.close()
    try:
        found = await scene.translate()
        assert found.remarks == ()
        assert await scene.positions() == {"near": (1, "m"), "ended": (6, "m")}
    finally:
        await member.stop()


async def test_offsets_of_an_open_transaction_are_waited_for_and_told_of(scene):
    await scene.commit(near=1)
    async with (
        AIOKafkaProducer(
            bootstrap_servers=scene.main.bootstrap_servers, transactional_id=f"{scene.tenant}t"
        ) as producer,
        producer.transaction(),
    ):
        at = {scene.partition: OffsetAndMetadata(5, "")}
        await producer.send_offsets_to_transaction(at, f"{scene.tenant}near")
        found = await scene.translate()
    (remark,) = found.remarks
    assert "transaction" in remark.detail
    assert await scene.positions() == {"near": (1, "m")}


async def test_a_thousand_groups_that_read_everything_are_brought_over_at_once(scene):
    await scene.commit(**{f"g{n}": 8 for n in range(1000)})
    async with asyncio.timeout(10):
        found = await scene.translate()
    assert (found.groups, found.positions, dict(found.by_method)) == (1000, 1000, {"end": 1000})
