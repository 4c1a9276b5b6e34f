"""Virtual clusters, accounts and tokens: what is allowed and what is refused, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.records import VirtualCluster
from controlplane.domain import commands, events
from controlplane.domain.decide import decide
from controlplane.domain.refusal import Conflict, Invalid, Missing, Refusal
from tests.controlplane.histories import OPEN, TEAM_A, described, facts_of, mapped, take


def create(name: str, scope: str = "main") -> commands.CreateVirtualCluster:
    return commands.CreateVirtualCluster(name=name, scope=scope, beside="main", cluster_id="id")


def token(vcluster: str = "teamA", name: str = "sa", lifetime_s: int = 60) -> commands.IssueToken:
    return commands.IssueToken(
        vcluster=vcluster,
        name=name,
        token_id="id",
        issued_at=1000,
        lifetime_s=lifetime_s,
        scope="main",
        cluster_id="id",
    )


def test_a_token_creates_what_is_missing() -> None:
    kinds = [event.kind for event in decide(facts_of(OPEN), token())]
    assert kinds == ["vcluster.created", "account.created", "account.token_issued"]


@pytest.mark.parametrize("name", ["team", "t", "teamAB", "teamA-b"])
def test_a_name_that_overlaps_is_refused(name: str) -> None:
    with pytest.raises(Conflict, match="overlaps with virtual cluster teamA"):
        decide(facts_of(OPEN, TEAM_A), token(vcluster=name))


DESCRIBED = (described("main", 1), described("failover", 1, index=1))
RESERVED = [
    ("mm2", "mm2-"),
    ("mm2-x", "mm2-"),
    ("heart", "heartbeats"),
    ("h", "heartbeats"),
    ("main", "main-mm2"),
    ("main.c", "main.checkpoints.internal"),
    ("interlock", "interlock-"),
]


@pytest.mark.parametrize(("name", "reaches"), RESERVED)
def test_a_name_that_would_reach_what_is_the_systems_is_refused(name: str, reaches: str) -> None:
    with pytest.raises(Conflict, match="is reserved") as refused:
        decide(facts_of(*DESCRIBED, OPEN), create(name))
    assert name in str(refused.value)
    assert reaches[: len(name)] in str(refused.value)


@pytest.mark.parametrize("name", ["mainA", "main-app", "inter-x", "teamA", "heartbeats2"])
def test_other_names_are_free(name: str) -> None:
    assert [e.kind for e in decide(facts_of(*DESCRIBED, OPEN), create(name))] == [
        "vcluster.created"
    ]


def test_a_deleted_name_still_overlaps_but_may_come_back() -> None:
    facts = facts_of(OPEN, TEAM_A, events.VirtualClusterDeleted(name="teamA"))
    with pytest.raises(Conflict):
        decide(facts, create("team"))
    assert [event.kind for event in decide(facts, create("teamA"))] == ["vcluster.created"]


@pytest.mark.parametrize("name", ["", "_x", "a b", "a/b", "x" * 65, "é"])
def test_a_name_outside_kafkas_alphabet_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        decide(facts_of(OPEN), create(name))


@pytest.mark.parametrize("lifetime_s", [0, -1, 10**12])
def test_a_lifetime_out_of_range_is_refused(lifetime_s: int) -> None:
    with pytest.raises(Invalid, match="lifeTimeSeconds"):
        decide(facts_of(OPEN), token(lifetime_s=lifetime_s))


def test_nothing_is_created_before_the_scope_is_open() -> None:
    with pytest.raises(Missing, match="not open yet"):
        decide(facts_of(), token())


def test_a_token_after_a_revocation_is_newer_than_it() -> None:
    account = events.ServiceAccountCreated(vcluster="teamA", name="sa")
    revoked = events.ServiceAccountRevoked(vcluster="teamA", name="sa", revoked_at=1000)
    issued = decide(facts_of(OPEN, TEAM_A, account, revoked), token())[-1]
    assert isinstance(issued, events.TokenIssued)
    assert issued.issued_at == 1001


def test_a_virtual_cluster_with_topics_is_not_deleted() -> None:
    with pytest.raises(Conflict, match="users"):
        decide(
            facts_of(OPEN, TEAM_A, mapped("teamA", "users")),
            commands.DeleteVirtualCluster(name="teamA", now=1000),
        )


@given(st.lists(st.text("aAbB", min_size=1, max_size=4), max_size=12))
def test_no_two_names_ever_overlap(names: list[str]) -> None:
    facts = facts_of(OPEN)
    for name in names:
        try:
            decided = decide(facts, create(name))
        except Refusal:
            continue
        for event in decided:
            take(facts, event)
    present = [v.name for v in facts.control.of(VirtualCluster)]
    assert not [(a, b) for a in present for b in present if a != b and a.startswith(b)]
