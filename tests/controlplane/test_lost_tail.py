"""A log that lost its tail, on real Postgres: nothing is decided on it until it is whole again."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from contract.records import Routing
from tests.controlplane.conftest import Running, eventually, in_process
from tests.controlplane.fake_node import FakeNode
from tests.controlplane.lost_tail import replace, restore
from tests.controlplane.nodes import serving_nodes

pytestmark = pytest.mark.environment

SWITCH = "/admin/pclusters/v1/pcluster/main/switch"
RECONCILIATION = "/api/v1/log/reconciliation"


async def interlock(plane: Running, *words: str) -> tuple[int | None, str]:
    """Runs a command; its exit code, and all that it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "interlock",
        *words,
        env={"INTERLOCK_URL": plane.url, "INTERLOCK_PASSWORD": "conduktor"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


@contextlib.asynccontextmanager
async def another_database(postgres_url: str, database_url: str) -> AsyncIterator[str]:
    name = f"{urlsplit(database_url).path.removeprefix('/')}other"
    server = await asyncpg.connect(postgres_url)
    try:
        await server.execute(f'CREATE DATABASE "{name}"')
        yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def older_release(database_url: str) -> AsyncIterator[None]:
    """A session as control planes had it that do not know the event."""
    session = {"application_name": "interlock"}
    connection = await asyncpg.connect(database_url, server_settings=session)
    try:
        yield
    finally:
        await connection.close()


async def create(plane: Running, name: str) -> int:
    return (await plane.client.post("/api/v1/virtual-clusters", json={"name": name})).status_code


async def seqs(plane: Running) -> dict[str, int]:
    """The newest event of each kind."""
    answer = await plane.client.get("/api/v1/events", params={"limit": 1000})
    return {event["kind"]: event["seq"] for event in answer.json()["items"]}


@contextlib.asynccontextmanager
async def switched(variables: dict[str, str]) -> AsyncIterator[tuple[Running, FakeNode]]:
    """A scope that was switched to failover, and a node that serves it there."""
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        assert await create(plane, "teamA") == 201
        answer = await plane.client.post(SWITCH, params={"to": "failover"})
        assert answer.json() == {"message": "Cluster switched"}
        assert await create(plane, "teamB") == 201
        head = (await plane.client.get("/health/ready")).json()["seq"]

        async def in_step() -> bool:
            topic = (await plane.client.get("/api/v1/control-topic")).json()
            return node.applied_seq >= head and topic["publishedSeq"] >= head

        await eventually(in_step)
        yield plane, node


async def objection(plane: Running) -> str | None:
    answer = (await plane.client.get("/health/ready")).json()
    return answer.get("objection")


async def objected(plane: Running, to: str = "") -> str:
    """What stands against the log, once something does that has this in it."""

    async def is_objected() -> bool:
        found = await objection(plane)
        return found is not None and to in found

    await eventually(is_objected)
    return await objection(plane) or ""


async def must_decide_nothing(plane: Running) -> None:
    """What is asked of a control plane whose log is not all of the truth."""
    assert (await plane.client.get("/health/ready")).status_code == 503
    refused = await plane.client.post("/api/v1/virtual-clusters", json={"name": "teamC"})
    assert refused.status_code == 503
    assert "interlock control reconcile" in refused.json()["detail"]
    for to in ("main", "failover"):
        asked = await plane.client.post("/api/v1/switch-plans", json={"toCluster": to})
        assert [(c["name"], c["passed"]) for c in asked.json()["checks"]] == [("log", False)]
        answer = await plane.client.post(SWITCH, params={"to": to, "wait": "none"})
        assert answer.status_code == 503
    metrics = (await plane.client.get("/metrics")).text
    assert 'interlock_log_contradicted{kind="' in metrics

    async def leads_no_more() -> bool:
        return not (await plane.client.get("/health/ready")).json()["leading"]

    await eventually(leads_no_more)


async def take_back(plane: Running, refused: int | None = None) -> str:
    """Take back what was broadcast; which log that was, or why it was refused."""
    shown = (await plane.client.get(RECONCILIATION)).json()
    order = {"reason": "restored last night's backup", "digest": shown["digest"]}
    answer = await plane.client.post(RECONCILIATION, json=order)
    assert answer.status_code == (refused or 200), answer.text
    if refused:
        return str(answer.json()["detail"])
    assert answer.json()["objection"] is None
    return str(shown["broadcastLog"])


def served(node: FakeNode) -> tuple[str, int, str]:
    """What a node knows of the scope."""
    routing = node.state.get("routing/main")
    assert isinstance(routing, Routing)
    return routing.cluster, routing.epoch, routing.state


async def is_whole_again(plane: Running, node: FakeNode) -> None:
    """The control plane leads, the node is in step and leased, and both go on."""

    async def in_step() -> bool:
        nodes = (await plane.client.get("/api/v1/nodes")).json()["items"]
        return [(n["nodeId"], n["leased"], n["inStep"]) for n in nodes] == [
            (node.node_id, True, True)
        ]

    async def ready() -> bool:
        answer = (await plane.client.get("/health/ready")).json()
        return answer["status"] == "READY" and answer["leading"]

    await eventually(ready)
    await eventually(in_step)
    verdict = (await plane.client.get("/api/v1/audit/verify")).json()
    assert verdict["first_bad"] is None
    assert await create(plane, "teamC") == 201
    await eventually(in_step)


async def test_restored_at_every_event_of_a_switch_it_decides_nothing(variables, database_url):
    """And takes back what was broadcast from before the switch was even asked for."""
    async with switched(variables) as (plane, node):
        happened = await seqs(plane)
        for seq in range(happened["switch.completed"], happened["switch.requested"] - 2, -1):
            await restore(database_url, seq)
            await objected(plane, f"the log ends at event {seq} ")
            assert await create(plane, "teamC") == 503
            assert served(node) == ("failover", 1, "serving")
        await must_decide_nothing(plane)
        code, output = await interlock(plane, "control", "reconcile")
        assert code == 1
        assert "cluster failover, epoch 1" in output
        assert "interlock control reconcile" in output
        code, output = await interlock(
            plane, "control", "reconcile", "--apply", "--reason", "restored last night's backup"
        )
        assert (code, "the log holds all that is known" in output) == (0, True)
        await is_whole_again(plane, node)
        assert served(node) == ("failover", 1, "serving")
        answer = await plane.client.get("/api/v1/events", params={"kind": "log"})
        (event,) = answer.json()["items"]
        assert event["seq"] > max(happened.values())
        assert (event["actor"], event["reason"]) == ("user:admin", "restored last night's backup")
        names = (await plane.client.get("/api/v1/virtual-clusters")).json()["items"]
        assert [one["name"] for one in names] == ["teamA", "teamB", "teamC"]
        # Beacons of what was lost are not taken for signs of tampering.
        code, output = await interlock(plane, "audit", "verify", "--against", "topic")
        assert (code, "of events that were lost" in output) == (0, True), output


async def test_a_switch_is_where_the_broadcast_has_it(variables, database_url):
    """Restored between its fence and its commit."""
    async with switched(variables) as (plane, node):
        happened = await seqs(plane)
        await restore(database_url, happened["switch.fence_ordered"])
        await objected(plane)
        async with older_release(database_url):
            assert "older release" in await take_back(plane, refused=409)
        await take_back(plane)
        await is_whole_again(plane, node)
        assert served(node) == ("failover", 1, "serving")
        (switch,) = (await plane.client.get("/api/v1/switches")).json()["items"]
        assert switch["phase"] == "completed"


async def test_a_switch_that_was_lost_behind_its_fence_is_undone(variables, database_url):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        assert await create(plane, "teamA") == 201
        at = (await plane.client.get("/health/ready")).json()["seq"]
        node.never_drains = True
        asked = asyncio.ensure_future(plane.client.post(SWITCH, params={"to": "failover"}))

        async def is_fenced() -> bool:
            topic = (await plane.client.get("/api/v1/control-topic")).json()
            return served(node) == ("main", 0, "fenced") and topic["publishedSeq"] == topic["seq"]

        await eventually(is_fenced)
        await restore(database_url, at)
        await objected(plane)
        asked.cancel()
        await take_back(plane)
        node.never_drains = False
        await is_whole_again(plane, node)
        assert served(node) == ("main", 0, "serving")


async def test_an_empty_database_goes_on_as_the_log_that_was_broadcast(variables, database_url):
    async with switched(variables) as (plane, node):
        log = node.state.log
    await replace(database_url)
    async with (
        in_process(variables, is_up="/health/live") as plane,
        _going_on(node, plane) as same,
    ):
        assert "follows another log" in await objected(plane)
        await must_decide_nothing(plane)
        assert await take_back(plane) == log
        await is_whole_again(plane, same)
        assert same.state.log == log


@contextlib.asynccontextmanager
async def _going_on(node: FakeNode, plane: Running) -> AsyncIterator[FakeNode]:
    """The same process, which never stopped: it has all that it knew, and does not register."""
    same = FakeNode(node.node_id, plane.url)
    same.incarnation, same.state, same.applied_seq = (
        node.incarnation,
        node.state,
        node.applied_seq,
    )
    async with same.running(registers=False):
        yield same


async def test_of_two_control_planes_on_two_databases_the_one_that_knows_less_decides_nothing(
    variables, database_url, postgres_url
):
    async with (
        another_database(postgres_url, database_url) as other,
        switched(variables) as (plane, _),
        in_process(variables | {"DATABASE_URL": other}, is_up="/health/live") as lagging,
    ):
        await objected(lagging, "the control topic on failover follows another log")
        await must_decide_nothing(lagging)
        assert await objection(plane) is None
        assert await create(plane, "teamD") == 201
