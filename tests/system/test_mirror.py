"""A real MirrorMaker 2, turned round with every switch: each record once, on both sides."""

import asyncio
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from contract.clusters_file import ClusterProperties
from sandbox.process import wait_until
from tests.controlplane.probes.batches import GZIP, Raw, append, batch
from tests.system import any_records
from tests.system.any_records_page import Round, page
from tests.system.mirrored import mirror, mirrored, ordered, refusals, turned_to
from tests.system.operator import Operator, end_of

pytestmark = [pytest.mark.environment, pytest.mark.timeout(400)]

PARTITIONS = 3
BATCH = 60
CRASH_POINTS = ("mirror.stopped", "mirror.positions_seeded", "mirror.started")
"""Right after these the leader dies, one in each turn of the mirror; another goes on."""
VARIABLES = {"INTERLOCK_SWITCH_BUDGET_S": "60", "INTERLOCK_MIRROR_BUDGET_S": "30"}


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    with mirrored(tmp_path_factory.mktemp("mirror"), VARIABLES) as operator:
        yield operator


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


ODD = {
    "ages": {},
    "packed": {},
    "large": {"max.message.bytes": "10485760"},
}
"""Topics for records that stop a mirror as Kafka ships it, with their configs."""


def write_odd_records(cluster):
    """What a broker takes from any client."""
    packed = msgspec.json.encode([{"a": "x" * 50}] * 50_000)
    batches = {
        "ages": (
            batch(Raw(b"none", timestamp=-1), Raw(b"before 1970", timestamp=-86_400_000)),
            batch(Raw(b"smallest", timestamp=-(2**40)), Raw(b"", headers=[(b"h", None)])),
            batch(Raw(b"none", timestamp=-1), codec=GZIP),
        ),
        "packed": (batch(Raw(packed), codec=GZIP),),
        "large": (batch(Raw(random.Random(1).randbytes(9_000_000))),),
    }
    for topic, written in batches.items():
        for one in written:
            asyncio.run(append(cluster, f"odd-{topic}", 0, one))


def test_no_record_of_a_tenant_stops_the_mirror_or_a_planned_switch(operator):
    """Goes on where the test before it ended: failover serves, and both sides hold the same."""
    admin = AdminClient(operator.client("odd-"))
    topics = [NewTopic(topic, 1, 1, config=configs) for topic, configs in ODD.items()]
    for created in admin.create_topics(topics).values():
        created.result(10)
    for serving, to in (("failover", "main"), ("main", "failover")):
        reached = {"bootstrap.servers": operator.cluster(serving).bootstrap_servers}
        write_odd_records(ClusterProperties(name=serving, role="upstream", properties=reached))
        answer = operator.switch(to, wait="mirror")
        assert answer.status_code == 200, answer.text
        wait_until(lambda to=to: turned_to(operator, to), f"the mirror copies from {to}", 60)
        for topic in ODD:
            held = [list(records(operator, name, f"odd-{topic}")) for name in ("main", "failover")]
            assert held[0] == held[1], topic


NOTHING = [0] * any_records.PARTITIONS
ROUNDS = int(os.environ.get("INTERLOCK_RECORDS", "2"))
"""`make records` has more of them, and writes `docs/records.md`."""
RECORDS_PAGE = Path(__file__).parents[2] / "docs" / "records.md"


@pytest.mark.timeout(400 + 60 * ROUNDS)
def test_whatever_a_broker_takes_of_a_tenant_is_proved_record_by_record(operator):
    """There and back: on the way back the mirror's copies are what is copied."""
    rounds = []
    admin = AdminClient(operator.client("odd-"))
    topic = NewTopic("any", any_records.PARTITIONS, 1, config={"retention.ms": "-1"})
    admin.create_topics([topic])["any"].result(10)
    Operator._create(operator.client("good-"), "orders", 1)
    for number in range(ROUNDS):
        serving, to = operator.routing()["cluster"], operator.other_cluster()
        reached = {"bootstrap.servers": operator.cluster(serving).bootstrap_servers}
        cluster = ClusterProperties(name=serving, role="upstream", properties=reached)
        before = any_records.ends(operator.cluster(to), "odd-any") if number else NOTHING
        taken = asyncio.run(any_records.write_any(cluster, "odd-any", seed=str(number)))
        assert len(taken) > 10 * any_records.PARTITIONS
        write_all(operator.client("good-"), "orders", b"%d" % number)
        orders = [b"%d" % n for n in range(number + 1)]

        def copied(to=to, orders=orders):
            return list(records(operator, to, "good-orders")) == orders

        wait_until(copied, "the other tenant's records are copied", 60)
        answer = operator.switch(to, wait="mirror")
        assert answer.status_code == 200, answer.text
        wait_until(lambda to=to: turned_to(operator, to), f"the mirror copies from {to}", 60)
        told = operator.events(kind="switch.caught_up")[-1]["data"]
        assert not told.get("waived")
        proved = told["proved"]
        assert "counted_alone" not in proved, proved
        assert not any(name.startswith("odd-any") for name in proved.get("counted", ())), proved
        copies = any_records.read(operator.cluster(to), "odd-any", before)
        assert any_records.content(copies) == taken
        completed = operator.events(kind="switch.completed")[-1]["data"]
        rounds.append(Round(to, len(taken), proved, completed))
    if "INTERLOCK_RECORDS" in os.environ:
        RECORDS_PAGE.write_text(page(rounds))


def test_the_mirror_writes_a_name_that_is_no_text_as_java_reads_it(operator):
    """So the proof reads both as Java does (`controlplane/probes/unpacking.py`)."""
    admin = AdminClient(operator.client("odd-"))
    admin.create_topics([NewTopic("names", 1, 1)])["names"].result(10)
    serving, other = operator.routing()["cluster"], operator.other_cluster()
    names = [b"caf\xe9", b"\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80", b"", "ü".encode()]
    reached = {"bootstrap.servers": operator.cluster(serving).bootstrap_servers}
    cluster = ClusterProperties(name=serving, role="upstream", properties=reached)
    written = batch(Raw(b"v", headers=[(name, b"%d" % n) for n, name in enumerate(names)]))
    asyncio.run(append(cluster, "odd-names", 0, written))
    wait_until(lambda: list(records(operator, other, "odd-names")) == [b"v"], "a copy", 60)
    (copy,) = any_records.read(operator.cluster(other), "odd-names", [0])
    read = ["caf\ufffd", "\ufffd", "\ufffd", "\ufffd" * 4, "", "ü"]
    assert copy.headers() == [(name, b"%d" % n) for n, name in enumerate(read)]


def test_a_topic_that_is_too_much_to_read_is_counted_and_stops_nobody(operator):
    """As a tenant can make it: records that grow a thousandfold when they are decompressed."""
    admin = AdminClient(operator.client("odd-"))
    for created in admin.create_topics([NewTopic("bomb", 1, 1)]).values():
        created.result(10)
    for serving, to in (("failover", "main"), ("main", "failover")):
        reached = {"bootstrap.servers": operator.cluster(serving).bootstrap_servers}
        main = ClusterProperties(name=serving, role="upstream", properties=reached)
        for number in range(15):
            bomb = batch(Raw(bytes(3 << 20), timestamp=now_ms() + number), codec=GZIP)
            asyncio.run(append(main, "odd-bomb", 0, bomb))
        produce(operator, "roundtrip-", "numbers", 0)
        answer = operator.switch(to, wait="mirror")
        assert answer.status_code == 200, answer.text
        wait_until(lambda to=to: turned_to(operator, to), f"the mirror copies from {to}", 60)
        proved = operator.events(kind="switch.caught_up")[-1]["data"]["proved"]
        assert "odd-bomb-0" in (*proved.get("counted", ()), *proved.get("alone", ())), proved
        assert not any("roundtrip-" in name for name in proved.get("alone", ()))
        ends = [end_of(operator.cluster(name), "odd-bomb") for name in ("main", "failover")]
        assert ends[0] == ends[1] > 0


def now_ms():
    return int(datetime.now(UTC).timestamp() * 1000)


def test_a_task_that_failed_is_told_with_its_cause_and_started_again(operator):
    """Goes on where the test before it ended: failover serves, and both sides hold the same."""
    physical = "odd-packed"
    target = AdminClient({"bootstrap.servers": operator.cluster("main").bootstrap_servers})
    producer = Producer({"bootstrap.servers": operator.cluster("failover").bootstrap_servers})

    def allow(size):
        entry = ConfigEntry(
            "max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET
        )
        topic = ConfigResource(ResourceType.TOPIC, physical, incremental_configs=[entry])
        (altered,) = target.incremental_alter_configs([topic]).values()
        altered.result(10)

    def trouble():
        return mirror(operator)["trouble"] or ""

    allow(1000)
    producer.produce(physical, random.Random(2).randbytes(5000))
    assert producer.flush(10) == 0
    wait_until(lambda: "RecordTooLargeException" in trouble(), "the cause is told", 60)
    reason = refusals(operator, "main")["mirror_direction"]
    assert "MirrorSourceConnector" in reason
    assert "RecordTooLargeException" in reason
    allow(1_048_588)

    def copied():
        held = [list(records(operator, name, physical)) for name in ("main", "failover")]
        return held[0] == held[1]

    wait_until(copied, "it was started again", 90)
    wait_until(lambda: not trouble(), "nothing is wrong any more", 30)
    lines = operator.call("GET", "/metrics").text.splitlines()
    told = dict(line.split() for line in lines if line.startswith("interlock_mirror_restarts "))
    assert float(told["interlock_mirror_restarts"]) >= 1


def test_a_topic_made_again_that_outgrew_the_old_one_unnoticed_is_copied_from_its_beginning(
    operator,
):
    vcluster, topic = "again-", "orders"
    client, physical = operator.client(vcluster), vcluster + topic
    serving, other = operator.routing()["cluster"], operator.other_cluster()
    Operator._create(client, topic, 1)
    write_all(client, topic, b"old", b"older")
    wait_until(lambda: list(records(operator, other, physical)) == [b"old", b"older"], "a copy", 60)
    (worker,) = psutil.Process(operator.environment.process("mirror-maker").pid).children()
    worker.suspend()
    admin, new = AdminClient(client), [b"%d" % number for number in range(5)]
    (deleted,) = admin.delete_topics([topic]).values()
    deleted.result(30)
    Operator._create(client, topic, 1)
    write_all(client, topic, *new)
    worker.resume()
    wait_until(
        lambda: list(records(operator, other, physical))[-5:] == new, "it is copied whole", 120
    )
    wait_until(lambda: refusals(operator, other) == {}, "nothing stands in the way", 30)
    for to in (other, serving):
        answer = operator.switch(to, wait="mirror")
        assert answer.status_code == 200, answer.text
        assert list(records(operator, to, physical)) == new
        wait_until(lambda to=to: turned_to(operator, to), f"the mirror copies from {to}", 60)


def write_all(client, topic, *values):
    producer = Producer(client)
    for value in values:
        producer.produce(topic, value)
        assert producer.flush(30) == 0


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
    switch_with_known_loss(operator, "failover")
    kept = [n for n in range(count) if not shared <= n < lost]
    assert list(records(operator, "main", physical)) == in_partitions(kept)
    assert list(records(operator, "failover", physical)) == in_partitions(range(count))


def switch_with_known_loss(operator, to):
    """Leave behind what only the other cluster has of topics that came apart."""
    accepted = {"toCluster": to, "acceptLoss": True, "reason": "they are known"}
    started = operator.call("POST", "/api/v1/switches", json=accepted).json()["switchId"]

    def ended():
        return operator.call("GET", f"/api/v1/switches/{started}").json()["switch"]["endedAt"]

    wait_until(ended, "the switch ends", 60)
    assert operator.routing()["cluster"] == to


def test_scopes_that_move_one_after_the_other_share_one_mirror(operator):
    """Goes on where the test before it ended: failover serves, the mirror copies from there."""
    wait_until(lambda: turned_to(operator, "failover"), "the mirror copies from failover", 90)
    tenants, counts = {"early-": "wave1", "late-": "main"}, dict.fromkeys(("early-", "late-"), 0)
    for vcluster, scope in tenants.items():
        body = {"name": vcluster, "scope": scope}
        made = operator.call("POST", "/api/v1/virtual-clusters", json=body)
        assert made.status_code == 201, made.text
        Operator._create(operator.client(vcluster), "numbers", PARTITIONS)
        counts[vcluster] = produce(operator, vcluster, "numbers", 0)
    early = operator.client("early-")
    Operator._create(early, "gone", 1)
    write_all(early, "gone", b"a record that is to stay deleted")

    def everywhere(physical, count):
        held = (len(list(records(operator, cluster, physical))) for cluster in ("main", "failover"))
        return set(held) == {count}

    wait_until(lambda: everywhere("early-gone", 1), "the mirror has brought the topic", 60)
    answer = operator.switch("main", wait="mirror", scope="wave1")
    assert answer.status_code == 200, answer.text
    assert mirror(operator)["leftOut"] == ["early-"]
    wait_until(lambda: ordered(operator)["left_out"] == ["early-"], "early- is left out", 40)
    delete(early, "gone")
    Operator._create(operator.client("late-"), "after", 1)
    write_all(operator.client("late-"), "after", b"the mirror looks for new topics")
    wait_until(lambda: everywhere("late-after", 1), "the mirror has looked for new topics", 60)
    assert list(records(operator, "main", "early-gone")) == []
    for vcluster in tenants:
        counts[vcluster] = produce(operator, vcluster, "numbers", counts[vcluster])

    switch_with_known_loss(operator, "main")
    wait_until(lambda: turned_to(operator, "main"), "the mirror copies from main", 90)
    assert mirror(operator)["leftOut"] == []
    for vcluster in tenants:
        count = produce(operator, vcluster, "numbers", counts[vcluster])
        wait_until(
            lambda v=vcluster, c=count: everywhere(f"{v}numbers", c), "all is on both sides", 60
        )
        for cluster in ("main", "failover"):
            found = list(records(operator, cluster, f"{vcluster}numbers"))
            assert found == in_partitions(range(count)), (vcluster, cluster)


def delete(client, topic):
    admin = AdminClient(client)
    admin.delete_topics([topic])[topic].result(30)


def records(operator, cluster, physical):
    known = AdminClient({"bootstrap.servers": operator.cluster(cluster).bootstrap_servers})
    if physical not in known.list_topics(timeout=10).topics:
        return iter(())
    return operator.physical_records(cluster, physical)
