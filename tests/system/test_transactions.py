"""Transactional producers over planned switches, there and back."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import KafkaException, Producer

from reliability.writers import JavaWriter, TransactionalLibrdkafkaWriter, Writer
from sandbox.process import wait_until
from tests.system.operator import PATIENCE, Operator
from tests.system.transactions import TOPIC, committed, mirrored, transactional, write

pytestmark = [pytest.mark.environment, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Ledger:
    """What is written to."""

    topic: str = TOPIC
    partitions: int = 1
    pause_s: float = 0.05


def librdkafka(client: dict[str, Any]) -> Writer:
    return TransactionalLibrdkafkaWriter("librdkafka", client, Ledger(), "one")


def java(client: dict[str, Any]) -> Writer:
    return JavaWriter("java", client, Ledger(), "two")


@pytest.mark.parametrize("writer", [librdkafka, java])
def test_transactions_go_on_over_switches(
    operator: Operator, vcluster: str, writer: Callable[[dict[str, Any]], Writer]
):
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    with writer(operator.client(vcluster)) as writing:
        wait_for_more(writing)
        for _ in range(3):
            assert switch(operator, vcluster)["restless"] == []
            wait_for_more(writing)
    assert writing.errors == []
    acknowledged = {str(write.value) for write in writing.writes() if write.acknowledged_at}
    read = Counter(committed(operator, vcluster))
    assert acknowledged <= set(read), "lost"
    assert {value for value, count in read.items() if count > 1} == set(), "written twice"


def test_what_is_open_when_its_time_is_up_is_aborted(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    producer = transactional(operator, vcluster)
    producer.begin_transaction()
    producer.produce(TOPIC, b"never")
    producer.flush(10)
    fenced = switch(operator, vcluster, budget_s=1.0)
    assert [node["unrest"]["transaction_names"] for node in fenced["restless"]] == [
        [f"{vcluster}tx"]
    ]
    (aborted,) = operator.events(kind="switch.transactions_aborted")[-1:]
    assert aborted["data"]["transactional_ids"] == [f"{vcluster}tx"]
    (named,) = aborted["data"]["transactions"]
    assert named["transactional_id"] == f"{vcluster}tx"
    assert named["open_s"] > 0
    with pytest.raises(KafkaException) as told:
        producer.commit_transaction(10)
    assert told.value.args[0].txn_requires_abort()
    producer.abort_transaction(10)
    for value in (b"first", b"second"):
        write(producer, value)
    switch(operator, vcluster)
    write(producer, b"third")
    assert committed(operator, vcluster) == ["first", "second", "third"]


def test_what_is_open_is_waited_for_as_long_as_it_is_said(operator: Operator, vcluster: str):
    """A transaction that was prepared for a two-phase commit; meanwhile everything else goes on."""
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    prepared, other = transactional(operator, vcluster), Producer(operator.client(vcluster))
    prepared.begin_transaction()
    prepared.produce(TOPIC, b"prepared")
    prepared.flush(10)
    seq, to = operator.events()[-1]["seq"], operator.other_cluster()
    asked = {
        "toCluster": to,
        "reason": "test",
        "quiesceBudgetS": 1.0,
        "transactionsBudgetS": 60.0,
    }
    with mirrored(operator, vcluster, to):
        operator.call("POST", "/api/v1/switches", json=asked).raise_for_status()
        wait_until(
            lambda: operator.events(after=seq, kind="switch.transactions_held"), "held", PATIENCE
        )
        other.produce(TOPIC, b"meanwhile")
        assert other.flush(10) == 0
        time.sleep(2.0)
        assert operator.routing()["state"] == "serving"
        assert operator.events(after=seq, kind="switch.quiesce_ordered") == []
        prepared.commit_transaction(20)
        wait_until(lambda: not operator.open_switches(), "the switch ends", PATIENCE)
    assert operator.wait_for_agreement()["cluster"] == to
    assert operator.events(after=seq, kind="switch.transactions_aborted") == []
    write(prepared, b"after")
    assert committed(operator, vcluster) == ["prepared", "meanwhile", "after"]


def test_a_producer_that_was_replaced_stays_so(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    oldest, older, new = (transactional(operator, vcluster, gateway) for gateway in (0, 1, 0))
    for zombie in (oldest, older):
        switch(operator, vcluster)
        write(new, b"new")
        with pytest.raises(KafkaException) as told:
            write(zombie, b"zombie")
        assert told.value.args[0].fatal()
    assert committed(operator, vcluster) == ["new", "new"]


def test_a_producer_of_before_the_switch_is_replaced_after_it(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    old = transactional(operator, vcluster)
    write(old, b"old")
    switch(operator, vcluster)
    write(old, b"still")
    new = transactional(operator, vcluster, gateway=1)
    write(new, b"new")
    with pytest.raises(KafkaException) as told:
        write(old, b"zombie")
    assert told.value.args[0].fatal()
    switch(operator, vcluster)
    write(new, b"newer")
    assert committed(operator, vcluster) == ["old", "still", "new", "newer"]


def wait_for_more(writer: Writer) -> None:
    before = writer.acknowledged
    wait_until(
        lambda: writer.acknowledged >= before + 50 or bool(writer.errors), "it writes", PATIENCE
    )
    assert writer.errors == []


def switch(operator: Operator, vcluster: str, budget_s: float = 10.0) -> dict[str, Any]:
    """Switch with a mirror of what was committed; what was recorded when the fence was ordered."""
    to = operator.other_cluster()
    seq = operator.events()[-1]["seq"]
    with mirrored(operator, vcluster, to):
        asked = {"toCluster": to, "reason": "test", "quiesceBudgetS": budget_s}
        answer = operator.call("POST", "/api/v1/switches", json=asked)
        assert answer.status_code < 300, answer.text
        wait_until(lambda: not operator.open_switches(), "the switch ends", PATIENCE)
    ended = operator.events(after=seq)[-1]
    assert operator.wait_for_agreement()["cluster"] == to, ended["data"]
    (fence,) = operator.events(after=seq, kind="switch.fence_ordered")
    data: dict[str, Any] = fence["data"]
    return data
