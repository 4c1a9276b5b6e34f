"""What the clients of a virtual cluster do at a real gateway is told by its metrics."""

import asyncio
from time import monotonic

import pytest
from kio.schema.errors import ErrorCode

from dataplane.gateway.metrics import NodeCollector
from dataplane.node.machine import NodeState, Order
from tests.dataplane.equivalence import scene
from tests.dataplane.equivalence.worlds import World
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import RawClient

pytestmark = [pytest.mark.environment, pytest.mark.timeout(60)]

METADATA, FIND_COORDINATOR, HEARTBEAT, API_VERSIONS, CREATE_ACLS = 3, 10, 12, 18, 30
HELD_S = 0.5
DESCRIBED = scene.made(METADATA, 12, topics=[])


async def test_requests_bytes_and_times_are_those_of_its_clients(stage: Stage):
    tally = stage.gateway.tallies.of(stage.vcluster)
    async with await RawClient.connect(stage.bootstrap) as connected:
        assert await connected.authenticate(stage.token()) == 0
        client = World(connected)
        assert tally.connections == 1
        for _ in range(3):
            await client.ask(*DESCRIBED)
        await client.ask(*scene.made(CREATE_ACLS, 3, creations=[]))
    metadata = tally.of(METADATA)
    assert metadata.sent == 3
    assert 3 * 20 < metadata.request_bytes < 3 * 200
    assert 3 * 50 < metadata.answer_bytes < 3 * 5000
    assert 0 < metadata.at_broker_s < 30
    assert metadata.before_s >= 0
    assert tally.of(CREATE_ACLS).refused == {ErrorCode.cluster_authorization_failed: 1}
    assert tally.of(CREATE_ACLS).sent == 0
    async with asyncio.timeout(5):
        while tally.connections:  # noqa: ASYNC110 - what is waited for is elsewhere
            await asyncio.sleep(0.01)


class Nobody:
    """A follower of whom nothing is asked."""

    state = NodeState()
    contradiction = None
    applied_seq = 0


def software(stage: Stage) -> dict[tuple[str, str], float]:
    told = NodeCollector(stage.gateway, Nobody()).collect()
    (family,) = (f for f in told if f.name == "interlock_node_client_software")
    return {(s.labels["software"], s.labels["version"]): s.value for s in family.samples if s.value}


async def test_clients_are_told_by_what_their_library_says_it_is(stage: Stage):
    async with (
        await RawClient.connect(stage.bootstrap) as named,
        await RawClient.connect(stage.bootstrap) as nameless,
        await RawClient.connect(stage.bootstrap) as liar,
    ):
        for client, told in ((named, "librdkafka"), (liar, 'a"b\n')):
            asked = scene.made(
                API_VERSIONS, 3, client_software_name=told, client_software_version="2.6.1"
            )
            await World(client).ask(*asked)
        await World(nameless).ask(*scene.made(API_VERSIONS, 0))
        assert software(stage) == {("librdkafka", "2.6.1"): 1, ("unnamed", ""): 2}


async def test_who_the_clients_are_is_kept_for_whoever_asks(stage: Stage):
    async with await RawClient.connect(stage.bootstrap) as connected:
        asked = scene.made(
            API_VERSIONS, 3, client_software_name="librdkafka", client_software_version="2.6.1"
        )
        client = World(connected)
        await client.ask(*asked)
        assert await connected.authenticate(stage.token()) == 0
        await client.ask(*scene.made(METADATA, 12, topics=[{"name": "orders"}]))
        await client.ask(*scene.made(FIND_COORDINATOR, 4, coordinator_keys=["billing"]))
        await client.ask(*scene.made(HEARTBEAT, 4, group_id="billing", member_id="m"))
        (seen,) = stage.gateway.inventory.told(monotonic()).clients
        assert (seen.vcluster, seen.account) == (stage.vcluster, "sa")
        assert (seen.software, seen.version, seen.connections) == ("librdkafka", "2.6.1", 1)
        assert seen.addresses == ("127.0.0.1",)
        assert seen.topics == ("orders",)
        assert seen.groups == (f"{stage.vcluster}billing",)
        assert seen.idle_s < 30
    async with asyncio.timeout(5):
        while stage.gateway.inventory.told(monotonic()).clients[0].connections:  # noqa: ASYNC110 - what is waited for is elsewhere
            await asyncio.sleep(0.01)


async def test_the_time_for_which_a_request_is_held_is_the_gateways(stage: Stage):
    tally = stage.gateway.tallies.of(stage.vcluster)
    async with await RawClient.connect(stage.bootstrap) as connected:
        assert await connected.authenticate(stage.token()) == 0
        client = World(connected)
        await client.ask(*DESCRIBED)
        metadata = tally.of(METADATA)
        before_s, at_broker_s = metadata.before_s, metadata.at_broker_s
        stage.order(Order.FENCE, "main")
        await asyncio.wait_for(stage.closed.wait(), 10)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(client.ask(*DESCRIBED))
            await asyncio.sleep(HELD_S)
            stage.epoch += 1
            stage.order(Order.SERVE, "failover")
    assert (metadata.sent, tally.held) == (2, 1)
    assert metadata.before_s - before_s >= HELD_S / 2
    assert 0 < metadata.at_broker_s - at_broker_s < 30
    assert sum(stage.gateway.loop_lag.times.buckets) >= 1
