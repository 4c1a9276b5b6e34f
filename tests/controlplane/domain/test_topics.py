"""Topics that clients create and delete: what is noted of them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.numbering import Numbering
from contract.records import Offsets, Record, TopicMapping, key_of
from controlplane.domain import commands, events
from controlplane.domain.adoption import TopicSightings, unlike_the_log
from controlplane.domain.decide import decide
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Refusal
from controlplane.domain.topics import TopicCommand, note_topics
from tests.controlplane.histories import OPEN, START, TEAM_A, facts_of, mapped, take

GONE = events.TopicUnmapped(vcluster="teamA", logical="users")


def map_users(partitions: int = 1) -> commands.MapTopic:
    return commands.MapTopic(
        vcluster="teamA", logical="users", partitions=partitions, replication_factor=1, configs={}
    )


def with_numbers(facts: Facts) -> Facts:
    """As a switch leaves them that has numbered the topic."""
    state = Offsets(
        scope="main", physical="teamAusers", epoch=1, partitions=(Numbering(0, delta=-5),)
    )
    facts.control.apply(Record(log="log", seq=facts.seq, key=key_of(state), state=state))
    return facts


def users(facts: Facts) -> TopicMapping:
    state = facts.control.get("topic/teamA/users")
    assert isinstance(state, TopicMapping)
    return state


def test_a_topic_that_takes_the_name_of_one_with_numbers_of_its_own_is_anew():
    facts = with_numbers(facts_of(OPEN, TEAM_A, mapped("teamA", "users")))
    take(facts, GONE)
    (again,) = decide(facts, map_users())
    assert isinstance(again, events.TopicMapped)
    assert again.anew
    recorded = take(facts, again)
    assert users(facts).anew_since == recorded.seq


def test_one_that_grows_is_not_and_stays_what_it_was():
    facts = with_numbers(facts_of(OPEN, TEAM_A, mapped("teamA", "users")))
    (grown,) = decide(facts, map_users(partitions=2))
    take(facts, grown)
    assert users(facts).anew_since == 0
    take(facts, GONE)
    since = take(facts, decide(facts, map_users())[0]).seq
    take(facts, decide(facts, map_users(partitions=3))[0])
    assert (users(facts).partitions, users(facts).anew_since) == (3, since)


@pytest.mark.parametrize("history", [(), (mapped("teamA", "users"), GONE)], ids=["new", "again"])
def test_without_numbers_there_is_nothing_to_forget(history):
    (event,) = decide(facts_of(OPEN, TEAM_A, *history), map_users())
    assert isinstance(event, events.TopicMapped)
    assert not event.anew


BY_NODE = "node:n1"
TOLD = st.one_of(
    st.builds(
        commands.MapTopic,
        vcluster=st.sampled_from(["teamA", "teamB", "nobody"]),
        logical=st.sampled_from(["users", "orders", ""]),
        partitions=st.sampled_from([1, 2]),
        replication_factor=st.just(1),
        configs=st.just({}),
    ),
    st.builds(
        commands.UnmapTopic,
        vcluster=st.sampled_from(["teamA", "nobody"]),
        logical=st.sampled_from(["users", "orders"]),
    ),
)


def before_nodes_tell() -> Facts:
    team_b = events.VirtualClusterCreated(name="teamB", scope="main", cluster_id="y")
    return with_numbers(facts_of(OPEN, TEAM_A, team_b, mapped("teamA", "users")))


def one_by_one(told: list[TopicCommand]) -> tuple[Facts, list[Event]]:
    facts, noted = before_nodes_tell(), list[Event]()
    for command in told:
        try:
            decided = decide(facts, command)
        except Refusal:
            continue
        noted += [take(facts, event, BY_NODE).event for event in decided]
    return facts, noted


@given(st.lists(st.lists(TOLD, max_size=8), max_size=5))
def test_however_what_is_told_is_split_the_log_says_the_same(calls: list[list[TopicCommand]]):
    facts, log = before_nodes_tell(), list[Event]()
    for told in calls:
        log += [take(facts, event, BY_NODE).event for event in note_topics(facts, told).events]
    singly, expected = one_by_one([command for told in calls for command in told])
    assert log == expected
    assert facts.control.digest() == singly.control.digest()
    assert facts.topic_history.made_anew == singly.topic_history.made_anew


@given(st.lists(TOLD))
def test_what_is_refused_is_told_with_its_reason_and_keeps_no_other_out(told: list[TopicCommand]):
    refused = [command for command, _ in note_topics(before_nodes_tell(), told).refused]
    assert refused == [c for c in told if c.vcluster == "nobody" or not c.logical]


@st.composite
def words_of_two_nodes(draw: st.DrawFn) -> tuple[list[TopicCommand], bool]:
    """A topic is made and deleted in turn, each through one of two nodes; how both are heard.

    Each node tells in its order, and that is all that is known of the order.
    """
    total = draw(st.integers(1, 6))
    nodes: tuple[list[TopicCommand], list[TopicCommand]] = ([], [])
    for turn in range(total):
        at = START + timedelta(seconds=turn)
        told = users_deleted(at) if turn % 2 else users_made(at)
        nodes[draw(st.integers(0, 1))].append(told)
    heard = list[TopicCommand]()
    while nodes[0] or nodes[1]:
        speaks = draw(st.sampled_from([words for words in nodes if words]))
        heard.append(speaks.pop(0))
    return heard, total % 2 == 1


@given(words_of_two_nodes())
def test_in_whatever_order_two_nodes_are_heard_a_deleted_topic_is_known_to_be(told):
    heard, is_there = told
    facts = facts_of(OPEN, TEAM_A)
    for command in heard:
        for event in note_topics(facts, [command]).events:
            take(facts, event, BY_NODE)
    if is_there:  # and if the log does not know, looking finds it
        assert "teamAusers" not in facts.topic_history.deleted or not facts.topics_of("teamA")
    else:
        assert "teamAusers" in facts.topic_history.deleted
        assert not facts.topics_of("teamA")


def test_a_late_word_whose_time_is_not_exact_does_no_lasting_harm():
    """Two calls took differently long: the topic seems to be made after it was deleted."""
    facts = facts_of(OPEN, TEAM_A)
    deleted, made = users_deleted(START), users_made(START + timedelta(milliseconds=1))
    for command in (deleted, made):
        for event in note_topics(facts, [command]).events:
            take(facts, event, BY_NODE)
    assert "teamAusers" not in facts.topic_history.deleted
    sightings = TopicSightings()
    assert sightings.due(unlike_the_log(facts, "main", {})) == []
    (gone,) = sightings.due(unlike_the_log(facts, "main", {}))
    command = commands.NoteGoneTopics(topics=((gone.vcluster, gone.logical, gone.version),))
    for event in decide(facts, command):
        take(facts, event, "system:adoption")
    assert "teamAusers" in facts.topic_history.deleted, "its copy is deleted as well"


def test_one_that_was_there_for_long_and_is_gone_is_not_taken_for_deleted():
    facts = facts_of(OPEN, TEAM_A, mapped("teamA", "users"))
    take(facts, GONE, BY_NODE)
    take(facts, mapped("teamA", "users"), BY_NODE)
    for _ in range(60):
        take(facts, mapped("teamA", "orders"), BY_NODE)
    take(facts, GONE, "system:adoption")
    assert not facts.topic_history.deleted


def users_made(at: datetime) -> commands.MapTopic:
    return replace(map_users(), at=at)


def users_deleted(at: datetime) -> commands.UnmapTopic:
    return commands.UnmapTopic(vcluster="teamA", logical="users", at=at)
