"""Describing clusters, and deciding once what clients see."""

from hypothesis import given
from hypothesis import strategies as st

from contract.records import Face
from controlplane.domain import commands, events
from controlplane.domain.decide import decide
from controlplane.domain.physical import common_versions, versions_check
from tests.controlplane.histories import described, facts_of

FACE = commands.DecideFace(clusters=("main", "failover"), scope="main")


def describe(name: str, *brokers: int, top: int = 11) -> commands.DescribeCluster:
    return commands.DescribeCluster(
        name=name,
        role="upstream",
        cluster_id=f"id-of-{name}",
        brokers=brokers,
        api_versions={0: (3, top), 1: (4, 17)},
    )


def test_an_index_is_given_in_order_of_first_appearance_and_kept() -> None:
    facts = facts_of(described("main", 1))
    (second,) = decide(facts, describe("failover", 101))
    (again,) = decide(facts, describe("main", 1, 2))
    assert isinstance(second, events.ClusterDescribed)
    assert isinstance(again, events.ClusterDescribed)
    assert (second.index, again.index) == (1, 0)


def test_a_cluster_that_is_as_it_was_makes_no_event() -> None:
    assert decide(facts_of(described("main", 1, 2)), describe("main", 1, 2)) == []


def test_a_broker_that_is_down_makes_no_event() -> None:
    assert decide(facts_of(described("main", 1, 2)), describe("main", 2)) == []


def test_the_face_waits_for_every_configured_cluster() -> None:
    assert decide(facts_of(described("main", 1)), FACE) == []


def test_the_face_has_a_slot_for_each_broker_of_the_largest_cluster() -> None:
    facts = facts_of(described("main", 1), described("failover", 101, 102, 103, index=1))
    face, opened = decide(facts, FACE)
    assert face == events.FaceDecided(slots=3, api_versions={0: (3, 11), 1: (4, 17)})
    assert opened == events.ScopeOpened(scope="main", cluster="main")


def test_the_face_is_decided_once() -> None:
    facts = facts_of(
        described("main", 1),
        described("failover", 101, index=1),
        events.FaceDecided(slots=1, api_versions={}),
        events.ScopeOpened(scope="main", cluster="main"),
    )
    assert decide(facts, FACE) == []


ranges = st.dictionaries(
    st.integers(0, 5), st.tuples(st.integers(0, 4), st.integers(0, 4)).map(sorted).map(tuple)
)


@given(st.lists(ranges, min_size=1, max_size=3))
def test_common_versions_are_those_that_everyone_offers(offers) -> None:
    common = common_versions(offers)
    for key in range(6):
        for version in range(5):
            everyone = all(key in o and o[key][0] <= version <= o[key][1] for o in offers)
            offered = key in common and common[key][0] <= version <= common[key][1]
            assert offered == everyone


SHOWN = Face(slots=1, api_versions={0: (3, 12), 1: (4, 12)})


def test_a_cluster_that_offers_all_that_clients_were_shown_is_well() -> None:
    offered = {0: (3, 13), 1: (4, 12), 2: (0, 1)}
    assert versions_check("failover", SHOWN, offered, forced=False).passed


def test_one_that_does_not_is_named_with_what_it_lacks() -> None:
    check = versions_check("failover", SHOWN, {0: (3, 11)}, forced=False)
    assert not check.passed
    assert "failover does not offer produce 3 to 12, fetch 4 to 12" in check.detail


def test_a_forced_switch_is_told_and_goes_on() -> None:
    check = versions_check("failover", SHOWN, {0: (3, 11), 1: (4, 12)}, forced=True)
    assert check.passed
    assert "produce 3 to 12" in check.detail
