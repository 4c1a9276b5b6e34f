"""A node that dies or freezes costs a switch one lease, and harms nobody."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.process import Process, wait_until
from tests.system.evidence import assert_all_written, find
from tests.system.load import Load
from tests.system.operator import PATIENCE, Operator

pytestmark = [pytest.mark.environment, pytest.mark.timeout(120)]

TOPIC = "orders"
BOUND_S = 15
"""Well above a lease with its margin (6 s), well below the switch's budget (60 s)."""


@pytest.fixture
def node(operator: Operator) -> Iterator[Process]:
    """The node that dies; it serves again before the next test."""
    gateway = operator.environment.process("gateway1")
    operator.wait_for_agreement()
    yield gateway
    gateway.resume()
    if not gateway.is_running():
        gateway.restart()


def evidence(operator: Operator, after: int) -> dict[str, str]:
    """By node, how it was known that it did not serve any more."""
    fenced = operator.events(after=after, kind="switch.node_fenced")
    drained = operator.events(after=after, kind="switch.node_drained")
    return {e["data"]["node_id"]: "report" for e in drained} | {
        e["data"]["node_id"]: e["data"]["evidence"] for e in fenced
    }


def head(operator: Operator) -> int:
    seq: int = operator.events()[-1]["seq"]
    return seq


def test_a_switch_with_a_dead_node_waits_for_its_lease(
    operator: Operator, vcluster: str, node: Process
):
    operator.create_topic(vcluster, TOPIC)
    before, to = head(operator), operator.other_cluster()
    with (
        Load([operator.client(vcluster, gateway=1)], TOPIC) as others,
        Load([operator.client(vcluster, gateway=0)], TOPIC) as its_own,
    ):
        others.wait_for_more(20)
        its_own.wait_for_more(20)
        node.kill()
        began = time.monotonic()
        assert operator.switch(to).json() == {"message": "Cluster switched"}
        assert time.monotonic() - began < BOUND_S
        others.wait_for_more(20)
        assert evidence(operator, before) == {"gateway1": "lease_expired", "gateway2": "report"}
        node.restart()
        assert operator.wait_for_agreement()["cluster"] == to
        its_own.wait_for_more(20)
    assert others.errors == []
    for load in (others, its_own):
        assert_all_written(operator, load, vcluster + TOPIC)


def test_a_node_dies_during_a_switch(operator: Operator, vcluster: str, node: Process):
    operator.create_topic(vcluster, TOPIC)
    before, to = head(operator), operator.other_cluster()
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        load.wait_for_more(20)
        node.pause()
        with ThreadPoolExecutor(1) as caller:
            began = time.monotonic()
            answer = caller.submit(operator.switch, to)
            wait_until(
                lambda: operator.events(after=before, kind="switch.fence_ordered") != [],
                "the fence is ordered",
                PATIENCE,
            )
            node.kill()
            node.restart()
            assert answer.result().json() == {"message": "Cluster switched"}
            assert time.monotonic() - began < BOUND_S
        assert evidence(operator, before)["gateway1"] == "lease_expired"
        assert operator.wait_for_agreement()["cluster"] == to
        load.wait_for_more(40)
    assert_all_written(operator, load, vcluster + TOPIC)


def test_a_node_that_slept_over_a_switch_acknowledges_nothing_of_the_old_cluster(
    operator: Operator, vcluster: str, node: Process
):
    operator.create_topic(vcluster, TOPIC)
    topic = vcluster + TOPIC
    before, old, to = head(operator), operator.routing()["cluster"], operator.other_cluster()
    with Load([operator.client(vcluster, gateway) for gateway in (0, 0, 1)], TOPIC) as load:
        load.wait_for_more(40)
        node.pause()
        assert operator.switch(to).json() == {"message": "Cluster switched"}
        load.wait_for_more(20)
        node.resume()
        operator.wait_for_agreement()
        load.wait_for_more(60)
    assert evidence(operator, before) == {"gateway1": "lease_expired", "gateway2": "report"}
    assert_all_written(operator, load, topic)
    # What was sent again stands on both: its acknowledgement is the new cluster's.
    where = find(operator, topic, (old, to))
    by_time = [where[a.value] for a in sorted(load.acknowledgements, key=lambda a: a.at)]
    assert by_time == sorted(by_time, key=(old, to).index), "the old cluster after the new one"


def test_a_node_started_from_nothing_is_in_step(operator: Operator, node: Process):
    node.kill()
    node.restart()
    wait_until(operator.in_step, "both nodes have folded what the control plane has", PATIENCE)
