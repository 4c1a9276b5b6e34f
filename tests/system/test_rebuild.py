"""The control topic can be lost, and so can either way to the control plane."""

import time

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from contract.codec import decode
from contract.fold import ControlState
from contract.records import CONTROL_TOPIC
from sandbox.process import wait_until
from tests.system.evidence import assert_all_written
from tests.system.load import Load
from tests.system.operator import PATIENCE, Operator

pytestmark = [pytest.mark.environment, pytest.mark.timeout(150)]

TOPIC = "orders"
LEASE_S = 5.0


def delete_control_topic(operator: Operator) -> None:
    admin = AdminClient({"bootstrap.servers": operator.environment.failover.bootstrap_servers})
    for future in admin.delete_topics([CONTROL_TOPIC]).values():
        future.result(20)


def fold_of_the_topic(operator: Operator) -> ControlState:
    """What the control topic adds up to, read from its cluster as a node reads it."""
    consumer = Consumer(
        {
            "bootstrap.servers": operator.environment.failover.bootstrap_servers,
            "group.id": "fold",
            "isolation.level": "read_uncommitted",
            "enable.partition.eof": True,
        }
    )
    state = ControlState()
    consumer.assign([TopicPartition(CONTROL_TOPIC, 0, 0)])
    give_up_at = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < give_up_at:
            for message in consumer.consume(1000, timeout=1):
                if message.error() is not None:
                    return state
                value = message.value()
                assert value is not None
                state.apply(decode(value))
    finally:
        consumer.close()
    raise AssertionError("the control topic cannot be read to its end")


def assert_all_fold_to_the_same(operator: Operator) -> None:
    """Postgres, the topic, the control planes and both nodes."""
    wait_until(operator.in_step, "both nodes have folded what the control plane has", PATIENCE)
    head = operator.events()[-1]["seq"]
    digests = {
        "postgres": operator.call("GET", f"/api/v1/state?asOf={head}").json()["digest"],
        "topic": fold_of_the_topic(operator).digest(),
        **{f"plane{i}": operator.call("GET", "/api/v1/state", i).json()["digest"] for i in (0, 1)},
        **{node["nodeId"]: node["digest"] for node in operator.nodes()},
    }
    assert set(digests) == {"postgres", "topic", "plane0", "plane1", "gateway1", "gateway2"}
    assert len(set(digests.values())) == 1, digests


def assert_serves_for(operator: Operator, load: Load, seconds: float) -> None:
    """No node stops serving, and clients get on, for that long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        load.wait_for_more(10)
        assert all(operator.node_is(index, "serving") for index in (0, 1))


def test_a_lost_control_topic_is_rebuilt_under_load(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        load.wait_for_more(20)
        delete_control_topic(operator)
        rebuilt = operator.command("control", "rebuild-topic", "-o", "json")
        assert rebuilt.returncode == 0, rebuilt.stderr
        assert_all_fold_to_the_same(operator)
        assert fold_of_the_topic(operator).digest() in rebuilt.stdout
        load.wait_for_more(20)
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)


def test_a_rebuilt_topic_can_be_rebuilt_again(operator: Operator):
    for plane in (0, 1):
        assert operator.call("POST", "/api/v1/control-topic/rebuild", plane).status_code == 200
        assert_all_fold_to_the_same(operator)


def test_a_node_started_after_a_rebuild_is_in_step(operator: Operator):
    assert operator.call("POST", "/api/v1/control-topic/rebuild").status_code == 200
    node = operator.environment.process("gateway1")
    node.kill()
    node.restart()
    assert_all_fold_to_the_same(operator)


def test_switches_work_after_a_rebuild(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)
    assert operator.call("POST", "/api/v1/control-topic/rebuild").status_code == 200
    to = operator.other_cluster()
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        load.wait_for_more(20)
        assert operator.switch(to).json() == {"message": "Cluster switched"}
        load.wait_for_more(20)
    assert operator.switch(operator.other_cluster()).json() == {"message": "Cluster switched"}
    operator.wait_for_agreement()
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)
    assert_all_fold_to_the_same(operator)


@pytest.fixture
def served_by_main(operator: Operator) -> None:
    """The control topic's cluster serves nobody."""
    assert operator.switch("main").status_code == 200
    operator.wait_for_agreement()


def test_nodes_serve_while_the_control_topic_s_cluster_is_away(
    operator: Operator, vcluster: str, served_by_main: None
):
    operator.create_topic(vcluster, TOPIC)
    away = operator.environment.process("failover-kafka1")
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        load.wait_for_more(20)
        away.pause()
        try:
            assert_serves_for(operator, load, 3 * LEASE_S)
        finally:
            away.resume()
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)
    assert_all_fold_to_the_same(operator)


def test_nodes_serve_without_a_control_plane_and_fence_themselves_without_both(
    operator: Operator, vcluster: str, served_by_main: None
):
    operator.create_topic(vcluster, TOPIC)
    away = operator.environment.process("failover-kafka1")
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        load.wait_for_more(20)
        for plane in (0, 1):
            operator.control_plane(plane).kill()
        try:
            assert_serves_for(operator, load, 3 * LEASE_S)
            away.pause()
            wait_until(
                lambda: all(operator.node_is(i, "self_fenced") for i in (0, 1)),
                "both nodes have fenced themselves",
                3 * LEASE_S,
            )
        finally:
            away.resume()
            for plane in (0, 1):
                operator.control_plane(plane).restart()
        operator.wait_for_agreement()
        load.wait_for_more(20)
    assert_all_written(operator, load, vcluster + TOPIC)
    assert_all_fold_to_the_same(operator)
