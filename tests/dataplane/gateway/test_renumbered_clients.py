"""Client libraries read on where offsets are numbered anew between a position and its first Fetch.

Both names of the stage's clusters are one cluster, so that nothing changes but the numbers: the
Fetch at an older number is answered by a signpost to the present one, and everything that was
produced has to come behind it. `make clients` runs this with every library.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from clients.exercise import exercise
from clients.target import Target
from contract.numbering import Numbering, Stretch
from contract.records import Offsets
from dataplane.gateway.topology import ask_brokers
from dataplane.node.machine import Order
from dataplane.relay.exchange import Exchange
from tests.dataplane.gateway.conftest import ONLY_INTERPRETED, Stage, cluster_at, running_stage
from tests.dataplane.gateway.libraries import LIBRARIES

pytestmark = [pytest.mark.environment, pytest.mark.timeout(300), ONLY_INTERPRETED]

FETCH = 1
PARTITIONS = 4
FLOOR = 100_000
BELOW_THE_FLOOR = {"seek"}
"""Checks that a record near the beginning has an offset near 0, as it has without numbers."""


@pytest.fixture
async def stage(clusters, gateway_ports, unique_name, tmp_path) -> AsyncIterator[Stage]:
    bootstraps = dict.fromkeys(("main", "failover"), clusters.main)
    ids = tuple(await ask_brokers(cluster_at("main", clusters.main)))
    port = gateway_ports.gateway(0)
    brokers = dict.fromkeys(bootstraps, ids)
    async with running_stage(unique_name, port, tmp_path, bootstraps, brokers) as running:
        yield running


class Renumbering:
    """Fences the scope at the first Fetch, and serves it again under other numbers."""

    def __init__(self, stage: Stage, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stage = stage
        self._cluster = cluster
        self.done: asyncio.Task[None] | None = None
        ask = Exchange.ask

        def ask_and_fence(exchange, request):
            ask(exchange, request)
            if request.api.key == FETCH and self.done is None:
                self.done = asyncio.ensure_future(self._renumber())

        monkeypatch.setattr(Exchange, "ask", ask_and_fence)

    async def _topics(self) -> list[str]:
        """Those of the client, as the cluster knows them: its requests may name ids alone."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._cluster)
        await admin.start()
        try:
            return [t for t in await admin.list_topics() if t.startswith(self._stage.vcluster)]
        finally:
            await admin.close()

    async def _renumber(self) -> None:
        stage = self._stage
        stage.closed.clear()
        stage.order(Order.FENCE, "main")
        await asyncio.wait_for(stage.closed.wait(), 10)
        stage.epoch += 1
        stretch = Stretch(begin=0, first=0, place=FLOOR)
        numbers = tuple(Numbering(p, FLOOR, FLOOR, (stretch,)) for p in range(PARTITIONS))
        for topic in await self._topics():
            stage.record(
                Offsets(
                    scope="main",
                    physical=topic,
                    epoch=stage.epoch,
                    partitions=numbers,
                )
            )
        stage.order(Order.SERVE, "failover")


@pytest.mark.parametrize("client", LIBRARIES, ids=lambda client: client.name)
async def test_a_library_reads_on(client, stage, clusters, monkeypatch):
    renumbering = Renumbering(stage, clusters.main, monkeypatch)
    target = Target("renumbering", stage.bootstrap, "sa", stage.token())
    record = await asyncio.to_thread(exercise, client, target)
    assert [one for one in record.failures if one.step not in BELOW_THE_FLOOR] == []
    assert renumbering.done is not None
    await renumbering.done
