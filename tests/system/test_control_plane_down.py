"""What works and what does not while no control plane runs, as `docs/operations.md` says."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from sandbox.process import Process, wait_until
from tests.system.evidence import assert_all_written
from tests.system.load import Load
from tests.system.operator import PATIENCE, Operator

pytestmark = [pytest.mark.environment, pytest.mark.timeout(180)]

TOPIC = "orders"
NEW_TOPIC = "created-meanwhile"


@contextmanager
def no_control_plane(operator: Operator) -> Iterator[None]:
    """All control planes are dead, and live again afterwards."""
    planes = [operator.control_plane(index) for index in (0, 1)]
    for plane in planes:
        plane.kill()
    try:
        yield
    finally:
        for plane in planes:
            plane.start()
        for plane in planes:
            plane.wait_ready()


@pytest.fixture
def restarted(operator: Operator) -> Iterator[Process]:
    """A node that a test restarts; it serves again before the next test."""
    gateway = operator.environment.process("gateway1")
    yield gateway
    if not gateway.is_running():
        gateway.start()
    operator.wait_for_agreement()


def has_lost_its_control_planes(operator: Operator, index: int) -> bool:
    lines = operator.node_log(index)
    return any(line["event"] == "cannot register with a control plane" for line in lines)


def topic_is_known(operator: Operator, vcluster: str) -> bool:
    created = operator.events(kind="topic")
    return any(e["data"].get("physical") == vcluster + NEW_TOPIC for e in created)


def test_clients_come_and_go_on_and_a_switch_works_afterwards(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    new_client = operator.client(vcluster, gateway=1)
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        load.wait_for_more(20)
        with no_control_plane(operator):
            load.wait_for_more(20)
            with Load([new_client], TOPIC) as late:
                late.wait_for_more(20)
            admin = AdminClient(new_client)
            admin.create_topics([NewTopic(NEW_TOPIC, 1, 1)])[NEW_TOPIC].result(20)
            load.wait_for_more(20)
        operator.wait_for_agreement()
        wait_until(lambda: topic_is_known(operator, vcluster), "the topic is recorded", PATIENCE)
        to = operator.other_cluster()
        assert operator.switch(to).json() == {"message": "Cluster switched"}
        assert operator.wait_for_agreement()["cluster"] == to
        load.wait_for_more(20)
    assert load.errors == []
    assert late.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)


def test_a_node_that_starts_waits_for_a_control_plane(
    operator: Operator, vcluster: str, restarted: Process
):
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    with Load([operator.client(vcluster, gateway=1)], TOPIC) as load:
        load.wait_for_more(20)
        with no_control_plane(operator):
            restarted.kill()
            restarted.start()
            wait_until(lambda: has_lost_its_control_planes(operator, 0), "the node tries", PATIENCE)
            load.wait_for_more(20)
            assert not restarted.program.ready()
        assert operator.wait_for_agreement()
        restarted.wait_ready()
        load.wait_for_more(20)
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)
