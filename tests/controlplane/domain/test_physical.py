"""Describing clusters, and deciding once what clients see."""

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain import commands, events
from controlplane.domain.decide import decide
from controlplane.domain.physical import common_versions
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
