"""The fold: from events to what nodes know."""

import pytest

from contract.records import Routing, TopicMapping
from controlplane.domain import events
from controlplane.domain.commands import RebuildControlTopic
from controlplane.domain.decide import decide
from controlplane.domain.mirror.made_anew import made_anew_since
from controlplane.domain.refusal import Conflict
from controlplane.domain.switch import events as switch
from tests.controlplane.domain.switch.ways import requested, to_the_commit, to_the_fence
from tests.controlplane.histories import OPEN, TEAM_A, facts_of, mapped, take

REQUESTED = requested(switch_id="s1", mode="forced", mirror_budget_s=20)


def test_every_event_makes_at_most_one_record_with_its_own_seq() -> None:
    facts = facts_of()
    for event in [OPEN, TEAM_A, mapped("teamA", "users"), events.RebuildRequested()]:
        before = facts.control.seq
        take(facts, event)
        assert facts.control.seq in {before, facts.seq}


def test_a_topic_is_dated_by_its_event() -> None:
    facts = facts_of(OPEN, TEAM_A, mapped("teamA", "users"))
    (topic,) = facts.control.of(TopicMapping)
    assert topic.physical == "teamAusers"
    assert topic.created_at == 1767225602000


def test_what_is_gone_leaves_a_tombstone_with_a_seq() -> None:
    facts = facts_of(
        OPEN,
        TEAM_A,
        mapped("teamA", "users"),
        events.TopicUnmapped(vcluster="teamA", logical="users"),
    )
    newest = facts.control.records()[-1]
    assert (newest.key, newest.seq, newest.state) == ("topic/teamA/users", 4, None)


def test_a_new_virtual_cluster_may_have_topics_already() -> None:
    """Whoever looks whether anything has come has to look again."""
    facts = facts_of(OPEN)
    assert take(facts, TEAM_A).seq == facts.topics_seq


def _routing(*history) -> Routing | None:
    return facts_of(OPEN, REQUESTED, *history).routing("main")


def test_a_request_alone_changes_no_routing() -> None:
    assert _routing() == facts_of(OPEN).routing("main")


def test_a_fence_keeps_cluster_and_epoch() -> None:
    assert _routing(*to_the_fence("s1")) == Routing(
        scope="main", cluster="main", epoch=0, state="fenced", term=2, switch_id="s1"
    )


def test_a_commit_changes_cluster_and_epoch_in_one_record() -> None:
    committed = switch.SwitchCommitted(switch_id="s1", epoch=1)
    assert _routing(*to_the_commit("s1"), committed) == Routing(
        scope="main", cluster="failover", epoch=1, state="serving", term=2, switch_id="s1"
    )


@pytest.mark.parametrize("fenced", [True, False])
def test_an_abort_serves_the_old_cluster_in_the_old_epoch(*, fenced) -> None:
    asked = switch.AbortRequested(switch_id="s1", at_phase="any", cause="x")
    history = [*(to_the_fence("s1") if fenced else []), asked]
    assert _routing(*history, switch.SwitchAborted(switch_id="s1", cause="x")) == Routing(
        scope="main", cluster="main", epoch=0, state="serving", term=2, switch_id="s1"
    )


def test_events_are_not_skipped() -> None:
    facts = facts_of(OPEN)
    recorded = take(facts_of(OPEN, TEAM_A), mapped("teamA", "users"))
    with pytest.raises(ValueError, match="does not follow"):
        facts.apply(recorded)


def test_the_control_topic_is_not_rebuilt_during_a_switch() -> None:
    with pytest.raises(Conflict, match="s1 is under way"):
        decide(facts_of(OPEN, REQUESTED), RebuildControlTopic())


class TestDeletedTopics:
    GONE = events.TopicUnmapped(vcluster="teamA", logical="users")

    def test_what_a_node_has_seen_deleted_is_known_until_it_is_made_again(self) -> None:
        facts = facts_of(OPEN, TEAM_A, mapped("teamA", "users"))
        take(facts, self.GONE, actor="node:n1")
        assert set(facts.topic_history.deleted) == {"teamAusers"}
        made_seq = take(facts, mapped("teamA", "users"), actor="node:n1").seq
        assert set(facts.topic_history.deleted) == set()
        assert facts.topic_history.made_anew == {"teamAusers": made_seq}
        assert made_anew_since(facts, made_seq - 1) == {"teamAusers"}
        assert made_anew_since(facts, made_seq) == frozenset()

    def test_who_takes_a_mapping_away_leaves_the_topic(self) -> None:
        facts = facts_of(OPEN, TEAM_A, mapped("teamA", "users"), self.GONE)
        assert set(facts.topic_history.deleted) == set()
        take(facts, mapped("teamA", "users"), actor="node:n1")
        assert facts.topic_history.made_anew == {}
