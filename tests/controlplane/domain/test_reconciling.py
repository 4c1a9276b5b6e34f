"""What was broadcast becomes what the log says, whatever it had lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.fold import ControlState
from contract.records import Node, Record, Routing
from controlplane.domain import events
from controlplane.domain.copies import Copy
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.common_ground import came_apart
from controlplane.domain.mirror.request import (
    RequestReversal,
    due_reversal,
    last_committed,
    request_reversal,
)
from controlplane.domain.reconciling import differences, reconcile
from controlplane.domain.refusal import Conflict
from controlplane.domain.switch import events as switch
from controlplane.domain.switch.transitions import Phase
from tests.controlplane.domain.switch.ways import (
    REQUESTED,
    from_the_fence_to_the_commit,
    to_the_fence,
)
from tests.controlplane.histories import OPEN, TEAM_A, described, facts_of, mapped, take

CUT = switch.CutRecorded(switch_id="s", source_ends=(("t-0", 3),), target_ends=(("t-0", 3),))
COMMITTED = switch.SwitchCommitted(switch_id="s", epoch=1)
COMPLETED = switch.SwitchCompleted(switch_id="s", fenced_ms=1.0, total_ms=2.0)
REGISTERED = events.NodeRegistered(node_id="n1", incarnation="i1")
AGAIN = events.NodeRegistered(node_id="n1", incarnation="i2")
TEAM_B = events.VirtualClusterCreated(name="other", scope="main", cluster_id="y")
GONE = events.VirtualClusterDeleted(name="teamA")
HISTORY: tuple[Event, ...] = (
    described("main", 1),
    described("failover", 2, index=1),
    OPEN,
    TEAM_A,
    REGISTERED,
    mapped("teamA", "orders"),
    REQUESTED,
    *to_the_fence("s"),
    *from_the_fence_to_the_commit("s"),
    CUT,
    COMMITTED,
    COMPLETED,
    AGAIN,
    TEAM_B,
    events.TopicUnmapped(vcluster="teamA", logical="orders"),
    GONE,
)


def broadcast_of(facts: Facts) -> ControlState:
    state = ControlState()
    for record in facts.control.records():
        state.apply(record)
    return state


def taken_back(cut: int, told: int | None = None) -> tuple[Facts, Facts]:
    """The whole truth, and a log that lost all from `cut` on and has taken back what was told."""
    truth = facts_of(*HISTORY[: told if told is not None else len(HISTORY)])
    facts = facts_of(*HISTORY[:cut])
    known = Copy(where="node n1", log="log", seq=truth.seq, digest=truth.control.digest())
    for event in reconcile(facts, broadcast_of(truth), [known], [known]):
        take(facts, event)
    return truth, facts


def states(control: ControlState) -> dict[str, object]:
    return {
        r.key: r.state
        for r in control.records()
        if r.state is not None and not isinstance(r.state, Routing)
    }


@given(st.integers(0, len(HISTORY)), st.integers(3, len(HISTORY)))
def test_the_log_says_what_was_broadcast_wherever_it_was_cut(cut, told):
    truth, facts = taken_back(min(cut, told), told)
    assert states(facts.control) == states(truth.control)
    routing, was = facts.routing("main"), truth.routing("main")
    assert routing is not None
    assert was is not None
    assert (routing.cluster, routing.epoch) == (was.cluster, was.epoch)
    assert routing.state == "serving"
    assert not any(facts.open_switches())
    assert facts.seq > truth.seq


@given(st.integers(0, len(HISTORY)))
def test_nodes_take_in_what_comes_after_it(cut):
    """Every number that is given out from then on is new to whoever was told the truth."""
    truth, facts = taken_back(cut)
    before = facts.seq
    assert before > truth.seq
    take(facts, mapped("other", "later"))
    node = broadcast_of(truth)
    for record in facts.control.records():
        node.apply(record)
    assert states(node) == states(facts.control)


def test_another_log_is_gone_on_with_as_the_one_that_was_broadcast():
    truth = facts_of(*HISTORY)
    facts = Facts("another")
    take(facts, events.VirtualClusterCreated(name="stray", scope="main", cluster_id="z"))
    for event in reconcile(facts, broadcast_of(truth), [], []):
        take(facts, event)
    assert facts.log == "log"
    assert {record.log for record in facts.control.records()} == {"log"}
    assert facts.control.get("vcluster/stray") is None


def test_registrations_that_were_lost_are_made_again():
    _, facts = taken_back(cut=6)
    node = facts.control.get("node/n1")
    assert node == Node(node_id="n1", incarnation="i2")
    assert facts.versions["node/n1"] == 2


def test_what_only_some_node_knows_cannot_be_taken_back():
    truth = facts_of(*HISTORY)
    ahead = Copy(where="node n1", log="log", seq=truth.seq + 1, digest="more")
    with pytest.raises(Conflict, match="node n1 knows up to event 19"):
        reconcile(facts_of(*HISTORY[:3]), broadcast_of(truth), [ahead], [ahead])
    # It may be given up, if that node is there no more: its numbers stay taken.
    (event, *_) = reconcile(facts_of(*HISTORY[:3]), broadcast_of(truth), [ahead], [])
    assert isinstance(event, events.LogReconciled)
    assert event.through_seq == truth.seq + 1


def test_a_control_topic_that_holds_nothing_is_not_taken_for_the_truth():
    with pytest.raises(Conflict, match="holds no state"):
        reconcile(facts_of(OPEN), ControlState(), [], [])


def test_differences_are_told_by_key():
    truth, facts = facts_of(*HISTORY), facts_of(*HISTORY[:6])
    found = {one.key: one for one in differences(facts.control, broadcast_of(truth))}
    assert set(found) == {
        "node/n1",
        "routing/main",
        "topic/teamA/orders",
        "vcluster/other",
        "vcluster/teamA",
    }
    assert found["vcluster/other"].log is None
    broadcast = found["vcluster/teamA"].broadcast
    assert isinstance(broadcast, Record)
    assert broadcast.state is None


@pytest.mark.parametrize(("cut", "phase"), [(9, Phase.COMPLETED), (13, Phase.COMPLETED)])
def test_a_switch_of_which_the_rest_was_lost_is_where_its_epoch_is(cut, phase):
    _, facts = taken_back(cut)
    assert facts.switches["s"].phase is phase
    _, facts = taken_back(9, told=9)
    assert facts.switches["s"].phase is Phase.ABORTED


def test_a_mirror_whose_turn_may_be_lost_is_not_turned_by_itself():
    assert due_reversal(facts_of(*HISTORY), "main")
    _, facts = taken_back(cut=len(HISTORY) - 2)
    assert last_committed(facts, "main") is not None
    assert not due_reversal(facts, "main")


def test_of_a_switch_that_was_lost_nobody_says_that_both_clusters_held_the_same():
    _, facts = taken_back(cut=6)
    assert last_committed(facts, "main") is None
    assert came_apart(facts, "main")
    request = RequestReversal(reversal_id="r", scope="main", runner="process", find_cut=True)
    with pytest.raises(Conflict, match="turn the mirror round by hand"):
        request_reversal(facts, request)
