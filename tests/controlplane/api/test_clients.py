"""Who uses the gateway: told by nodes, shown by the API, the command line and the console."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from contract.clients import ClientSeen, ClientsSeen
from dataplane.node.control_planes import ControlPlanes
from tests.controlplane.conftest import ADMIN, Running, in_process
from tests.controlplane.console.browser import logged_in
from tests.controlplane.fake_node import NODE_TOKEN
from upstream.tls import tls_with_control_planes

pytestmark = pytest.mark.environment

BILLING = ClientSeen(
    vcluster="teamA",
    account="sa",
    software="apache-kafka-java",
    version="4.3.1",
    connections=12,
    addresses=("10.0.0.1", "10.0.0.2"),
    topics=("orders", "payments"),
    groups=("teamAbilling", "teamA\x00odd"),
    idle_s=3.0,
)
NIGHTLY = ClientSeen(
    vcluster="teamB",
    account="nightly",
    software="librdkafka",
    version="2.6.1",
    connections=0,
    addresses=("10.0.0.3",),
    topics=(),
    groups=(),
    idle_s=3600.0,
)


async def tell(plane: Running, node_id: str, *clients: ClientSeen, further: int = 0) -> None:
    tls = tls_with_control_planes(None, None, "")
    async with ControlPlanes((plane.url,), NODE_TOKEN, tls) as planes:
        await planes.clients_seen(node_id, ClientsSeen(clients=clients, further=further))


async def test_what_nodes_tell_is_shown_by_virtual_cluster(variables):
    async with in_process(variables) as plane:
        await tell(plane, "gateway1", NIGHTLY)
        await tell(plane, "gateway1", BILLING, NIGHTLY, further=2)
        await tell(plane, "gateway2", BILLING)
        found = (await plane.client.get("/api/v1/clients")).json()
        ours = await plane.client.get("/api/v1/clients", params={"virtualCluster": "teamB"})
    rows = [(c["virtualCluster"], c["account"], c["nodeId"]) for c in found["items"]]
    assert rows == [
        ("teamA", "sa", "gateway1"),
        ("teamA", "sa", "gateway2"),
        ("teamB", "nightly", "gateway1"),
    ]
    assert found["further"] == 2
    assert found["items"][0]["groups"] == ["billing", "\x00odd"]
    (nightly,) = ours.json()["items"]
    assert (nightly["software"], nightly["connections"]) == ("librdkafka", 0)
    ago = datetime.now(UTC) - datetime.fromisoformat(nightly["lastRequestAt"])
    assert timedelta(minutes=59) < ago < timedelta(minutes=62)


async def test_people_see_them_in_the_terminal_and_on_a_page(variables):
    async with in_process(variables) as plane:
        await tell(plane, "gateway1", BILLING, NIGHTLY, further=2)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "interlock", "clients", "--vcluster", "teamA", "-o", "json"),
            env={"INTERLOCK_URL": plane.url, "INTERLOCK_PASSWORD": "conduktor"},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        async with logged_in(plane.url, *ADMIN) as browser:
            page = (await browser.get("/console/clients")).text
    assert [c["account"] for c in json.loads(output)["items"]] == ["sa"]
    for shown in (
        "apache-kafka-java 4.3.1",
        "nightly",
        "10.0.0.1, 10.0.0.2",
        "orders, payments",
        "And 2 more",
    ):
        assert shown in page
    assert "\x00" not in page


async def test_nobody_but_nodes_tells(variables):
    async with in_process(variables) as plane:
        body = {"clients": []}
        answer = await plane.client.put("/internal/v1/nodes/gateway1/clients", json=body)
    assert answer.status_code == 401
