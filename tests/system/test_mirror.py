"""A real MirrorMaker 2, turned round with every switch: each record once, on both sides."""

import msgspec
import pytest
from confluent_kafka import Producer

from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports
from sandbox.process import wait_until
from tests.system.conftest import USERS
from tests.system.operator import Operator

pytestmark = [pytest.mark.environment, pytest.mark.timeout(400)]

PARTITIONS = 3
BATCH = 60
VARIABLES = {
    "GATEWAY_ADMIN_API_USERS": msgspec.json.encode(USERS).decode(),
    "INTERLOCK_SWITCH_BUDGET_S": "60",
    "INTERLOCK_MIRROR_BUDGET_S": "30",
}


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    with reserved_ports() as ports:
        plan = Plan(
            folder=tmp_path_factory.mktemp("mirror"),
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.GATEWAYS, Component.MIRROR}),
            control_plane_variables=VARIABLES,
        )
        with Environment(plan) as environment:
            yield Operator(environment)


def mirror(operator):
    return operator.call("GET", "/api/v1/mirror").json()


def turned_to(operator, source):
    """Whether the mirror copies from that cluster, and was seen to."""
    newest = mirror(operator)["reversal"]
    assert newest is None or newest["phase"] != "failed", newest["cause"]
    return newest is not None and newest["source"] == source and newest["phase"] == "reversed"


def produce(operator, vcluster, topic, begin):
    producer = Producer(operator.client(vcluster, **{"enable.idempotence": True}))
    for number in range(begin, begin + BATCH):
        producer.produce(topic, b"%d" % number, partition=number % PARTITIONS)
    assert producer.flush(30) == 0
    return begin + BATCH


def by_partition(count):
    return [
        value
        for partition in range(PARTITIONS)
        for value in (b"%d" % n for n in range(count) if n % PARTITIONS == partition)
    ]


def test_switching_back_and_forth_leaves_each_record_once_on_both_sides(operator):
    vcluster, topic = "roundtrip-", "numbers"
    Operator._create(operator.client(vcluster), topic, PARTITIONS)
    count = produce(operator, vcluster, topic, 0)
    for to in ("failover", "main", "failover"):
        answer = operator.switch(to, wait="mirror")
        assert answer.status_code == 200, answer.text
        count = produce(operator, vcluster, topic, count)
        wait_until(lambda to=to: turned_to(operator, to), f"the mirror copies from {to}", 60)
        count = produce(operator, vcluster, topic, count)

    def complete():
        other = operator.other_cluster()
        return len(list(operator.physical_records(other, vcluster + topic))) >= count

    wait_until(complete, "the mirror has brought everything", 60)
    for cluster in ("main", "failover"):
        found = list(operator.physical_records(cluster, vcluster + topic))
        assert found == by_partition(count), cluster
