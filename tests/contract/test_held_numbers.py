"""Numbers of a topic end with it."""

from contract.fold import ControlState
from contract.held_numbers import held_numbers
from contract.numbering import Numbering
from contract.records import Offsets, Record, State, TopicMapping, key_of


def folded(*states: State) -> ControlState:
    """States whose records are numbered from 1 on."""
    control = ControlState()
    for seq, state in enumerate(states, 1):
        control.apply(Record(log="log", seq=seq, key=key_of(state), state=state))
    return control


def topic(name: str, anew_since: int = 0) -> TopicMapping:
    return TopicMapping(
        vcluster="teamA",
        logical=name,
        physical=f"teamA{name}",
        partitions=1,
        replication_factor=1,
        configs={},
        created_at=0,
        anew_since=anew_since,
    )


def offsets(name: str) -> Offsets:
    return Offsets(scope="main", physical=name, epoch=1, partitions=(Numbering(0, -5),))


def test_those_of_topics_that_there_are_hold_and_of_those_that_nobody_told_of():
    held = held_numbers(folded(topic("users"), offsets("teamAusers"), offsets("teamAother")))
    assert [one.physical for one in held] == ["teamAother", "teamAusers"]


def test_those_of_the_one_before_do_not():
    assert held_numbers(folded(offsets("teamAusers"), topic("users", anew_since=2))) == []


def test_those_that_it_got_itself_do():
    found = held_numbers(folded(topic("users", anew_since=1), offsets("teamAusers")))
    assert [one.physical for one in found] == ["teamAusers"]
