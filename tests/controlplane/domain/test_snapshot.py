"""Snapshots of the fold stand for the log, or are not used.

That what is made of one goes on as the facts that it was taken of is shown by every history of the
tests (`histories.take`).
"""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain import events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.mirror import events as mirror
from controlplane.domain.snapshot import (
    SealedSnapshot,
    Snapshot,
    UnusableSnapshotError,
    opened,
    sealed,
    taken,
)
from tests.controlplane.domain.switch.ways import requested, to_the_commit
from tests.controlplane.histories import (
    KEY,
    OPEN,
    TEAM_A,
    described,
    everything_in,
    facts_of,
    mapped,
    take,
    through_a_snapshot,
)

HASH = bytes(range(32))


def test_nothing_of_the_facts_is_forgotten():
    """But for what is kept up beside it, and compared in every history."""
    follows = {name for name in vars(Facts("log")) if name.startswith("_")} | {"outcomes"}
    kept = set(vars(Facts("log"))) - follows
    assert kept - {"control"} | {"records"} == set(Snapshot.__struct_fields__)


def test_of_an_empty_log_too():
    assert everything_in(through_a_snapshot(Facts("log"))) == everything_in(Facts("log"))


def some_names() -> st.SearchStrategy[str]:
    return st.sampled_from(["a", "b", "c"])


HAPPENINGS: st.SearchStrategy[Event] = st.one_of(
    st.builds(mapped, st.just("teamA"), some_names(), st.integers(1, 3)),
    st.builds(events.TopicUnmapped, vcluster=st.just("teamA"), logical=some_names()),
    st.builds(
        events.TopicGranted,
        owner=st.just("teamA"),
        logical=some_names(),
        grantee=some_names(),
        access=st.sampled_from(["read", "write"]),
    ),
    st.builds(
        events.TopicGrantRevoked, owner=st.just("teamA"), logical=some_names(), grantee=some_names()
    ),
    st.builds(events.NodeRegistered, node_id=some_names(), incarnation=some_names()),
    st.builds(
        events.NodeTokenIssued, node_id=some_names(), token_id=some_names(), digest=st.just("d")
    ),
    st.builds(events.NodeTokenRevoked, node_id=some_names(), token_id=some_names()),
    st.builds(events.ServiceAccountCreated, vcluster=st.just("teamA"), name=some_names()),
    st.builds(mirror.CircleDetected, scope=st.just("main")),
    st.builds(mirror.CircleEnded, scope=st.just("main")),
    st.just(events.RebuildRequested()),
)


@given(st.lists(st.tuples(HAPPENINGS, st.sampled_from(["node:n1", "user:test", "system:x"]))))
def test_whatever_happens_is_made_the_same_of_from_every_beginning(happened):
    facts = facts_of(described("main", 1, 2), OPEN, TEAM_A)
    take(facts, requested())
    for event in to_the_commit("s"):
        take(facts, event)
    for event, actor in happened:
        take(facts, event, actor)


def kept() -> SealedSnapshot:
    return sealed(taken(facts_of(OPEN, TEAM_A)), HASH, KEY)


def changed(**fields: object) -> SealedSnapshot:
    return msgspec.structs.replace(kept(), **fields)


@pytest.mark.parametrize(
    ("snapshot", "why"),
    [
        (changed(format="older"), "another release"),
        (changed(hash=bytes(32)), "event 2 of the log is another one"),
        (changed(seq=1), "not signed"),
        (changed(content=kept().content + b"x"), "not signed"),
        (changed(signature="0" * 64), "not signed"),
    ],
)
def test_what_does_not_stand_for_the_log_is_not_used(snapshot: SealedSnapshot, why: str):
    with pytest.raises(UnusableSnapshotError, match=why):
        opened(snapshot, HASH, KEY)


def test_what_stands_for_an_event_that_the_log_lost_is_not_used():
    with pytest.raises(UnusableSnapshotError, match="another one"):
        opened(kept(), None, KEY)


def test_what_the_facts_become_later_is_not_in_it():
    facts = facts_of(OPEN, TEAM_A, mapped("teamA", "users"))
    snapshot = taken(facts)
    before = sealed(snapshot, HASH, KEY)
    take(facts, events.TopicUnmapped(vcluster="teamA", logical="users"), "node:n1")
    assert sealed(snapshot, HASH, KEY) == before
