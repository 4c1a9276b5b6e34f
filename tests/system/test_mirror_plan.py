"""What `plan` and the switch say of a mirror that another runs: absent, of the wrong policy, twice.

MirrorMaker 2 is real and is started here by hand, as an operator would.
"""

from contextlib import contextmanager

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from sandbox import mirror
from sandbox.kafka_release import kafka_release
from sandbox.process import Process, Program, wait_until
from sandbox.variables import inherited_without
from tests.system.operator import end_of

pytestmark = [pytest.mark.environment, pytest.mark.timeout(400)]

_FILTER = "org.apache.kafka.connect.transforms"
LEAVES_TOMBSTONES_OUT = {
    "main->failover.transforms": "drop",
    "main->failover.transforms.drop.type": f"{_FILTER}.Filter",
    "main->failover.transforms.drop.predicate": "tombstone",
    "main->failover.predicates": "tombstone",
    "main->failover.predicates.tombstone.type": f"{_FILTER}.predicates.RecordIsTombstone",
}
DEFAULT_POLICY = "org.apache.kafka.connect.mirror.DefaultReplicationPolicy"


@contextmanager
def mirror_maker(operator, **changes):
    """MirrorMaker 2 from main to failover, with some properties of one's own."""
    folder = operator.environment.plan.folder
    clusters = (operator.environment.main, operator.environment.failover)
    properties = mirror.one_way(*clusters) | changes
    file = folder / "by-hand.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    process = Process(
        Program(
            name="mirror-by-hand",
            command=[*mirror._command(kafka_release()), str(file)],
            log=folder / "logs" / "mirror-by-hand.log",
            ready=lambda: True,
            environment=inherited_without("KAFKA_", "CLASSPATH"),
        )
    )
    process.start()
    try:
        yield process
    finally:
        process.kill()


def plan(operator, to="failover"):
    answer = operator.call("POST", "/api/v1/switch-plans", json={"toCluster": to})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusals(operator):
    return {c["name"]: c["detail"] for c in plan(operator)["checks"] if not c["passed"]}


def topics(cluster):
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    return set(admin.list_topics(timeout=10).topics)


@pytest.fixture(scope="module")
def physical(operator):
    """A topic with records, on main only."""
    vcluster, topic = "planned-", "users"
    operator._create(operator.client(vcluster), topic, 1)
    producer = Producer(operator.client(vcluster))
    for value in (b"tom", b"laura"):
        producer.produce(topic, value)
    assert producer.flush(30) == 0
    return vcluster + topic


def test_without_a_mirror_the_plan_says_so_and_the_switch_gives_up(operator, physical):
    found = refusals(operator)
    assert physical in found["topic_missing"]
    assert "no mirror is seen to run from main to failover" in found["mirror_direction"]
    assert physical in found["mirror_lag"]
    answer = operator.switch("failover", wait="mirror")
    assert answer.status_code == 503
    assert physical in answer.text
    assert operator.routing()["cluster"] == "main"
    assert "switch.fence_ordered" not in {e["kind"] for e in operator.events(kind="switch")}


def test_the_default_policy_is_refused_with_the_reason(operator, physical):
    failover = operator.environment.failover
    with mirror_maker(operator, **{"replication.policy.class": DEFAULT_POLICY}):
        wait_until(lambda: f"main.{physical}" in topics(failover), "MirrorMaker 2 copies", 90)
        reason = refusals(operator)["mirror_policy"]
        assert f"main.{physical}" in reason
        assert "IdentityReplicationPolicy" in reason
        answer = operator.switch("failover", wait="mirror")
    assert answer.status_code == 503
    assert "IdentityReplicationPolicy" in answer.text


def test_both_directions_are_noticed_refused_and_measured(operator, physical):
    both = {"failover->main.enabled": "true"}

    def noticed():
        return operator.events(kind="mirror.circle_detected")

    with mirror_maker(operator, **both):
        wait_until(noticed, "the circle is noticed", 120)
        assert "both directions" in refusals(operator)["mirror_circle"]
        answer = operator.switch("failover", wait="mirror")
        assert answer.status_code == 503
        assert "circle" in answer.text
        metrics = operator.call("GET", "/metrics").text
        assert 'interlock_mirror_circle{scope="main"} 1.0' in metrics
    wait_until(
        lambda: operator.events(kind="mirror.circle_ended"), "the end of the circle is noticed", 60
    )


def test_what_the_mirror_left_out_is_named_and_refused(operator, physical):
    vcluster, topic = "planned-", "left-out"
    operator._create(operator.client(vcluster), topic, 1)
    failover = operator.environment.failover
    with mirror_maker(operator, **LEAVES_TOMBSTONES_OUT):
        producer = Producer(operator.client(vcluster))
        for value in (b"tom", b"laura", None, None, b"eve"):
            producer.produce(topic, value, b"key")
        assert producer.flush(30) == 0
        wait_until(lambda: vcluster + topic in topics(failover), "the mirror has made it", 90)
        wait_until(lambda: end_of(failover, vcluster + topic) == 3, "the mirror goes on", 90)
        wait_until(lambda: "mirror_complete" in refusals(operator), "the watch sees it", 30)
        reason = refusals(operator)["mirror_complete"]
        assert f"2 of {vcluster}{topic}-0 (offsets 2 to 3)" in reason
        assert topic not in refusals(operator).get("mirror_lag", ""), "both end with the same"
        answer = operator.switch("failover", wait="mirror")
        assert answer.status_code == 503
        assert f"2 of {vcluster}{topic}-0" in answer.text
        metrics = operator.call("GET", "/metrics").text
        left_out = 'interlock_mirror_left_out_records{cluster="failover",scope="main"} 2.0'
        assert left_out in metrics
        question = {"toCluster": "failover", "acceptLoss": True}
        checks = operator.call("POST", "/api/v1/switch-plans", json=question).json()["checks"]
        (complete,) = (check for check in checks if check["name"] == "mirror_complete")
        assert complete["passed"]
    assert operator.routing()["cluster"] == "main"
