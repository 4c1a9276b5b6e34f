"""Histories for tests of the pure parts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from controlplane.domain import events
from controlplane.domain.event import Event, Recorded
from controlplane.domain.facts import Facts
from controlplane.domain.snapshot import opened, restored, sealed, taken

KEY = b"of the tests"
START = datetime(2026, 1, 1, tzinfo=UTC)

OPEN = events.ScopeOpened(scope="main", cluster="main")
TEAM_A = events.VirtualClusterCreated(name="teamA", scope="main", cluster_id="x")


def facts_of(*history: Event) -> Facts:
    """What a history adds up to; its events are a second apart."""
    facts = Facts("log")
    for event in history:
        take(facts, event)
    return facts


def take(facts: Facts, event: Event, actor: str = "user:test") -> Recorded:
    """Add one event, under the number that the database would give it."""
    newest = facts.seq
    if isinstance(event, events.LogReconciled):
        newest = max(newest, event.through_seq)
    recorded = Recorded(
        seq=newest + 1,
        event_id=uuid4(),
        version=facts.versions.get(event.stream, 0) + 1,
        event=event,
        actor=actor,
        reason=None,
        recorded_at=START + timedelta(seconds=facts.seq),
    )
    resumed = through_a_snapshot(facts)
    facts.apply(recorded)
    resumed.apply(recorded)
    assert everything_in(resumed) == everything_in(facts)
    return recorded


def through_a_snapshot(facts: Facts) -> Facts:
    """The facts of a control plane that starts with a snapshot of these.

    Each event that a test takes is taken by these too, and makes the same of them: so of every
    history that tests have, every beginning may be a snapshot.
    """
    snapshot = opened(sealed(taken(facts), b"hash", KEY), b"hash", KEY)
    return restored(snapshot)


def everything_in(facts: Facts) -> dict[str, Any]:
    """What two control planes have alike that know the same, in its order where that counts."""
    control = facts.control
    found = {name: value for name, value in vars(facts).items() if name != "control"}
    for name in ("switches", "reversals"):
        found[name] = list(found[name].items())
    found["control"] = (control.records(), control.seq, control.digest())
    found["after"] = control.records_after(facts.seq // 2)
    return found


def mapped(vcluster: str, logical: str, partitions: int = 1) -> events.TopicMapped:
    return events.TopicMapped(
        vcluster=vcluster,
        logical=logical,
        physical=vcluster + logical,
        partitions=partitions,
        replication_factor=1,
        configs={},
    )


def described(name: str, *brokers: int, index: int = 0) -> events.ClusterDescribed:
    return events.ClusterDescribed(
        name=name,
        index=index,
        role="upstream",
        cluster_id=f"id-of-{name}",
        brokers=brokers,
        api_versions={0: (3, 11), 1: (4, 17)},
    )
