"""What is there and was not told: found, noted, and nothing else done about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.names import physical_name
from controlplane.domain import events
from controlplane.domain.adoption import (
    TopicSightings,
    adoptable,
    owned_by_nobody,
    unlike_the_log,
)
from controlplane.domain.commands import AdoptTopics, FoundTopic, NoteGoneTopics, UnmapTopic
from controlplane.domain.decide import decide
from controlplane.domain.refusal import Conflict
from tests.controlplane.histories import OPEN, TEAM_A, described, facts_of, mapped, take

NODE, SYSTEM = "node:n1", "system:adoption"
GONE = events.TopicUnmapped(vcluster="teamA", logical="users")
USERS = {"teamAusers": 1}


def known(*history, partitions=1):
    return facts_of(OPEN, TEAM_A, mapped("teamA", "users", partitions), *history)


def seen(facts, there):
    found = unlike_the_log(facts, "main", there)
    return {(sighting.physical, sighting.partitions) for sighting in found}


def looks_until_due(facts, there, most=10):
    sightings = TopicSightings()
    for look in range(1, most):
        if sightings.due(unlike_the_log(facts, "main", there)):
            return look
    return None


def found(logical="users", partitions=1, version=None):
    return FoundTopic(
        logical=logical, partitions=partitions, replication_factor=1, configs={}, version=version
    )


def adopted(facts, *topics, vcluster="teamA", **to_create):
    return decide(facts, AdoptTopics(vcluster=vcluster, topics=topics, **to_create))


MAKERS = {
    "a node told": [(mapped("teamA", "users"), NODE)],
    "nobody told": [],
    "it was told and forgotten": [(mapped("teamA", "users"), NODE), (GONE, "user:admin")],
    "it was deleted and made again": [(mapped("teamA", "users"), NODE), (GONE, NODE)],
    "it was gone for a while": [(mapped("teamA", "users"), NODE), (GONE, SYSTEM)],
    "it was adopted": [(mapped("teamA", "users"), SYSTEM)],
}


class TestScope:
    @pytest.mark.parametrize("history", MAKERS.values(), ids=MAKERS)
    def test_what_is_under_the_prefix_is_proved_whoever_made_it(self, history):
        facts = facts_of(OPEN, TEAM_A)
        for event, actor in history:
            take(facts, event, actor)
        assert "teamAusers" in facts.topics_in("main")
        assert "teamBusers" not in facts.topics_in("main")

    def test_what_mirrors_keep_for_themselves_is_nobody_s(self):
        tenant = events.VirtualClusterCreated(name="m", scope="main", cluster_id="x")
        facts = facts_of(described("main", 1), OPEN, tenant)
        own = ("mm2-offset-syncs.main.internal", "main.checkpoints.internal")
        assert [name in facts.topics_in("main") for name in own] == [False, False]
        assert "mm2-offset-syncs.ours.internal" in facts.topics_in("main")
        assert owned_by_nobody(facts, [*own, "__consumer_offsets", "mine", "other"]) == ["other"]


class TestLooking:
    @pytest.mark.parametrize(
        ("there", "expected"),
        [
            ({"teamAusers": 1, "other": 1}, set()),
            ({"teamAusers": 1, "teamAorders": 2}, {("teamAorders", 2)}),
            ({"teamAusers": 4}, {("teamAusers", 4)}),
            ({}, {("teamAusers", 0)}),
        ],
    )
    def test_what_is_otherwise_than_known(self, there, expected):
        assert seen(known(), there) == expected

    def test_what_somebody_had_us_forget_stays_forgotten(self):
        facts = known(GONE)
        assert seen(facts, USERS) == set()
        assert adoptable(facts, "teamA", USERS) == ["users"], "but it can be asked for"
        take(facts, events.VirtualClusterDeleted(name="teamA"))
        assert facts.topic_history.forgotten == set()

    def test_it_takes_some_looks_in_a_row(self):
        assert looks_until_due(facts_of(OPEN, TEAM_A), USERS) == 2
        assert looks_until_due(known(), {}) == 5
        assert looks_until_due(known(), USERS) is None

    def test_a_look_that_finds_otherwise_begins_anew(self):
        facts, sightings = known(), TopicSightings()
        for there in ({}, {}, {}, {}, USERS, {}, {}, {}, {}):
            assert sightings.due(unlike_the_log(facts, "main", there)) == []

    def test_what_was_recorded_meanwhile_begins_anew(self):
        facts, sightings = known(), TopicSightings()
        take(facts, GONE, NODE)
        assert sightings.due(unlike_the_log(facts, "main", USERS)) == []
        take(facts, mapped("teamA", "users", 2), NODE)
        assert sightings.due(unlike_the_log(facts, "main", USERS)) == []


class TestAdopting:
    def test_it_is_an_event_that_every_release_reads(self):
        assert adopted(facts_of(OPEN, TEAM_A), found()) == [mapped("teamA", "users")]

    def test_what_was_recorded_meanwhile_counts(self):
        facts = known()
        assert adopted(facts, found(partitions=2, version=0)) == []
        assert adopted(facts, found(partitions=2, version=1)) == [mapped("teamA", "users", 2)]
        assert adopted(facts, found(partitions=1)) == [], "it is known just so"

    def test_a_virtual_cluster_that_is_there_no_more_adopts_nothing(self):
        assert adopted(facts_of(OPEN), found()) == []

    def test_a_virtual_cluster_can_be_made_with_it(self):
        assert adopted(facts_of(OPEN), found(), to_create=("main", "x")) == [
            TEAM_A,
            mapped("teamA", "users"),
        ]
        with pytest.raises(Conflict, match="overlaps"):
            adopted(facts_of(OPEN, TEAM_A), vcluster="team", to_create=("main", "x"))

    def test_what_is_made_again_past_the_gateway_is_no_reason_to_delete_any_more(self):
        facts = known()
        take(facts, GONE, NODE)
        made_seq = take(facts, mapped("teamA", "users"), SYSTEM).seq
        assert set(facts.topic_history.deleted) == set()
        assert facts.topic_history.made_anew == {"teamAusers": made_seq}


class TestGone:
    def gone(self, facts, version):
        return decide(facts, NoteGoneTopics(topics=(("teamA", "users", version),)))

    def test_it_is_noted_and_never_a_reason_to_delete(self):
        facts = known()
        assert self.gone(facts, 1) == [GONE]
        take(facts, GONE, SYSTEM)
        assert facts.known_partitions_in("main") == frozenset()
        assert set(facts.topic_history.deleted) == set()
        assert facts.topic_history.forgotten == set(), "it is adopted if it comes back"
        assert seen(facts, USERS) == {("teamAusers", 1)}

    def test_what_was_recorded_meanwhile_counts(self):
        facts = known()
        take(facts, mapped("teamA", "users", 2), NODE)
        assert self.gone(facts, 1) == []
        assert self.gone(known(GONE), 2) == []

    def test_a_node_that_tells_later_is_believed(self):
        facts = known()
        take(facts, GONE, SYSTEM)
        (told,) = decide(facts, UnmapTopic(vcluster="teamA", logical="users"))
        take(facts, told, NODE)
        assert set(facts.topic_history.deleted) == {"teamAusers"}
        assert decide(facts, UnmapTopic(vcluster="teamA", logical="users")) == []

    def test_a_topic_that_was_never_known_can_be_deleted(self):
        facts = facts_of(OPEN, TEAM_A)
        (told,) = decide(facts, UnmapTopic(vcluster="teamA", logical="users"))
        take(facts, told, NODE)
        assert set(facts.topic_history.deleted) == {"teamAusers"}


LOGICAL = st.sampled_from(["users", "orders", "bills"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["make", "delete"]), LOGICAL, st.integers(1, 3), st.booleans()),
    max_size=12,
)


@given(STEPS)
def test_the_log_knows_in_the_end_what_is_there(steps):
    """Topics come and go in every way; then somebody looks for some time."""
    facts, there = facts_of(OPEN, TEAM_A), {}
    for what, logical, partitions, told in steps:
        physical = physical_name("teamA", logical)
        event = mapped("teamA", logical, partitions)
        if what == "make":
            there[physical] = partitions
        elif there.pop(physical, None) is None:
            continue
        else:
            event = events.TopicUnmapped(vcluster="teamA", logical=logical)
        if told:
            take(facts, event, NODE)
        assert all(name in facts.topics_in("main") for name in there)
    seen_deleted = {*facts.topic_history.deleted, *facts.topic_history.doubtful}
    sightings = TopicSightings()
    for _ in range(6):
        for one in sightings.due(unlike_the_log(facts, "main", there)):
            command = (
                AdoptTopics(
                    vcluster=one.vcluster,
                    topics=(found(one.logical, one.partitions, one.version),),
                )
                if one.partitions
                else NoteGoneTopics(topics=((one.vcluster, one.logical, one.version),))
            )
            for event in decide(facts, command):
                take(facts, event, SYSTEM)
    assert {t.physical: t.partitions for t in facts.known_topics_in("main")} == there
    assert set(facts.topic_history.deleted) <= seen_deleted - there.keys(), (
        "what nobody deleted is not"
    )
