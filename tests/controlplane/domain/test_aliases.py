"""Who may have a name of its own for whose topic."""

import pytest

from contract.records import TopicAlias
from controlplane.domain import commands, events
from controlplane.domain.decide import decide
from controlplane.domain.log import data_of, event_of
from controlplane.domain.refusal import Conflict, Invalid, Missing
from tests.controlplane.histories import OPEN, TEAM_A, described, facts_of, mapped

MM2 = "mm2-offset-syncs.main.internal"
LENDER = events.VirtualClusterCreated(name="lender", scope="main", cluster_id="y")
ALIASED = events.TopicAliased(
    vcluster="teamA",
    logical="cars",
    physical="legacy-cars",
    read_only=False,
    partitions=3,
    replication_factor=1,
)
BORROWED = events.TopicAliased(
    vcluster="teamA",
    logical="borrowed",
    physical="lenderbikes",
    read_only=False,
    partitions=3,
    replication_factor=1,
)


def granted(access: str) -> events.TopicGranted:
    return events.TopicGranted(owner="lender", logical="bikes", grantee="teamA", access=access)


def alias(**given) -> commands.AliasTopic:
    words = {
        "vcluster": "teamA",
        "logical": "cars",
        "physical": "legacy-cars",
        "read_only": False,
        "partitions": 3,
        "replication_factor": 1,
    }
    return commands.AliasTopic(**(words | given))


def grant(access: str = "read", **given) -> commands.GrantTopic:
    words = {"owner": "lender", "logical": "bikes", "grantee": "teamA", "access": access}
    return commands.GrantTopic(**(words | given))


def test_a_topic_of_nobody_gets_an_alias() -> None:
    assert decide(facts_of(OPEN, TEAM_A), alias()) == [ALIASED]
    state = facts_of(OPEN, TEAM_A, ALIASED).control.get("alias/teamA/cars")
    assert isinstance(state, TopicAlias)
    assert (state.physical, state.created_at) == ("legacy-cars", 1767225602000)


def test_an_alias_that_is_there_just_so_is_no_event_and_its_access_can_change() -> None:
    facts = facts_of(OPEN, TEAM_A, ALIASED)
    assert decide(facts, alias()) == []
    assert [e.kind for e in decide(facts, alias(read_only=True))] == ["topic.aliased"]


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"physical": "other"}, "physicalTopicName cannot change"),
        ({"logical": "wagons"}, "has the alias cars for legacy-cars already"),
        ({"physical": "teamAusers"}, "it sees it as users"),
        ({"logical": "users", "physical": "other"}, "has a topic users of its own"),
        (
            {"logical": "b", "physical": "lenderbikes"},
            "interlock grant give lender bikes teamA --w",
        ),
    ],
)
def test_what_could_be_taken_for_something_else_is_refused(given, part) -> None:
    facts = facts_of(OPEN, TEAM_A, LENDER, mapped("teamA", "users"), ALIASED)
    with pytest.raises(Conflict, match=part):
        decide(facts, alias(**given))


@pytest.mark.parametrize("name", ["", "a b", "..", "x" * 250])
def test_a_name_that_no_topic_can_have_is_refused(name) -> None:
    for given in ({"logical": name}, {"physical": name}):
        with pytest.raises(Invalid):
            decide(facts_of(OPEN, TEAM_A), alias(**given))


def test_internal_topics_get_no_alias() -> None:
    with pytest.raises(Invalid, match="internal"):
        decide(facts_of(OPEN, TEAM_A), alias(physical="__consumer_offsets"))


@pytest.mark.parametrize("topic", ["_topicMappings", "_interlock_mirror", "heartbeats", MM2])
def test_the_systems_topics_get_no_alias(topic) -> None:
    with pytest.raises(Invalid, match="internal"):
        decide(facts_of(described("main", 1), OPEN, TEAM_A), alias(physical=topic))


def test_another_s_topic_needs_a_grant_and_writing_one_for_writing() -> None:
    borrowed = alias(logical="borrowed", physical="lenderbikes")
    reading = facts_of(OPEN, TEAM_A, LENDER, granted("read"))
    with pytest.raises(Conflict, match="has not granted writing to it"):
        decide(reading, borrowed)
    read_only = alias(logical="borrowed", physical="lenderbikes", read_only=True)
    assert len(decide(reading, read_only)) == 1
    assert decide(facts_of(OPEN, TEAM_A, LENDER, granted("write")), borrowed) == [BORROWED]


def test_an_alias_ends_with_its_grant() -> None:
    facts = facts_of(OPEN, TEAM_A, LENDER, granted("write"), ALIASED, BORROWED)
    revoke = commands.RevokeGrant(owner="lender", logical="bikes", grantee="teamA")
    for command in (revoke, grant("read")):
        gone = [e for e in decide(facts, command) if isinstance(e, events.TopicUnaliased)]
        assert [e.logical for e in gone] == ["borrowed"]
    assert decide(facts, grant("write")) == []
    with pytest.raises(Missing):
        decide(facts_of(OPEN, TEAM_A, LENDER), revoke)


@pytest.mark.parametrize("name", ["teamA", "lender"])
def test_aliases_and_grants_end_with_either_virtual_cluster(name) -> None:
    facts = facts_of(OPEN, TEAM_A, LENDER, granted("write"), BORROWED)
    gone = decide(facts, commands.DeleteVirtualCluster(name=name, now=1))
    assert [e.kind for e in gone] == [
        "topic.unaliased",
        "topic.grant_revoked",
        "vcluster.deleted",
    ]


def test_a_new_virtual_cluster_takes_over_no_topic_that_others_have_an_alias_for() -> None:
    facts = facts_of(OPEN, TEAM_A, ALIASED)
    command = commands.CreateVirtualCluster(
        name="legacy", scope="main", beside="main", cluster_id="z"
    )
    with pytest.raises(Conflict, match="remove the alias first"):
        decide(facts, command)


def test_grants_are_between_virtual_clusters_that_there_are() -> None:
    facts = facts_of(OPEN, TEAM_A, LENDER)
    assert decide(facts, grant()) == [granted("read")]
    for given in ({"owner": "nobody"}, {"grantee": "nobody"}):
        with pytest.raises(Missing):
            decide(facts, grant(**given))
    with pytest.raises(Conflict):
        decide(facts, grant(grantee="lender"))
    with pytest.raises(Invalid):
        decide(facts, grant(logical="a b"))


def test_an_alias_goes_alone_or_with_everything() -> None:
    facts = facts_of(OPEN, TEAM_A, mapped("teamA", "users"), ALIASED)
    unalias = commands.UnaliasTopic(vcluster="teamA", logical="cars")
    assert [e.kind for e in decide(facts, unalias)] == ["topic.unaliased"]
    kinds = [e.kind for e in decide(facts, commands.UnmapAllTopics(vcluster="teamA"))]
    assert kinds == ["topic.unmapped", "topic.unaliased"]
    with pytest.raises(Missing):
        decide(facts, commands.UnaliasTopic(vcluster="teamA", logical="users"))


@pytest.mark.parametrize("event", [ALIASED, granted("read")], ids=lambda event: event.kind)
def test_what_was_shared_survives_being_stored(event) -> None:
    assert event_of(event.kind, data_of(event)) == event
