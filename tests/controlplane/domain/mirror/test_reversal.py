"""A reversal, from the request to its end; time is a number."""

import msgspec
import pytest

from contract.mirror import Direction
from controlplane.domain.facts import Facts
from controlplane.domain.mirror import events
from controlplane.domain.mirror.common_ground import held_the_same
from controlplane.domain.mirror.manual import steps_by_hand
from controlplane.domain.mirror.request import (
    AlreadyReversedError,
    RequestReversal,
    confirm_reversal,
    due_reversal,
    request_reversal,
)
from controlplane.domain.mirror.state import direction_after, initial_direction
from controlplane.domain.mirror.steps import (
    Act,
    MirrorVerdict,
    Note,
    Seeding,
    TurnView,
    next_step,
)
from controlplane.domain.mirror.transitions import ReversalPhase
from controlplane.domain.refusal import Conflict, Missing
from controlplane.domain.switch import events as switch
from tests.controlplane.domain.switch.ways import to_the_commit
from tests.controlplane.histories import OPEN, facts_of, take

CUT = (("t-0", 5),)
SEEDING = Seeding(
    positions=(events.Position(topic="t", partition=0, offset=4),), target_ends=(("t-0", 9),)
)
APART = (events.ApartTopic(topic="t", tail=3, side_topic="t.tail.1"),)
BACK = Direction(source="failover", target="main")


def requested(switch_id: str = "s1", to: str = "failover") -> switch.SwitchRequested:
    return switch.SwitchRequested(
        switch_id=switch_id,
        scope="main",
        from_cluster="main" if to == "failover" else "failover",
        to_cluster=to,
        mode="planned",
        expected_epoch=0,
        budget_s=60,
        mirror_budget_s=20,
    )


def completed(switch_id: str = "s1", *, proved: bool = True) -> list[switch.SwitchEvent]:
    """All of a switch after its request: with the cut, unless it committed without looking."""
    return ended(switch_id, CUT if proved else None)


def ended(switch_id: str, ends: switch.Ends | None) -> list[switch.SwitchEvent]:
    cut = switch.CutRecorded(switch_id=switch_id, source_ends=ends or (), target_ends=ends or ())
    return [
        *to_the_commit(switch_id),
        *([cut] if ends is not None else []),
        switch.SwitchCommitted(switch_id=switch_id, epoch=1),
        switch.SwitchCompleted(switch_id=switch_id, fenced_ms=1, total_ms=1),
    ]


def switched(*, proved: bool = True) -> Facts:
    return facts_of(OPEN, requested(), *completed(proved=proved))


def ask(facts: Facts, name: str = "r1", runner: str = "process", **changes) -> None:
    command = RequestReversal(reversal_id=name, scope="main", runner=runner, **changes)
    for event in request_reversal(facts, command):
        take(facts, event)


def carry_through(facts: Facts, name: str = "r1", now: float = 3.0, **found) -> list[str]:
    """Do whatever comes next until it is over or waits; what was done."""
    done = []
    view = TurnView(reversal=facts.reversals[name], serving="failover", requested_at=0.0, **found)
    while (step := next_step(view, now)) is not None:
        if isinstance(step, Act):
            done.append(step.what)
            news = {
                "stop": {"stopped": True},
                "settle": {"apart": APART},
                "empty": {"emptied": True},
                "seed": {"seeding": SEEDING},
                "start": {"started": True},
                "verify": {"verdict": MirrorVerdict()},
            }[step.what]
            view = msgspec.structs.replace(view, **news)
        else:
            take(facts, step.event)
            done.append(step.event.kind)
            view = msgspec.structs.replace(view, reversal=facts.reversals[name])
    return done


class TestRequest:
    def test_takes_the_cut_of_the_newest_switch(self) -> None:
        facts = switched()
        ask(facts)
        reversal = facts.reversals["r1"]
        assert (reversal.direction, reversal.cut, reversal.switch_id) == (BACK, CUT, "s1")

    def test_is_refused_where_nothing_was_switched(self) -> None:
        with pytest.raises(Missing):
            ask(facts_of(OPEN))

    def test_is_refused_during_a_switch(self) -> None:
        facts = switched()
        take(facts, requested("s2", to="main"))
        with pytest.raises(Conflict, match="s2 is under way"):
            ask(facts)

    def test_is_refused_after_a_switch_that_did_not_look(self) -> None:
        with pytest.raises(Conflict, match="without looking"):
            ask(switched(proved=False))

    def test_has_the_cut_found_then_if_asked_to(self) -> None:
        facts = switched(proved=False)
        ask(facts, find_cut=True)
        assert facts.reversals["r1"].cut is None
        assert carry_through(facts)[-1] == "mirror.reversed"

    def test_is_made_once(self) -> None:
        facts = switched()
        ask(facts)
        with pytest.raises(AlreadyReversedError, match="is being turned"):
            ask(facts, "r2")
        carry_through(facts)
        with pytest.raises(AlreadyReversedError, match="was turned"):
            ask(facts, "r2")


class TestDue:
    def test_after_a_switch_that_looked(self) -> None:
        assert due_reversal(switched(), "main")

    def test_not_before_its_end(self) -> None:
        events_, last = completed()[:-1], completed()[-1]
        facts = facts_of(OPEN, requested(), *events_)
        assert not due_reversal(facts, "main")
        take(facts, last)
        assert due_reversal(facts, "main")

    def test_not_without_a_cut(self) -> None:
        assert not due_reversal(switched(proved=False), "main")

    def test_once(self) -> None:
        facts = switched()
        ask(facts)
        assert not due_reversal(facts, "main")
        carry_through(facts)
        assert not due_reversal(facts, "main")


class TestSteps:
    def test_in_their_order(self) -> None:
        facts = switched()
        ask(facts)
        assert carry_through(facts) == [
            "stop",
            "mirror.stopped",
            "seed",
            "mirror.positions_seeded",
            "start",
            "mirror.started",
            "verify",
            "mirror.reversed",
        ]

    @pytest.mark.parametrize("done", range(1, 4))
    def test_go_on_where_another_leader_stopped(self, done: int) -> None:
        facts = switched()
        ask(facts)
        recorded = [
            events.MirrorStopped(reversal_id="r1"),
            events.PositionsSeeded(
                reversal_id="r1", positions=SEEDING.positions, target_ends=SEEDING.target_ends
            ),
            events.MirrorStarted(reversal_id="r1"),
        ]
        for event in recorded[:done]:
            take(facts, event)
        assert (
            carry_through(facts)
            == [
                ["seed", "mirror.positions_seeded"],
                ["start", "mirror.started"],
                ["verify", "mirror.reversed"],
            ][done - 1]
            + [
                ["start", "mirror.started", "verify", "mirror.reversed"],
                ["verify", "mirror.reversed"],
                [],
            ][done - 1]
        )

    def test_wait_for_what_is_not_so_yet(self) -> None:
        facts = switched()
        ask(facts)
        carry_through(facts, verdict=MirrorVerdict(awaited="nothing arrived"))
        assert facts.reversals["r1"].phase is ReversalPhase.REVERSED
        facts = switched()
        ask(facts)
        waiting = TurnView(
            reversal=msgspec.structs.replace(facts.reversals["r1"], phase=ReversalPhase.STARTED),
            serving="failover",
            requested_at=0.0,
            verdict=MirrorVerdict(awaited="nothing arrived"),
        )
        assert next_step(waiting, 500.0) == Act("verify")

    def test_end_when_records_were_copied_back(self) -> None:
        facts = switched()
        ask(facts)
        carry_through(facts, verdict=MirrorVerdict(copied_back=("t-0",)))
        failed = facts.reversals["r1"]
        assert failed.phase is ReversalPhase.FAILED
        assert "t-0" in (failed.cause or "")

    @pytest.mark.parametrize(
        ("accepted", "expected"), [(False, ReversalPhase.FAILED), (True, ReversalPhase.REVERSED)]
    )
    def test_end_at_gaps_unless_they_are_accepted(self, accepted, expected) -> None:
        facts = switched(proved=False)
        ask(facts, find_cut=True, accepts_gaps=accepted)
        gaps = msgspec.structs.replace(SEEDING, gaps=("t-0",))
        carry_through(facts, seeding=gaps)
        assert facts.reversals["r1"].phase is expected

    def test_end_when_the_scope_is_switched_away(self) -> None:
        facts = switched()
        ask(facts)
        view = TurnView(reversal=facts.reversals["r1"], serving="main", requested_at=0.0)
        step = next_step(view, 1.0)
        assert isinstance(step, Note)
        assert step.event.kind == "mirror.reversal_failed"

    def test_positions_that_were_used_once_are_never_set_again(self) -> None:
        facts = switched()
        ask(facts)
        carry_through(facts, verdict=MirrorVerdict(copied_back=("t-0",)))
        ask(facts, "r2")
        assert facts.reversals["r2"].resumes


class TestByHand:
    def test_waits_for_the_operator_and_looks_then(self) -> None:
        facts = switched()
        ask(facts, runner="manual")
        assert carry_through(facts) == ["seed", "mirror.positions_seeded"]
        for event in confirm_reversal(facts, "main"):
            take(facts, event)
        assert carry_through(facts) == ["verify", "mirror.reversed"]

    def test_prints_positions_and_properties(self) -> None:
        facts = switched()
        ask(facts, runner="manual")
        carry_through(facts)
        text = "\n".join(steps_by_hand(facts.reversals["r1"]))
        key = '["MirrorSourceConnector",{"cluster":"failover","partition":0,"topic":"t"}]'
        assert f'{key}\t{{"offset":4}}' in text
        assert "main->failover.emit.heartbeats.enabled=false" in text

    def test_is_not_confirmed_when_it_does_not_wait(self) -> None:
        with pytest.raises(Missing):
            confirm_reversal(switched(), "main")
        facts = switched()
        ask(facts)
        with pytest.raises(Conflict, match="waits for nobody"):
            confirm_reversal(facts, "main")


class TestDirection:
    INITIAL = initial_direction("main", ("failover", "main"))

    def test_is_that_of_the_scope_at_first(self) -> None:
        assert direction_after(self.INITIAL, None) == BACK.back

    def test_there_is_none_with_one_cluster(self) -> None:
        assert initial_direction("main", ("main",)) is None

    def test_follows_the_newest_reversal(self) -> None:
        facts = switched()
        ask(facts)
        carry_through(facts)
        assert direction_after(self.INITIAL, facts.newest_reversal("main")) == BACK

    def test_is_none_after_a_failure_and_the_old_one_if_nothing_was_stopped(self) -> None:
        facts = switched()
        ask(facts)
        take(facts, events.ReversalFailed(reversal_id="r1", cause="x"))
        assert direction_after(self.INITIAL, facts.newest_reversal("main")) == BACK.back
        ask(facts, "r2")
        take(facts, events.MirrorStopped(reversal_id="r2"))
        take(facts, events.ReversalFailed(reversal_id="r2", cause="x"))
        assert direction_after(self.INITIAL, facts.newest_reversal("main")) is None


def test_what_only_the_target_has_is_settled_before_anything_is_emptied():
    facts = switched(proved=False)
    ask(facts, find_cut=True, tail="side_topic")
    assert carry_through(facts)[2:7] == [
        "settle",
        "mirror.tails_settled",
        "empty",
        "mirror.target_emptied",
        "seed",
    ]
    assert facts.reversals["r1"].filled_again == {"t"}


def test_who_takes_over_does_not_settle_again_what_may_be_emptied_already():
    facts = switched(proved=False)
    ask(facts, find_cut=True, tail="discard")
    for event in (
        events.MirrorStopped(reversal_id="r1"),
        events.TailsSettled(reversal_id="r1", topics=APART),
    ):
        take(facts, event)
    assert carry_through(facts)[0] == "empty"


@pytest.mark.parametrize(
    ("proved", "runner", "why"),
    [(True, "process", "no tail to settle"), (False, "manual", "run by hand")],
)
def test_a_tail_is_settled_only_where_there_can_be_one(proved, runner, why):
    with pytest.raises(Conflict, match=why):
        ask(switched(proved=proved), runner=runner, find_cut=True, tail="discard")


def test_nor_once_records_may_have_been_copied():
    facts = switched(proved=False)
    ask(facts, find_cut=True)
    take(facts, events.MirrorStopped(reversal_id="r1"))
    take(facts, events.PositionsSeeded(reversal_id="r1", positions=(), target_ends=()))
    take(facts, events.ReversalFailed(reversal_id="r1", cause="it did not go well"))
    with pytest.raises(Conflict, match="may have been copied"):
        ask(facts, "r2", find_cut=True, tail="discard")


def test_offsets_of_a_topic_that_was_filled_again_are_not_compared_with_those_of_before():
    cut = (("t-0", 5), ("u-0", 6))
    facts = facts_of(OPEN, requested(), *ended("s1", cut))
    for event in (requested("s2", "main"), *completed("s2", proved=False)):
        take(facts, event)
    forward = Direction(source="main", target="failover")
    assert held_the_same(facts, "main", forward)[0] == dict(cut)
    ask(facts, find_cut=True, tail="discard")
    take(facts, events.TailsSettled(reversal_id="r1", topics=APART))
    assert held_the_same(facts, "main", forward) == ({"u-0": 6}, {"u-0": 6})
