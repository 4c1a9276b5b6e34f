"""kill -9 of a control plane right after each event of a switch: it ends, nothing is half done.

INTERLOCK_CRASH_AT names the event. While the control plane runs no other one does, so that what
goes on afterwards knows nothing but the log. The simulation shows it for a log that ends after any
event (tests/simulation/test_simulation.py); here, with processes, it is shown for those with which
most changes outside the log, and for each one with INTERLOCK_ALL_CRASHES, as `make crashes` sets.
"""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from confluent_kafka import KafkaException, Producer

from controlplane.domain.switch import events
from reliability.readers import READERS
from sandbox.kafka import KafkaCluster
from sandbox.process import wait_until
from tests.system import transactions
from tests.system.evidence import assert_all_written
from tests.system.load import Load
from tests.system.mirror import Mirror
from tests.system.operator import PATIENCE, Operator, end_of

pytestmark = [pytest.mark.environment, pytest.mark.timeout(120)]

TOPIC = "orders"

PLANNED = (
    events.SwitchRequested,
    events.PreflightPassed,
    events.FenceOrdered,
    events.NodeDrained,
    events.BarrierReached,
    events.LossRecorded,
    events.LagWaived,
    events.SwitchCommitted,
    events.NodeResumed,
    events.SwitchCompleted,
)
RESTARTED = (events.SwitchCommitted,)
MIRRORED = (
    events.QuiesceOrdered,
    events.TransactionsHeld,
    events.SourceFrozen,
    events.CaughtUp,
    events.ProducersRecorded,
    events.PositionsTranslated,
    events.OffsetsNumbered,
    events.TopicIdsRecorded,
    events.NumberingDecided,
    events.CutRecorded,
)
"""What a switch that waits for its mirror adds."""
AWAITED = (events.MirrorAwaited,)
"""What it adds where the mirror does not keep up."""
RETURNING = (events.MembersReturned,)
"""What it adds where a group has cooperative members."""
TRANSACTIONAL = (events.TransactionsAborted, events.IdentitiesRecorded)
"""What it adds where a transaction is left open."""
ABORTING = (events.AbortRequested, events.SwitchAborted)
BYPASSED = (events.BypassDetected,)
WITHOUT_A_NODE = (events.NodeFenced,)
REJECTED = (events.SwitchRejected,)
TELLING = (
    events.FenceOrdered,
    events.SourceFrozen,
    events.AbortRequested,
    events.SwitchCommitted,
)
"""After these a cluster, a node or a client stands somewhere between two states."""
ALL = "INTERLOCK_ALL_CRASHES" in os.environ
OUTCOMES = {"switch.completed", "switch.aborted", "switch.rejected"}


def among(*of: type[events.SwitchEvent]) -> list[type[events.SwitchEvent]]:
    """Events after which a control plane is killed: all of these, or the telling ones."""
    return [event for event in of if event in TELLING or ALL]


def kind(event: type[events.SwitchEvent]) -> str:
    return str(event.__struct_config__.tag)


def test_every_event_of_a_switch_has_a_crash_here():
    crashed = {*PLANNED, *MIRRORED, *TRANSACTIONAL, *ABORTING, *BYPASSED, *WITHOUT_A_NODE}
    crashed |= {*REJECTED, *RETURNING, *AWAITED}
    assert crashed == set(events.SwitchEvent.__subclasses__())


def crash(operator: Operator, at: type[events.SwitchEvent], to: str, wait: str = "none") -> int:
    """Switch, and lose the only control plane at an event; `seq` of the last event before."""
    alone = operator.rely_on(0, crash_at=kind(at))
    before: int = operator.events()[-1]["seq"]
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(operator.switch, to, wait=wait)
        assert alone.wait_exit(PATIENCE) == -signal.SIGKILL
        # Mostly the call is cut off; an answer may leave between the event's commit and the kill.
        error = answer.exception(PATIENCE)
        assert error is None or isinstance(error, httpx.TransportError)
    return before


def end(operator: Operator, survivor: int, before: int) -> list[dict[str, Any]]:
    """Let a control plane take over; the switch's events, once it has ended in one way."""
    operator.rely_on(survivor)
    operator.wait_for_agreement()
    wait_until(lambda: not operator.open_switches(), "the switch has ended", PATIENCE)
    operator.wait_for_agreement()
    happened = operator.events(after=before, kind="switch")
    assert len({event["subject"] for event in happened}) == 1
    assert len([event for event in happened if event["kind"] in OUTCOMES]) == 1
    return happened


def kinds(happened: list[dict[str, Any]]) -> list[str]:
    return [event["kind"] for event in happened]


def assert_ended(happened: list[dict[str, Any]], kind: str) -> None:
    """The last event of the switch is of that kind; if not, its cause stands in the failure."""
    assert happened[-1]["kind"] == kind, happened[-1]


@pytest.mark.parametrize(
    ("at", "survivor"),
    [
        *(pytest.param(event, 1, id=f"{kind(event)}-another") for event in among(*PLANNED)),
        # A control plane keeps nothing of its own: restarted, it is another one on the same port.
        *(pytest.param(event, 0, id=f"{kind(event)}-restarted") for event in RESTARTED if ALL),
    ],
)
def test_a_switch_goes_on_after_a_crash(
    operator: Operator, vcluster: str, at: type[events.SwitchEvent], survivor: int
):
    operator.create_topic(vcluster, TOPIC)
    served = operator.wait_for_agreement()
    to = operator.other_cluster()
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        load.wait_for_more(20)
        before = crash(operator, at, to)
        happened = end(operator, survivor, before)
        assert operator.switch(to).json() == {"message": "Cluster switched"}, "asked again"
        load.wait_for_more(20)
    assert_ended(happened, "switch.completed")
    now = operator.routing()
    assert (now["cluster"], now["epoch"]) == (to, served["epoch"] + 1)
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)


def test_writes_that_are_held_too_long_are_not_lost(operator: Operator, vcluster: str):
    """A retriable error costs nothing, although the next write may be in before its repetition."""
    operator.create_topic(vcluster, TOPIC)
    to = operator.other_cluster()
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1) * 4], TOPIC) as load:
        load.wait_for_more(80)
        before = crash(operator, events.BarrierReached, to)
        for index in (0, 1):
            wait_until(
                partial(held_too_long, operator, index), "requests were held too long", PATIENCE
            )
        end(operator, 1, before)
        load.wait_for_more(80)
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)


def held_too_long(operator: Operator, index: int) -> bool:
    """Whether every producer on that node has heard that it must try again."""
    return operator.node_metric(index, "interlock_node_held_too_long_total") >= 4


def leave_a_gap(cluster: KafkaCluster, topic: str) -> None:
    """Offsets that no mirror brings over: of a transaction that is taken back."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(PATIENCE)
    producer.begin_transaction()
    producer.produce(topic, b"never", partition=0)
    producer.flush(PATIENCE)
    producer.abort_transaction(PATIENCE)


@pytest.mark.parametrize("at", among(*MIRRORED), ids=kind)
def test_a_switch_that_waits_for_its_mirror_goes_on_after_a_crash(
    operator: Operator, vcluster: str, at: type[events.SwitchEvent]
):
    operator.create_topic(vcluster, TOPIC)
    to = operator.other_cluster()
    source = operator.cluster(operator.routing()["cluster"])
    leave_a_gap(source, vcluster + TOPIC)
    with (
        Mirror(source, operator.cluster(to), vcluster + TOPIC),
        Load([operator.client(vcluster)], TOPIC) as load,
    ):
        load.wait_for_more(20)
        before = crash(operator, at, to, wait="mirror")
        happened = end(operator, 1, before)
        load.wait_for_more(20)
    assert_ended(happened, "switch.completed")
    assert operator.routing()["cluster"] == to
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)


@pytest.mark.parametrize("at", AWAITED, ids=kind)
def test_the_mirror_is_waited_for_after_a_crash(
    operator: Operator, vcluster: str, at: type[events.SwitchEvent]
):
    operator.create_topic(vcluster, TOPIC)
    to, physical = operator.other_cluster(), vcluster + TOPIC
    source, target = operator.cluster(operator.routing()["cluster"]), operator.cluster(to)
    with Load([operator.client(vcluster)], TOPIC) as load:
        with Mirror(source, target, physical):
            load.wait_for_more(20)
        copied = end_of(target, physical)
        load.wait_for_more(20)
        before = crash(operator, at, to, wait="mirror")
        with Mirror(source, target, physical, start=copied):
            happened = end(operator, 1, before)
        load.wait_for_more(20)
    (told, *_) = [e["data"] for e in happened if e["kind"] == kind(at)]
    assert (told["behind"], told["named"]) == (1, [f"{physical}-0"])
    assert_ended(happened, "switch.completed")
    assert load.errors == []
    assert_all_written(operator, load, physical)


@pytest.mark.parametrize("at", RETURNING, ids=kind)
def test_consumers_get_records_after_a_crash(
    operator: Operator, vcluster: str, at: type[events.SwitchEvent]
):
    operator.create_topic(vcluster, TOPIC)
    to = operator.other_cluster()
    source = operator.cluster(operator.routing()["cluster"])
    client = operator.client(vcluster)
    reader = READERS["librdkafka cooperative"](client, "readers", [TOPIC], 0)
    with (
        Mirror(source, operator.cluster(to), vcluster + TOPIC),
        Load([client], TOPIC) as load,
        reader,
    ):
        wait_until(lambda: bool(reader.given), "the group reads", PATIENCE)
        before = crash(operator, at, to, wait="mirror")
        happened = end(operator, 1, before)
        load.wait_for_more(20)
        given = len(reader.given)
        wait_until(lambda: len(reader.given) > given, "the group reads on", PATIENCE)
    assert_ended(happened, "switch.completed")
    assert load.errors == reader.errors == []


@pytest.mark.parametrize("at", among(*TRANSACTIONAL), ids=kind)
def test_a_transactional_producer_goes_on_after_a_crash(
    operator: Operator, vcluster: str, at: type[events.SwitchEvent]
):
    operator.create_topic(vcluster, transactions.TOPIC)
    operator.wait_for_agreement()
    to = operator.other_cluster()
    producer = transactions.transactional(operator, vcluster)
    transactions.write(producer, b"before")
    producer.begin_transaction()
    producer.produce(transactions.TOPIC, b"never")
    producer.flush(10)
    with transactions.mirrored(operator, vcluster, to):
        before = crash(operator, at, to, wait="mirror")
        happened = end(operator, 1, before)
    assert_ended(happened, "switch.completed")
    with pytest.raises(KafkaException):
        producer.commit_transaction(10)
    producer.abort_transaction(10)
    transactions.write(producer, b"after")
    assert transactions.committed(operator, vcluster) == ["before", "after"]


@pytest.mark.parametrize("at", among(*ABORTING, *([events.SourceFrozen] if ALL else [])), ids=kind)
def test_a_switch_that_cannot_be_is_undone_after_a_crash(
    operator: Operator, vcluster: str, at: type[events.SwitchEvent]
):
    operator.create_topic(vcluster, TOPIC)
    served = operator.wait_for_agreement()
    to = operator.other_cluster()
    direct = Producer({"bootstrap.servers": operator.cluster(to).bootstrap_servers})
    with Load([operator.client(vcluster)], TOPIC) as load:
        load.wait_for_more(20)
        # Newer than all the rest, so the mirror seems close; but it never holds the last record.
        soon = int((datetime.now(UTC) + timedelta(minutes=30)).timestamp() * 1000)
        direct.produce(vcluster + TOPIC, load.acknowledgements[0].value, timestamp=soon)
        assert direct.flush(10) == 0
        before = crash(operator, at, to, wait="mirror")
        happened = end(operator, 1, before)
        load.wait_for_more(20)
    assert "switch.fence_ordered" in kinds(happened)
    assert_ended(happened, "switch.aborted")
    now = operator.routing()
    assert (now["cluster"], now["epoch"]) == (served["cluster"], served["epoch"])
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)


def test_a_switch_past_which_somebody_writes_is_undone_after_a_crash(
    operator: Operator, vcluster: str
):
    operator.create_topic(vcluster, TOPIC)
    served = operator.wait_for_agreement()
    to = operator.other_cluster()
    source = operator.cluster(served["cluster"])
    past_the_gateway = {"bootstrap.servers": source.bootstrap_servers}
    with ExitStack() as running:
        running.enter_context(Mirror(source, operator.cluster(to), vcluster + TOPIC))
        writer = running.enter_context(Load([past_the_gateway], vcluster + TOPIC))
        writer.wait_for_more(20)
        before = crash(operator, events.BypassDetected, to, wait="mirror")
        happened = end(operator, 1, before)
    assert_ended(happened, "switch.aborted")
    assert "past the gateway" in happened[-1]["data"]["cause"]
    assert operator.routing()["epoch"] == served["epoch"]


def test_a_switch_without_one_node_goes_on_after_a_crash(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)
    to = operator.other_cluster()
    frozen = operator.environment.process("gateway1")
    with Load([operator.client(vcluster, gateway=1)], TOPIC) as load:
        load.wait_for_more(20)
        frozen.pause()
        try:
            before = crash(operator, events.NodeFenced, to)
            operator.rely_on(1)
            wait_until(lambda: not operator.open_switches(), "the switch has ended", PATIENCE)
        finally:
            frozen.resume()
        happened = end(operator, 1, before)
        load.wait_for_more(20)
    assert kinds(happened).count("switch.node_fenced") == 1
    assert operator.routing()["cluster"] == to
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)


def test_a_rejected_switch_stays_rejected_after_a_crash(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)
    served = operator.wait_for_agreement()
    if served["cluster"] == "main":
        assert operator.switch("failover").status_code == 200
        served = operator.wait_for_agreement()
    main = operator.environment.process("kafka1")
    with Load([operator.client(vcluster)], TOPIC) as load:
        load.wait_for_more(20)
        main.pause()
        try:
            before = crash(operator, events.SwitchRejected, "main")
        finally:
            main.resume()
        happened = end(operator, 1, before)
        load.wait_for_more(20)
    assert kinds(happened) == ["switch.requested", "switch.rejected"]
    assert operator.routing() == served
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)
