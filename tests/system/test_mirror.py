"""A real MirrorMaker 2, turned round with every switch: each record once, on both sides."""

import msgspec
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports
from sandbox.process import wait_until
from tests.system.conftest import USERS
from tests.system.operator import Operator

pytestmark = [pytest.mark.environment, pytest.mark.timeout(400)]

PARTITIONS = 3
BATCH = 60
CRASH_POINTS = ("mirror.stopped", "mirror.positions_seeded", "mirror.started")
"""Right after these the leader dies, one in each turn of the mirror; another goes on."""
VARIABLES = {
    "GATEWAY_ADMIN_API_USERS": msgspec.json.encode(USERS).decode(),
    "INTERLOCK_MIRROR_REVERSAL": "after_switch",
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


def in_partitions(numbers):
    """As the cluster is read: one partition after the other."""
    numbers = list(numbers)
    return [
        b"%d" % n for partition in range(PARTITIONS) for n in numbers if n % PARTITIONS == partition
    ]


def test_switching_back_and_forth_leaves_each_record_once_on_both_sides(operator):
    vcluster, topic = "roundtrip-", "numbers"
    Operator._create(operator.client(vcluster), topic, PARTITIONS)
    count = produce(operator, vcluster, topic, 0)
    for to, crash_at in zip(("failover", "main", "failover"), CRASH_POINTS, strict=True):
        leader = operator.rely_on(0, crash_at)
        answer = operator.switch(to, wait="mirror")
        assert answer.status_code == 200, answer.text
        count = produce(operator, vcluster, topic, count)
        leader.wait_exit(60)
        operator.rely_on(1)
        wait_until(lambda to=to: turned_to(operator, to), f"the mirror copies from {to}", 60)
        count = produce(operator, vcluster, topic, count)

    def complete():
        other = operator.other_cluster()
        return len(list(operator.physical_records(other, vcluster + topic))) >= count

    wait_until(complete, "the mirror has brought everything", 60)
    for cluster in ("main", "failover"):
        found = list(operator.physical_records(cluster, vcluster + topic))
        assert found == in_partitions(range(count)), cluster


def test_after_a_forced_switch_the_old_cluster_is_made_a_copy_again_and_its_tail_kept(operator):
    """Goes on where the test before it ended: failover serves, and both sides hold the same."""
    vcluster, topic = "restored-", "numbers"
    physical = vcluster + topic
    Operator._create(operator.client(vcluster), topic, PARTITIONS)
    shared = produce(operator, vcluster, topic, 0)
    wait_until(
        lambda: len(list(records(operator, "main", physical))) == shared, "all is mirrored", 60
    )
    supervisor = operator.environment.process("mirror-maker")
    supervisor.kill()
    lost = produce(operator, vcluster, topic, shared)
    assert operator.switch("main", wait="none").status_code == 200
    count = produce(operator, vcluster, topic, lost)

    body = {"findCut": True, "tail": "side_topic", "reason": "the mirror had died"}
    assert operator.call("POST", "/api/v1/mirror/reverse", json=body).status_code == 202
    supervisor.restart()
    wait_until(lambda: turned_to(operator, "main"), "the mirror copies from main", 90)
    reversal = mirror(operator)["reversal"]
    assert reversal["filledAgain"] == [physical]
    (side,) = reversal["sideTopics"]
    assert list(records(operator, "main", side)) == in_partitions(range(shared, lost))

    kept = in_partitions(n for n in range(count) if not shared <= n < lost)
    wait_until(
        lambda: list(records(operator, "failover", physical)) == kept, "it is a copy again", 60
    )
    assert operator.call("GET", "/api/v1/mirror/divergence").json()["items"] == []
    answer = operator.switch("failover", wait="mirror")
    assert answer.status_code == 200, answer.text
    wait_until(lambda: turned_to(operator, "failover"), "the mirror copies from failover", 60)


def test_after_a_forced_switch_the_failback_is_refused_until_what_is_lost_is_accepted(operator):
    """Goes on where the test before it ended: failover serves, and both sides hold the same."""
    vcluster, topic = "apart-", "numbers"
    physical = vcluster + topic
    Operator._create(operator.client(vcluster), topic, PARTITIONS)
    shared = produce(operator, vcluster, topic, 0)
    wait_until(
        lambda: len(list(records(operator, "main", physical))) == shared, "all is mirrored", 60
    )
    supervisor = operator.environment.process("mirror-maker")
    supervisor.kill()
    lost = produce(operator, vcluster, topic, shared)
    assert operator.switch("main", wait="none").status_code == 200
    count = produce(operator, vcluster, topic, lost)

    report = operator.call("GET", "/api/v1/mirror/divergence?keys=1").json()
    assert (report["serving"], report["other"]) == ("main", "failover")
    assert [item["partition"] for item in report["items"]] == [f"{physical}-{n}" for n in range(3)]
    for item in report["items"]:
        twenty = [[BATCH // PARTITIONS, 2 * BATCH // PARTITIONS - 1]]
        assert (item["onlyOnServing"]["ranges"], item["notOnTheirWay"]) == (twenty, 0)
        assert item["onlyOnOther"]["ranges"] == twenty
        assert item["onlyOnOther"]["keys"] == [None]

    refused = operator.call("POST", "/api/v1/mirror/reverse", json={})
    assert refused.status_code == 409
    assert "--find-cut" in refused.text
    body = {"findCut": True, "reason": "the mirror had died"}
    assert operator.call("POST", "/api/v1/mirror/reverse", json=body).status_code == 202
    supervisor.restart()
    wait_until(lambda: turned_to(operator, "main"), "the mirror copies from main", 90)

    answer = operator.switch("failover", wait="mirror")
    assert answer.status_code == 503
    assert f"failover holds {BATCH} records that main never had" in answer.text
    accepted = {"toCluster": "failover", "acceptLoss": True, "reason": "they are known"}
    started = operator.call("POST", "/api/v1/switches", json=accepted).json()["switchId"]

    def ended():
        return operator.call("GET", f"/api/v1/switches/{started}").json()["switch"]["endedAt"]

    wait_until(ended, "the switch back ends", 60)
    assert operator.routing()["cluster"] == "failover"
    kept = [n for n in range(count) if not shared <= n < lost]
    assert list(records(operator, "main", physical)) == in_partitions(kept)
    assert list(records(operator, "failover", physical)) == in_partitions(range(count))


def records(operator, cluster, physical):
    known = AdminClient({"bootstrap.servers": operator.cluster(cluster).bootstrap_servers})
    if physical not in known.list_topics(timeout=10).topics:
        return iter(())
    return operator.physical_records(cluster, physical)
