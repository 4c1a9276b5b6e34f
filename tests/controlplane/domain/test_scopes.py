"""Scopes beside the first: made with their first virtual cluster, where the first one is served."""

import pytest

from contract.records import Routing
from controlplane.domain import commands, events
from controlplane.domain.decide import decide
from controlplane.domain.refusal import Conflict, Invalid, Missing, Refusal
from controlplane.domain.switch import events as switch
from controlplane.domain.switch.request import StartSwitch, start_switch
from tests.controlplane.domain.switch.ways import requested, to_the_commit
from tests.controlplane.histories import OPEN, TEAM_A, described, facts_of, take

DESCRIBED = (described("main", 1), described("failover", 1, index=1))
MOVED = [
    requested(switch_id="s1"),
    *to_the_commit("s1"),
    switch.SwitchCommitted(switch_id="s1", epoch=1),
    switch.SwitchCompleted(switch_id="s1", fenced_ms=1, total_ms=1),
]


def create(name: str, scope: str) -> commands.CreateVirtualCluster:
    return commands.CreateVirtualCluster(name=name, scope=scope, beside="main", cluster_id="id")


def test_a_new_scope_is_served_where_the_first_one_is_now() -> None:
    facts = facts_of(OPEN, *MOVED)
    decided = decide(facts, create("teamB", "wave1"))
    assert decided[0] == events.ScopeAdded(scope="wave1", cluster="failover")
    for event in decided:
        take(facts, event)
    assert facts.routing("wave1") == Routing(
        scope="wave1", cluster="failover", epoch=0, state="serving", term=0
    )
    assert facts.tenants_of("wave1") == {"teamB"}
    assert [e.kind for e in decide(facts, create("other", "wave1"))] == ["vcluster.created"]


REFUSED = [
    ("failover", Conflict, "a physical cluster is"),
    ("main2", Conflict, "on its way to failover"),
    ("a b", Invalid, "cannot be a scope's name"),
]


@pytest.mark.parametrize(("scope", "error", "says"), REFUSED)
def test_a_scope_that_cannot_be_is_refused(scope: str, error: type[Refusal], says: str) -> None:
    facts = facts_of(*DESCRIBED, OPEN, requested(switch_id="s1"))
    with pytest.raises(error, match=says):
        decide(facts, create("teamB", scope))


def test_no_scope_is_made_before_there_is_one_to_stand_beside() -> None:
    with pytest.raises(Missing, match="scope main is not open yet"):
        decide(facts_of(*DESCRIBED), create("teamB", "wave1"))


def test_a_scope_is_switched_while_another_one_is() -> None:
    facts = facts_of(OPEN, events.ScopeAdded(scope="wave1", cluster="main"))
    take(facts, requested(switch_id="s1"))
    asked = StartSwitch(
        switch_id="s2",
        scope="wave1",
        to_cluster="failover",
        mode="planned",
        budget_s=60,
        mirror_budget_s=30,
    )
    (event,) = start_switch(facts, asked, ("main", "failover"))
    take(facts, event)
    assert [s.scope for s in facts.open_switches()] == ["main", "wave1"]


def test_nothing_is_shared_between_scopes() -> None:
    facts = facts_of(OPEN, TEAM_A)
    for event in decide(facts, create("other", "wave1")):
        take(facts, event)
    take(facts, events.TopicGranted(owner="teamA", logical="t", grantee="other", access="read"))
    alias = commands.AliasTopic(
        vcluster="other",
        logical="t",
        physical="teamAt",
        read_only=True,
        partitions=1,
        replication_factor=1,
    )
    with pytest.raises(Conflict, match="of scope main, and other is of scope wave1"):
        decide(facts, alias)
