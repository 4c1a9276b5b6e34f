"""Topics that clients create and delete: what is noted of them."""

import pytest

from contract.numbering import Numbering
from contract.records import Offsets, Record, TopicMapping, key_of
from controlplane.domain import commands, events
from controlplane.domain.decide import decide
from controlplane.domain.facts import Facts
from tests.controlplane.histories import OPEN, TEAM_A, facts_of, mapped, take

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
