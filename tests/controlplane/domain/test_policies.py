"""What is laid down for virtual clusters and their accounts, and what becomes of it."""

import pytest

from contract.policy import ConfigRule, Limits, Policy, TopicRules
from contract.records import ServiceAccount, VirtualCluster
from controlplane.domain import commands, events
from controlplane.domain.decide import decide
from controlplane.domain.log import data_of, event_of
from controlplane.domain.refusal import Invalid, Missing
from tests.controlplane.histories import OPEN, TEAM_A, facts_of

POLICY = Policy(
    topics=TopicRules(max_topics=3, configs={"retention.ms": ConfigRule(default="5", max=9)}),
    account_limits=Limits(connections=7),
)
SET = events.PolicySet(name="teamA", policy=POLICY)
RESTRICTED = events.ServiceAccountRestricted(
    vcluster="teamA", name="sa", read_only=True, limits=Limits(connections=1)
)


def restrict(**given) -> commands.RestrictAccount:
    words = {"vcluster": "teamA", "name": "sa", "read_only": True, "limits": Limits()} | given
    return commands.RestrictAccount(**words)


def test_a_policy_is_part_of_the_record_of_its_virtual_cluster() -> None:
    facts = facts_of(OPEN, TEAM_A)
    assert decide(facts, commands.SetPolicy(name="teamA", policy=POLICY)) == [SET]
    state = facts_of(OPEN, TEAM_A, SET).control.get("vcluster/teamA")
    assert isinstance(state, VirtualCluster)
    assert state.policy == POLICY
    assert state.cluster_id == TEAM_A.cluster_id


def test_a_policy_that_is_laid_down_already_is_no_event() -> None:
    facts = facts_of(OPEN, TEAM_A, SET)
    assert decide(facts, commands.SetPolicy(name="teamA", policy=POLICY)) == []


def test_a_policy_that_makes_no_sense_is_refused_with_all_its_mistakes() -> None:
    nonsense = Policy(topics=TopicRules(name_pattern="(", max_topics=-1))
    with pytest.raises(Invalid, match=r"namePattern.*; maxTopics"):
        decide(facts_of(OPEN, TEAM_A), commands.SetPolicy(name="teamA", policy=nonsense))


def test_nothing_is_laid_down_for_nobody() -> None:
    with pytest.raises(Missing):
        decide(facts_of(OPEN), commands.SetPolicy(name="teamA", policy=POLICY))
    with pytest.raises(Missing):
        decide(facts_of(OPEN), restrict())


def test_an_account_is_created_where_it_is_missing() -> None:
    kinds = [event.kind for event in decide(facts_of(OPEN, TEAM_A), restrict())]
    assert kinds == ["account.created", "account.restricted"]


def test_restrictions_that_are_laid_down_already_are_no_event() -> None:
    facts = facts_of(OPEN, TEAM_A, RESTRICTED)
    assert decide(facts, restrict(limits=Limits(connections=1))) == []
    assert decide(facts, restrict(read_only=False)) != []
    with pytest.raises(Invalid, match="connections is 0"):
        decide(facts, restrict(limits=Limits(connections=0)))


def test_an_account_that_is_revoked_stays_restricted_and_the_other_way_round() -> None:
    revoked = events.ServiceAccountRevoked(vcluster="teamA", name="sa", revoked_at=5)
    for history in ((RESTRICTED, revoked), (revoked, RESTRICTED)):
        state = facts_of(OPEN, TEAM_A, *history).control.get("account/teamA/sa")
        assert state == ServiceAccount(
            vcluster="teamA",
            name="sa",
            revoked_at=5,
            read_only=True,
            limits=Limits(connections=1),
        )


@pytest.mark.parametrize("event", [SET, RESTRICTED], ids=lambda event: event.kind)
def test_what_was_laid_down_survives_being_stored(event) -> None:
    assert event_of(event.kind, data_of(event)) == event
