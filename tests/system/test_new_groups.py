"""KIP-848 groups and topic ids under switches; `test_groups` has what their members read."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicCollection
from confluent_kafka.admin import AdminClient

from reliability.readers import READERS, LibrdkafkaReader
from sandbox.in_background import InBackground
from sandbox.process import wait_until
from tests.system.load import Load
from tests.system.mirror import Mirror
from tests.system.operator import PATIENCE, Operator
from tests.system.test_groups import GROUP, TOPICS, assert_read_once, read_all
from tests.system.test_groups import switch as switch_both
from tests.system.transactions import TOPIC, mirrored

pytestmark = [pytest.mark.environment, pytest.mark.timeout(240)]


class Member(InBackground):
    """A member that is polled all the time."""

    def __init__(self, operator: Operator, vcluster: str) -> None:
        super().__init__(self._run)
        self._consumer = Consumer(
            {
                **operator.client(vcluster),
                "group.id": GROUP,
                "group.protocol": "consumer",
                "auto.offset.reset": "earliest",
            }
        )
        self.values: list[bytes] = []
        self.partitions = 0
        """As it was told: asking the consumer from another thread takes very long meanwhile."""
        self._consumer.subscribe(
            [f"^{TOPIC[:3]}.*"],
            on_assign=lambda _, given: self._hold(len(given)),
            on_revoke=lambda _, taken: self._hold(-len(taken)),
            on_lost=lambda _, lost: self._hold(-len(lost)),
        )

    def _close(self) -> None:
        self._consumer.close()

    def _hold(self, more: int) -> None:
        self.partitions += more

    def _run(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.1)
            if message is not None and message.error() is None:
                self.values.append(message.value() or b"")


def switch(operator: Operator, vcluster: str) -> None:
    to = operator.other_cluster()
    with mirrored(operator, vcluster, to):
        answer = operator.switch(to, wait="mirror")
        assert answer.json() == {"message": "Cluster switched"}
    assert operator.wait_for_agreement()["cluster"] == to


def id_of(operator: Operator, vcluster: str, topic: str = TOPIC) -> str:
    admin = AdminClient(operator.client(vcluster))
    described = admin.describe_topics(TopicCollection([topic]))[topic].result(PATIENCE)
    return str(described.topic_id)  # which have no equality of their own


def write(operator: Operator, vcluster: str, value: bytes) -> None:
    producer = Producer(operator.client(vcluster))
    producer.produce(TOPIC, value)
    assert producer.flush(20) == 0


def test_a_topic_keeps_its_id_over_switches_until_it_is_made_anew(
    operator: Operator, vcluster: str
):
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    born = id_of(operator, vcluster)
    write(operator, vcluster, b"one")
    for _ in range(3):  # there, back, and there again
        switch(operator, vcluster)
        assert id_of(operator, vcluster) == born
    admin = AdminClient(operator.client(vcluster))
    admin.delete_topics([TOPIC])[TOPIC].result(PATIENCE)
    operator.create_topic(vcluster, TOPIC)
    anew = id_of(operator, vcluster)
    assert anew != born
    write(operator, vcluster, b"two")
    to = operator.other_cluster()
    source, target = operator.cluster(operator.routing()["cluster"]), operator.cluster(to)
    with Mirror(source, target, vcluster + TOPIC):
        assert operator.switch(to, wait="mirror").json() == {"message": "Cluster switched"}
    operator.wait_for_agreement()
    assert id_of(operator, vcluster) == anew


@contextmanager
def busy_member(operator: Operator, vcluster: str) -> Iterator[None]:
    """One that handles what it was given, and hears of nothing: a switch waits for it."""
    settings = {"group.id": "busy", "auto.offset.reset": "earliest"}
    consumer = Consumer({**operator.client(vcluster), **settings})
    consumer.subscribe([TOPIC])
    try:
        wait_until(lambda: consumer.poll(0.1) is not None, "it was given a record", PATIENCE)
        yield
    finally:
        consumer.close()


def test_members_go_on_where_they_were_when_a_switch_is_aborted_that_had_them_at_rest(
    operator: Operator, vcluster: str
):
    operator.create_topic(vcluster, TOPIC)
    served = operator.wait_for_agreement()
    seq, to = operator.events()[-1]["seq"], operator.other_cluster()
    asked: dict[str, Any] = {"toCluster": to, "reason": "test", "quiesceBudgetS": 60.0}
    with ExitStack() as running:
        member = running.enter_context(Member(operator, vcluster))
        load = running.enter_context(Load([operator.client(vcluster)], TOPIC))
        wait_until(lambda: bool(member.values), "it reads", PATIENCE)
        running.enter_context(mirrored(operator, vcluster, to))
        running.enter_context(busy_member(operator, vcluster))
        answer = operator.call("POST", "/api/v1/switches", json=asked)
        switch_id = answer.raise_for_status().json()["switchId"]
        wait_until(lambda: member.partitions == 0, "it is told to hold nothing", PATIENCE)
        aborting = operator.call(
            "POST", f"/api/v1/switches/{switch_id}/abort", json={"reason": "test"}
        )
        assert aborting.status_code == 202
        wait_until(lambda: not operator.open_switches(), "the switch ends", PATIENCE)
        wait_until(lambda: member.partitions == 1, "it has its partition again", PATIENCE)
        load.wait_for_more(20)
        wait_until(
            lambda: len(set(member.values)) >= len(load.acknowledgements) - 20, "it reads", PATIENCE
        )
    assert operator.events(after=seq)[-1]["kind"] == "switch.aborted"
    assert operator.routing()["cluster"] == served["cluster"]
    assert len(member.values) == len(set(member.values)), "read twice"


def test_a_group_with_members_of_both_protocols_reads_everything_once(
    operator: Operator, vcluster: str
):
    for topic in TOPICS:
        operator.create_topic(vcluster, topic)
    operator.wait_for_agreement()
    clients = [operator.client(vcluster, gateway) for gateway in (0, 1)]
    with ExitStack() as reading:
        # Kafka brings a group over to the new protocol when its first member of that kind joins.
        classic = reading.enter_context(
            LibrdkafkaReader(
                clients[0],
                GROUP,
                TOPICS,
                **{"partition.assignment.strategy": "range"},
            )
        )
        with ExitStack() as writing:
            loads = [writing.enter_context(Load([operator.client(vcluster)], t)) for t in TOPICS]
            wait_until(lambda: bool(classic.given), "the first member reads", PATIENCE)
            make = READERS["librdkafka KIP-848"]
            readers = [classic, reading.enter_context(make(clients[1], GROUP, TOPICS, 1))]
            wait_until(lambda: all(r.given for r in readers), "both members read", PATIENCE)
            switch_both(operator, vcluster)
            for load in loads:
                load.wait_for_more(40)
        wait_until(lambda: read_all(loads, readers), "everything was read", PATIENCE)
    assert_read_once(loads, readers)
