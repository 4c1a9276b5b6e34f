"""What is known of a topic is forgotten when it is emptied, and what comes then is the mirror's."""

from contract.mirror import Direction
from controlplane.domain.facts import Facts
from controlplane.domain.mirror import events
from controlplane.domain.mirror.made_anew import filled_by_the_mirror_alone, made_anew_since
from controlplane.domain.mirror.request import RequestReversal, request_reversal
from controlplane.domain.switch.events import (
    SwitchCommitted,
    SwitchCompleted,
    SwitchEvent,
    SwitchRequested,
)
from tests.controlplane.domain.switch.ways import to_the_commit
from tests.controlplane.histories import OPEN, facts_of, take

BACK = Direction(source="failover", target="main")
SETTLED = events.TailsSettled(
    reversal_id="r1", topics=(events.ApartTopic(topic="t", tail=3, side_topic=None),)
)
EMPTIED = events.TargetEmptied(reversal_id="r1")
SEEDED = events.PositionsSeeded(reversal_id="r1", positions=(), target_ends=())
STARTED = events.MirrorStarted(reversal_id="r1")
FAILED = events.ReversalFailed(reversal_id="r1", cause="it did not go well")


def forced(switch_id: str, source: str, target: str, epoch: int) -> list[SwitchEvent]:
    requested = SwitchRequested(
        switch_id=switch_id,
        scope="main",
        from_cluster=source,
        to_cluster=target,
        mode="forced",
        expected_epoch=epoch - 1,
        budget_s=60,
        mirror_budget_s=20,
    )
    committed = SwitchCommitted(switch_id=switch_id, epoch=epoch)
    completed = SwitchCompleted(switch_id=switch_id, fenced_ms=1, total_ms=1)
    return [requested, *to_the_commit(switch_id), committed, completed]


def reversing(*happened: events.ReversalEvent) -> Facts:
    facts = facts_of(OPEN, *forced("s1", "main", "failover", 1))
    command = RequestReversal(
        reversal_id="r1", scope="main", runner="process", find_cut=True, tail="discard"
    )
    for event in (*request_reversal(facts, command), *happened):
        take(facts, event)
    return facts


def test_nothing_is_known_of_a_topic_until_it_is_empty():
    facts = reversing(SETTLED)
    assert made_anew_since(facts, facts.seq) == {"t"}
    assert filled_by_the_mirror_alone(facts, "main", BACK) == frozenset()


def test_what_was_seen_before_is_forgotten_and_what_is_seen_then_is_kept():
    facts = reversing(SETTLED, EMPTIED)
    emptied = facts.seq
    take(facts, SEEDED)
    take(facts, STARTED)
    assert made_anew_since(facts, emptied - 1) == {"t"}
    assert made_anew_since(facts, emptied) == frozenset()
    assert filled_by_the_mirror_alone(facts, "main", BACK) == {"t"}
    assert filled_by_the_mirror_alone(facts, "main", BACK.back) == frozenset()


def test_a_reversal_that_failed_half_way_may_have_emptied_a_topic():
    facts = reversing(SETTLED, FAILED)
    assert made_anew_since(facts, facts.seq - 1) == {"t"}
    assert made_anew_since(facts, facts.seq) == frozenset()
    facts = reversing(SETTLED, EMPTIED, FAILED)
    assert filled_by_the_mirror_alone(facts, "main", BACK) == frozenset()


def test_after_the_next_switch_clients_have_written_there():
    facts = reversing(SETTLED, EMPTIED, SEEDED, STARTED)
    for event in (
        *forced("s2", "failover", "main", 2),
        *forced("s3", "main", "failover", 3),
    ):
        take(facts, event)
    assert filled_by_the_mirror_alone(facts, "main", BACK) == frozenset()
