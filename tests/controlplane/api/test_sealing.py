"""Sealed verifiers on a real control plane and its topic: who cannot open them has none."""

import base64

import pytest

from contract.clusters_file import ClusterProperties
from contract.records import ServiceAccount
from contract.sealing import Seal
from controlplane.publisher.broadcast import read_broadcast
from tests.controlplane.conftest import Running, eventually, in_process
from tests.controlplane.fake_node import FakeNode

pytestmark = pytest.mark.environment

KEY, NEXT = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"n"))
PASSWORD = "/api/v1/virtual-clusters/teamA/accounts/sa/password"
SEAL = "/api/v1/accounts/seal"


async def set_password(plane: Running) -> tuple[int, str]:
    await plane.client.post("/api/v1/virtual-clusters", json={"name": "teamA"})
    answer = await plane.client.post(PASSWORD, json={})
    return answer.status_code, answer.json().get("detail", "")


async def broadcast(plane: Running, clusters) -> ServiceAccount:
    """The account, as who reads the control topic gets it."""

    async def is_published() -> bool:
        topic = (await plane.client.get("/api/v1/control-topic")).json()
        return topic["publishedSeq"] == topic["seq"]

    await eventually(is_published)
    properties = {"bootstrap.servers": clusters.failover}
    cluster = ClusterProperties(name="failover", role="failover", properties=properties)
    state = (await read_broadcast(cluster)).state
    assert state.digest() == (await plane.client.get("/api/v1/state")).json()["digest"]
    account = state.get("account/teamA/sa")
    assert isinstance(account, ServiceAccount)
    return account


async def test_a_password_is_broadcast_sealed_where_there_is_a_key(variables, clusters):
    async with in_process(variables, INTERLOCK_SEALING_KEY=KEY) as plane:
        assert (await set_password(plane))[0] == 200
        account = await broadcast(plane, clusters)
        assert account.scram == {}
        assert len(Seal.of(KEY).open("teamA", "sa", account.sealed_scram)) == 2
        for path in ("/api/v1/events", "/api/v1/state"):
            assert "sealed_scram" not in (await plane.client.get(path)).text
        listed = (await plane.client.get("/api/v1/virtual-clusters/teamA/accounts")).json()
        assert listed["items"][0]["hasPassword"] is True
        await plane.client.post("/api/v1/virtual-clusters/teamA/accounts/sa/revoke")
        assert (await broadcast(plane, clusters)).sealed_scram == b""


async def test_what_was_not_sealed_or_with_another_key_is_sealed_by_one_call(
    variables, clusters, interlock
):
    async with in_process(variables) as plane:
        assert (await set_password(plane))[0] == 200
        plain = await broadcast(plane, clusters)
        assert len(plain.scram) == 2
        assert (await plane.client.post(SEAL)).status_code == 409
    async with in_process(variables, INTERLOCK_SEALING_KEY=KEY) as plane:
        assert (await interlock(plane, "account", "seal"))[0] == 0
        assert (await plane.client.post(SEAL)).json() == {"sealed": 0}
        sealed = await broadcast(plane, clusters)
        assert Seal.of(KEY).open("teamA", "sa", sealed.sealed_scram) == plain.scram
    async with in_process(variables, INTERLOCK_SEALING_KEY=f"{NEXT},{KEY}") as plane:
        assert (await plane.client.post(SEAL)).json() == {"sealed": 1}
        sealed = await broadcast(plane, clusters)
        assert Seal.of(NEXT).open("teamA", "sa", sealed.sealed_scram) == plain.scram


async def test_nothing_is_sealed_that_a_node_could_not_open(variables):
    async with (
        in_process(variables, INTERLOCK_SEALING_KEY=KEY) as plane,
        FakeNode("n1", plane.url).running() as node,
    ):
        await node.report()
        status, detail = await set_password(plane)
        assert (status, "node n1 has not the first key" in detail) == (409, True)
        node.says = {"sealing_keys": Seal.of(f"{NEXT},{KEY}").keys}
        await node.report()
        assert (await set_password(plane))[0] == 200
