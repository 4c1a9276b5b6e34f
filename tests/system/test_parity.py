"""After a switch, and after the way back, everything is as a tenant has left it."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from sandbox.process import wait_until
from tests.system.mirrored import halted, mirrored, refusals, turned_to
from tests.system.tenant import Tenant, expected, found

pytestmark = [pytest.mark.environment, pytest.mark.timeout(600)]

VARIABLES = {"INTERLOCK_SWITCH_BUDGET_S": "90", "INTERLOCK_MIRROR_BUDGET_S": "40"}
QUICK = {"log.cleaner.backoff.ms": "500", "log.retention.check.interval.ms": "2000"}
"""What is to be deleted is deleted while a test looks."""
WORLDS = int(os.environ.get("INTERLOCK_WORLDS", "1"))


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    quick = {"main": QUICK, "failover": QUICK}
    with mirrored(tmp_path_factory.mktemp("parity"), VARIABLES, quick) as operator:
        yield operator


@pytest.mark.parametrize("seed", range(1, WORLDS + 1))
def test_everything_is_as_the_tenant_has_left_it(operator, seed):
    client = operator.client(f"world{seed}-")
    tenant = Tenant(client, seed)
    tenant.act(20)
    for _ in ("there", "back"):
        tenant.act(15)
        to = operator.other_cluster()
        with ThreadPoolExecutor() as pool:
            acting = pool.submit(tenant.act, 15)
            switch(operator, to)
            acting.result(120)
        time.sleep(1)  # brokers tell of changes a moment after they are made
        there, wanted = found(tenant, client), expected(tenant)
        for what, left in wanted.items():
            assert there[what] == left, f"{what}: {there[what]} instead of {left}"
        wait_until(lambda to=to: turned_to(operator, to), f"the mirror copies from {to}", 90)


def test_a_topic_that_was_made_past_the_gateway_is_waited_for_and_brought_over(operator):
    vcluster, topic = "untold-", "orders"
    physical, client = vcluster + topic, operator.client(vcluster, **{"group.id": "untold-readers"})
    to, serving = operator.other_cluster(), operator.routing()["cluster"]
    values = [b"%d" % number for number in range(10)]
    with ThreadPoolExecutor() as pool:
        with halted(operator):
            bootstrap = operator.cluster(serving).bootstrap_servers
            operator._create({"bootstrap.servers": bootstrap}, physical, 1)
            producer = Producer(client)
            for value in values:
                producer.produce(topic, value)
            assert producer.flush(30) == 0
            consumer = Consumer(client)
            consumer.commit(offsets=[TopicPartition(topic, 0, 7)], asynchronous=False)
            began_seq = operator.events()[-1]["seq"]
            switching = pool.submit(operator.switch, to, wait="mirror")

            def awaited():
                told = operator.events(kind="switch.mirror_awaited", after=began_seq)
                return any(f"{physical}-0" in event["data"]["named"] for event in told)

            wait_until(awaited, "the switch names what the mirror lacks", 30)
            assert operator.routing()["cluster"] == serving
        answer = switching.result(120)
    assert answer.status_code == 200, answer.text
    assert list(operator.physical_records(to, physical)) == values
    (cut,) = operator.events(kind="switch.cut_recorded", after=began_seq)
    assert [f"{physical}-0", len(values)] in cut["data"]["source_ends"]
    consumer.subscribe([topic])
    messages = consumer.consume(3, timeout=30)
    assert [(m.offset(), m.value()) for m in messages] == [(n, values[n]) for n in (7, 8, 9)]
    consumer.close()

    def adopted():
        told = operator.events(subject=f"topic/{vcluster}/{topic}")
        return [(event["kind"], event["actor"]) for event in told]

    wait_until(lambda: adopted() == [("topic.mapped", "system:adoption")], "it is adopted", 30)


def switch(operator, to):
    """Again, if the mirror passed over the beginning of a topic that was made again meanwhile."""
    answer = operator.switch(to, wait="mirror")
    if answer.status_code != 200:
        wait_until(lambda: refusals(operator, to) == {}, f"after {answer.text}: go", 120)
        answer = operator.switch(to, wait="mirror")
    assert answer.status_code == 200, answer.text
