"""Switches on real clusters: completed, undone, and carried on by another control plane."""

import asyncio
import contextlib
import os
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contract.records import Routing
from controlplane.domain.replica import Anchor
from controlplane.store.watches import Pair, Watches
from tests.controlplane.conftest import as_process, eventually, in_process
from tests.controlplane.fake_node import FakeNode
from tests.controlplane.nodes import serving_nodes
from tests.controlplane.probes.clusters import commit, create

pytestmark = pytest.mark.environment

PAIR = Pair(scope="main", from_cluster="main", to_cluster="failover")
SWITCH = "/admin/pclusters/v1/pcluster/main/switch"
CRASH_POINTS = [
    "switch.requested",
    "switch.preflight_passed",
    "switch.fence_ordered",
    "switch.node_drained",
    "switch.barrier_reached",
    "switch.source_frozen",
    "switch.caught_up",
    "switch.positions_translated",
    "switch.committed",
    "switch.node_resumed",
    "switch.completed",
]


async def switch(plane, to: str = "failover", wait: str = "mirror"):
    answer = await plane.client.post(SWITCH, params={"to": to, "wait": wait})
    return answer.status_code, answer.json()["message"]


async def kinds(plane) -> list[str]:
    answer = await plane.client.get("/api/v1/events", params={"kind": "switch"})
    return [event["kind"].removeprefix("switch.") for event in answer.json()["items"]]


async def losses(plane) -> list[dict]:
    params = {"kind": "switch.loss_recorded"}
    answer = await plane.client.get("/api/v1/events", params=params)
    return answer.json()["items"][-1]["data"]["losses"]


async def write(bootstrap: str, topic: str, *values: bytes, timestamp_ms: int = 1000) -> None:
    """Records in a topic, which is created first if there is none."""
    await create(bootstrap, topic)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"k", timestamp_ms=timestamp_ms)


async def map_topic(plane, node: FakeNode) -> str:
    """A virtual cluster with one topic; its physical name."""
    tenant = f"t{uuid4().hex[:8]}"
    answer = await plane.client.post("/api/v1/virtual-clusters", json={"name": tenant})
    assert answer.status_code == 201
    await node.create_topic(tenant, "users")
    return f"{tenant}users"


async def test_a_scope_is_switched_while_another_one_waits_for_its_mirror(variables, clusters):
    async with in_process(variables) as plane, serving_nodes(plane, plane) as (node, _):
        topic = await map_topic(plane, node)
        await write(clusters.main, topic, b"tom", b"laura")
        await write(clusters.failover, topic, b"tom")
        body = {"name": f"t{uuid4().hex[:8]}", "scope": "wave1"}
        made = await plane.client.post("/api/v1/virtual-clusters", json=body)
        assert (made.status_code, made.json()["scope"]) == (201, "wave1")
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(switch(plane))

            async def fenced() -> bool:
                return "source_frozen" in await kinds(plane)

            await eventually(fenced)
            other = SWITCH.replace("/main/", "/wave1/")
            moved = await plane.client.post(other, params={"to": "failover", "wait": "mirror"})
            assert (moved.status_code, moved.json()["message"]) == (200, "Cluster switched")
            assert not waiting.done()
            assert {r.scope: r.cluster for r in node.state.of(Routing)} == {
                "main": "main",
                "wave1": "failover",
            }
            await write(clusters.failover, topic, b"laura")
        assert waiting.result() == (200, "Cluster switched")


async def test_a_switch_waits_until_the_target_holds_everything(variables, clusters):
    async with in_process(variables) as plane, serving_nodes(plane, plane) as (node, _):
        topic = await map_topic(plane, node)
        await write(clusters.main, topic, b"tom", b"laura")
        await write(clusters.failover, topic, b"tom")
        async with asyncio.TaskGroup() as tasks:
            switching = tasks.create_task(switch(plane))

            async def fenced() -> bool:
                return "source_frozen" in await kinds(plane)

            await eventually(fenced)
            assert "committed" not in await kinds(plane)
            await write(clusters.failover, topic, b"laura")
        assert switching.result() == (200, "Cluster switched")
        happened = await kinds(plane)
        assert happened.index("caught_up") < happened.index("committed")


async def test_groups_go_on_at_the_target_where_they_stopped(variables, clusters):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        topic = await map_topic(plane, node)
        group = f"{topic.removesuffix('users')}readers"
        await write(clusters.main, topic, b"tom", b"laura", b"ann")
        await write(clusters.failover, topic, b"tom", b"laura", b"ann")
        await commit(clusters.main, topic, group, 2)
        assert await switch(plane) == (200, "Cluster switched")
        happened = await kinds(plane)
        assert happened.index("positions_translated") < happened.index("committed")
        assert await committed(clusters.failover, topic, group) == 2


async def committed(bootstrap: str, topic: str, group: str) -> int | None:
    # Committing by itself at its end, it would race with what the test commits.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    )
    consumer.assign([TopicPartition(topic, 0)])
    await consumer.start()
    try:
        return await consumer.committed(TopicPartition(topic, 0))
    finally:
        await consumer.stop()


async def test_a_mirror_that_stays_behind_is_named_and_clients_go_on(variables, clusters):
    async with in_process(variables) as plane, serving_nodes(plane, plane) as (node, _):
        topic = await map_topic(plane, node)
        await write(clusters.main, topic, b"tom", b"laura")
        await write(clusters.failover, topic, b"tom")
        status, message = await switch(plane)
        assert status == 503
        assert f"{topic}-0" in message
        assert node.history[-1] == ("main", 0)
        assert await switch(plane, wait="none") == (200, "Cluster switched")
        assert [
            (loss["partition"], loss["first"], loss["seen_end"]) for loss in await losses(plane)
        ] == [(f"{topic}-0", 1, 2)]


async def test_a_partition_is_left_behind_by_name_and_all_others_are_proved(variables, clusters):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        behind, missing, whole = [await map_topic(plane, node) for _ in range(3)]
        await write(clusters.main, missing, b"bob")
        await write(clusters.main, behind, b"tom", b"laura", b"ann")
        await write(clusters.failover, behind, b"tom")
        await write(clusters.main, whole, b"eve")
        await create(clusters.failover, whole)
        waived = [f"{behind}-0", f"{missing}-0"]
        question = {"toCluster": "failover", "waive": waived, "reason": "known"}
        planned = (await plane.client.post("/api/v1/switch-plans", json=question)).json()
        (lag,) = (check for check in planned["checks"] if check["name"] == "mirror_lag")
        assert not lag["passed"]
        assert f"--waive {whole}-0" in lag["detail"]
        assert not any(name in lag["detail"] for name in waived)
        assert (await plane.client.post("/api/v1/switches", json=question)).status_code == 202

        async def ended() -> bool:
            return {"completed", "aborted"} & set(await kinds(plane)) != set()

        await write(clusters.failover, whole, b"eve")
        await eventually(ended)
        happened = (await plane.client.get("/api/v1/events?kind=switch")).json()["items"]
        assert happened[-1]["kind"] == "switch.completed"
        assert happened[0]["data"]["waived"] == waived
        (proved,) = (e["data"] for e in happened if e["kind"] == "switch.caught_up")
        assert sorted(proved["waived"]) == sorted(waived)


async def test_what_a_dead_cluster_held_is_known_from_when_it_answered(
    variables, clusters, clusters_file, engine
):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        topic = await map_topic(plane, node)
        await write(clusters.main, topic, b"tom", b"laura", b"ana")
        await write(clusters.failover, topic, b"tom")

        async def watched() -> bool:
            plan = {"toCluster": "failover", "mode": "forced"}
            answer = await plane.client.post("/api/v1/switch-plans", json=plan)
            told = [c["detail"] for c in answer.json()["checks"] if c["name"] == "loss"]
            return told == [f"{topic}-0: from offset 1 on, 2 known"]

        async def kept() -> bool:
            seen = await Watches(engine).newest(PAIR)
            marks = seen.marks if seen is not None else ()
            return [(mark.source_end, mark.anchor) for mark in marks] == [(3, Anchor(0, 0))]

        await eventually(watched)
        await eventually(kept)
    dead = clusters_file.read_text().replace(clusters.main, "127.0.0.1:1")
    clusters_file.write_text(dead)
    async with in_process(variables) as plane, serving_nodes(plane):
        assert await switch(plane, wait="none") == (200, "Cluster switched")
        (loss,) = await losses(plane)
        assert (loss["partition"], loss["first"], loss["seen_end"]) == (f"{topic}-0", 1, 3)


async def test_a_topic_that_was_not_mirrored_keeps_the_fence_from_being_ordered(
    variables, clusters
):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        topic = await map_topic(plane, node)
        await write(clusters.main, topic, b"tom")
        status, message = await switch(plane)
        assert status == 503
        assert topic in message
        assert "fence_ordered" not in await kinds(plane)


@pytest.mark.parametrize("made", ["before the gateway", "past it", "behind the fence"])
async def test_a_topic_that_nobody_told_of_is_proved(variables, clusters, made):
    tenant = f"t{uuid4().hex[:8]}"
    topic, group = f"{tenant}orders", f"{tenant}readers"
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):

        async def make() -> None:
            await write(clusters.main, topic, b"tom", b"laura", b"ann")
            await commit(clusters.main, topic, group, 2)

        if made == "before the gateway":
            await make()
        await plane.client.post(f"/api/v1/virtual-clusters/{tenant}/adoption")
        if made == "past it":
            await make()
        node.never_drains = made == "behind the fence"
        async with asyncio.TaskGroup() as tasks:
            switching = tasks.create_task(switch(plane))
            if made == "behind the fence":

                async def fenced() -> bool:
                    return "fence_ordered" in await kinds(plane)

                await eventually(fenced)
                await make()
                node.never_drains = False
        status, message = switching.result()
        assert status == 503
        assert f"{topic}-0" in message
        assert node.history[-1] == ("main", 0)
        await write(clusters.failover, topic, b"tom", b"laura", b"ann")
        assert await switch(plane) == (200, "Cluster switched")
        assert await committed(clusters.failover, topic, group) == 2
        query = {"kind": "switch.cut_recorded"}
        cuts = (await plane.client.get("/api/v1/events", params=query)).json()["items"]
        assert [f"{topic}-0", 3] in cuts[-1]["data"]["source_ends"]


async def test_what_the_log_knows_and_the_cluster_does_not_tell_of_is_not_passed_over(variables):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        topic = await map_topic(plane, node)
        status, message = await switch(plane)
        assert status == 503
        assert f"main does not tell of {topic}-0" in message


async def test_writes_past_the_gateway_are_noticed(variables, clusters):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        topic = await map_topic(plane, node)
        await write(clusters.main, topic, b"tom")
        await write(clusters.failover, topic, b"tom")

        async def write_past_it() -> None:
            async with AIOKafkaProducer(bootstrap_servers=clusters.main) as producer:
                while True:
                    await producer.send_and_wait(topic, b"x", timestamp_ms=1000)
                    await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(write_past_it())
            status, message = await switch(plane)
            writing.cancel()
        assert status == 503
        assert "past the gateway" in message
        assert "bypass_detected" in await kinds(plane)


async def test_a_silent_node_costs_its_lease_and_no_more(variables):
    async with in_process(variables) as plane, serving_nodes(plane, plane) as (_, silent):
        silent.mute = True
        assert (await switch(plane, wait="none"))[0] == 200
        answer = await plane.client.get("/api/v1/switches")
        (found,) = answer.json()["items"]
        assert {n["nodeId"]: n["evidence"] for n in found["nodes"]} == {
            "n0": "report",
            "n1": "lease_expired",
        }


async def test_a_node_that_never_drains_is_not_passed_over(variables):
    slow = {"INTERLOCK_SWITCH_BUDGET_S": "2", "INTERLOCK_LEASE_S": "10"}
    async with in_process(variables | slow) as plane, serving_nodes(plane) as (node,):
        node.never_drains = True
        status, message = await switch(plane, wait="none")
        assert status == 503
        assert "n0" in message


async def test_an_unreachable_target_is_refused_before_the_fence(
    variables, clusters, clusters_file
):
    async with in_process(variables) as plane, serving_nodes(plane):
        pass
    text = clusters_file.read_text()
    clusters_file.write_text(text.replace(clusters.failover, "localhost:1"))
    moved = variables | {"INTERLOCK_CONTROL_CLUSTER": "main"}
    async with in_process(moved) as plane, serving_nodes(plane):
        status, message = await switch(plane)
        assert status == 503
        assert "failover at localhost:1 does not answer" in message
        assert "fence_ordered" not in await kinds(plane)


async def test_only_one_switch_at_a_time(variables, clusters):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        topic = await map_topic(plane, node)
        await write(clusters.main, topic, b"tom")
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(switch(plane))

            async def running() -> bool:
                return bool(await kinds(plane))

            await eventually(running)
            second = tasks.create_task(switch(plane))
            status, message = await switch(plane, to="main")
            assert status == 409
            assert "is being switched to failover" in message
        assert first.result() == second.result()
        assert (await kinds(plane)).count("requested") == 1


async def test_an_operator_can_abort_until_the_commit(variables, clusters):
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        topic = await map_topic(plane, node)
        await write(clusters.main, topic, b"tom")
        answer = await plane.client.post("/api/v1/switches", json={"toCluster": "failover"})
        location = answer.headers["location"]
        answer = await plane.client.post(f"{location}/abort", json={"reason": "second thoughts"})
        assert answer.status_code == 202

        async def ended() -> bool:
            shown = (await plane.client.get(location)).json()["switch"]
            return shown["phase"] == "aborted" and "second thoughts" in shown["cause"]

        await eventually(ended)
        assert await switch(plane, wait="none") == (200, "Cluster switched")
        (done, _) = (await plane.client.get("/api/v1/switches")).json()["items"]
        late = f"/api/v1/switches/{done['switchId']}/abort"
        answer = await plane.client.post(late, json={"reason": "too late"})
        assert answer.status_code == 409


TELLING = {"switch.fence_ordered", "switch.committed"}
"""`make crashes` has all points, and the simulation a log that ends after any event."""
CRASHES = [at for at in CRASH_POINTS if at in TELLING or "INTERLOCK_ALL_CRASHES" in os.environ]


@pytest.mark.parametrize("crash_at", CRASHES)
async def test_a_crash_of_the_leader_leaves_nothing_half_done(variables, crash_at):
    quick = {"INTERLOCK_SWITCH_BUDGET_S": "25"}
    async with (
        as_process(variables | quick, INTERLOCK_CRASH_AT=crash_at) as first,
        in_process(variables | quick) as second,
        serving_nodes(first, second) as nodes,
    ):
        for node, url in zip(nodes, (second.url, first.url), strict=True):
            node.also_ask(url)
        # Whoever takes the request appends its event; all others are the leader's.
        asked = first if crash_at == "switch.requested" else second
        with contextlib.suppress(httpx.TransportError):
            await asked.client.post("/api/v1/switches", json={"toCluster": "failover"})
        async with asyncio.timeout(60):
            await first.exited.wait()

        async def agreed() -> bool:
            (found,) = (await second.client.get("/api/v1/switches")).json()["items"]
            where = {node.history[-1] for node in nodes}
            ended = {"completed": {("failover", 1)}, "aborted": {("main", 0)}}
            return found["phase"] in ended and where == ended[found["phase"]]

        await eventually(agreed, within_s=60)
        verdict = (await second.client.get("/api/v1/audit/verify")).json()
        assert verdict["first_bad"] is None
