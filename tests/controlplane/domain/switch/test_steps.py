"""The coordinator's decisions, one situation at a time; time is a number."""

from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contract.numbering import Numbering
from contract.records import Identities, Identity, Offsets, Producers, Writer
from contract.session import ScopeReport, Unrest
from controlplane.domain.event import Recorded
from controlplane.domain.numbering.deciding import Renumbered
from controlplane.domain.replica import Loss
from controlplane.domain.switch import events
from controlplane.domain.switch.rules import ALL
from controlplane.domain.switch.state import Cut, Phase, Switch, after
from controlplane.domain.switch.steps import Append, Probe, next_steps
from controlplane.domain.switch.view import (
    Losses,
    MirrorState,
    NodeView,
    Numbers,
    Positions,
    Preflight,
    Sweep,
    Timing,
    Transactions,
    View,
)
from tests.controlplane.histories import START

TERM, FENCE_SEQ = 10, 12
MEMBERS = (("n1", "i1"), ("n2", "i1"))


def switch(phase: Phase, **changes) -> Switch:
    fenced = phase not in {Phase.REQUESTED, Phase.PREPARING, Phase.QUIESCING}
    defaults = {
        "switch_id": "s",
        "scope": "main",
        "from_cluster": "main",
        "to_cluster": "failover",
        "mode": "planned",
        "expected_epoch": 0,
        "budget_s": 60.0,
        "mirror_budget_s": 20.0,
        "actor": "user:test",
        "reason": None,
        "term": TERM,
        "requested_at": START,
        "version": 1,
        "phase": phase,
        "participants": MEMBERS if fenced else (),
        "fence_seq": FENCE_SEQ if fenced else None,
    }
    return Switch(**(defaults | changes))


def node(node_id: str, phase: str | None = None, **changes) -> NodeView:
    report = None
    if phase is not None:
        report = ScopeReport(
            phase=phase,
            epoch=changes.pop("epoch", 0),
            term=changes.pop("term", TERM),
            in_flight=0,
            held=3,
            unrest=changes.pop("unrest", None),
            returning=changes.pop("returning", 0),
        )
    defaults = {
        "node_id": node_id,
        "incarnation": "i1",
        "alive": phase is not None,
        "reported_incarnation": "i1" if phase else None,
        "applied_seq": FENCE_SEQ,
        "report": report,
    }
    return NodeView(**(defaults | changes))


def view(at: Switch, *nodes: NodeView, **changes) -> View:
    return View(
        switch=at,
        nodes=nodes,
        timing=Timing(),
        **({"requested_at": 0.0, "phase_seen_at": 0.0, "transactions": Transactions()} | changes),
    )


def fencing(*nodes: NodeView, **changes) -> View:
    closed = {"fence_seen_at": 0.0, "fence_published_at": 0.0}
    recorded = {k: changes.pop(k) for k in ("drained", "lease_expired") if k in changes}
    return view(switch(Phase.FENCING, **recorded), *nodes, **(closed | changes))


def kinds(at: View, now: float = 1.0, rules=ALL) -> list[str]:
    """The kinds of the events to append, or the probes to make."""
    found = []
    for step in next_steps(at, now, rules):
        match step:
            case Append(appended):
                found += [event.kind.removeprefix("switch.") for event in appended]
            case Probe(what):
                found.append(f"probe {what}")
    return found


def sweep(at: float, end: int = 5) -> Sweep:
    return Sweep(at=at, ends=(("t-0", end),))


def ended(*aborted: str) -> Transactions:
    identity = Identity("tx", 7, 0, 7, 1, is_aborted=True)
    recorded = Identities(scope="main", epoch=0, part=0, identities=(identity,))
    return Transactions(aborted=aborted, identities=(recorded,) if aborted else ())


STILL = (sweep(0.0), sweep(0.2))
CAUGHT_UP = MirrorState(at=0.3, partitions=1, behind=(), far_behind=())
BEHIND = MirrorState(at=0.3, partitions=1, behind=("t-0",), far_behind=())
TRANSLATED = Positions(
    at=0.4,
    groups=1,
    positions=1,
    by_method=(("end", 1),),
    remarks=(),
    remarks_left_out=0,
    digest="d",
    duration_ms=1.0,
)
NUMBERS = Numbers(partitions=1, offsets=())
DECIDED = sha256(msgspec.json.encode(NUMBERS)).hexdigest()
BROUGHT = sha256(msgspec.json.encode(("d", (), ()))).hexdigest()
FAR = MirrorState(at=0.3, partitions=1, behind=("t-0",), far_behind=("t-0",))


def loss(partition: str, first: int) -> Loss:
    return Loss(partition=partition, first=first, seen_end=9)


def losses(*found: Loss, at: float = 0.5, answered: bool = False) -> Losses:
    return Losses(at=at, answered=answered, seen_at=START, losses=found)


class TestBeforeTheFence:
    def test_looks_before_anything_else(self) -> None:
        assert kinds(view(switch(Phase.REQUESTED))) == ["probe preflight"]

    @pytest.mark.parametrize(
        ("passed", "expected"), [(True, "preflight_passed"), (False, "rejected")]
    )
    def test_goes_on_only_if_nothing_stands_in_the_way(self, passed, expected) -> None:
        check = events.Check(name="target_reachable", passed=passed, detail="why")
        found = Preflight(checks=(check,))
        assert kinds(view(switch(Phase.REQUESTED), preflight=found)) == [expected]

    @pytest.mark.parametrize(
        ("mirror", "expected"),
        [(None, "probe mirror"), (FAR, "probe mirror"), (BEHIND, "fence_ordered")],
    )
    def test_lets_the_mirror_come_close_first(self, mirror, expected) -> None:
        assert kinds(view(switch(Phase.PREPARING), mirror=mirror)) == [expected]

    def test_does_not_look_at_the_mirror_when_told_not_to(self) -> None:
        assert kinds(view(switch(Phase.PREPARING, mode="forced"))) == ["fence_ordered"]

    def test_does_not_fence_while_the_mirror_is_being_turned(self) -> None:
        turning = msgspec.structs.replace(BEHIND, turning="failover->main")
        at = view(switch(Phase.PREPARING), mirror=turning)
        assert kinds(at) == ["probe mirror"]
        ((abort,),) = (step.events for step in next_steps(at, 20.0))
        assert "turned round to failover->main" in abort.cause

    def test_gives_up_on_a_mirror_that_stays_far_behind(self) -> None:
        at = view(switch(Phase.PREPARING), mirror=FAR)
        ((abort,),) = (step.events for step in next_steps(at, 20.0))
        assert "t-0" in abort.cause

    def test_orders_the_fence_for_every_registered_node(self) -> None:
        at = view(switch(Phase.PREPARING, mode="forced"), node("n1", "serving"), node("n2"))
        ((fence,),) = (step.events for step in next_steps(at, 1.0))
        assert fence.participants == MEMBERS


class TestProgress:
    """While the mirror is waited for, now and then what of it."""

    @pytest.mark.parametrize(
        ("phase", "mirror", "named"),
        [(Phase.PREPARING, FAR, FAR.far_behind), (Phase.CATCHING_UP, BEHIND, BEHIND.behind)],
    )
    def test_is_told(self, phase: Phase, mirror: MirrorState, named: Any) -> None:
        waiting = switch(phase, mirror_budget_s=60.0)
        sweeps = (sweep(0.5), sweep(0.7))
        at = view(waiting, mirror=mirror, sweeps=sweeps)
        assert kinds(at, 1.4) == ["probe mirror"]
        ((told,),) = (step.events for step in next_steps(at, 1.5))
        assert (told.behind, told.named) == (len(named), named)
        told_already = view(waiting, mirror=mirror, sweeps=sweeps, progress_told_at=1.5)
        assert kinds(told_already, 2.9) == ["probe mirror"]

    def test_is_not_told_before_anybody_has_looked(self) -> None:
        assert kinds(view(switch(Phase.PREPARING, mirror_budget_s=60.0)), 5.0) == ["probe mirror"]


class TestQuiescing:
    """Consumer groups and transactions get time to come to rest, and no more than that."""

    UNREST = Unrest(members=1, member_names=("teamAreaders m1",))

    @staticmethod
    def quiescing(*nodes: NodeView) -> View:
        return view(switch(Phase.QUIESCING, quiesce_budget_s=9.0, quiesce_seq=10), *nodes)

    @staticmethod
    def holding(*nodes: NodeView) -> View:
        held = switch(Phase.QUIESCING, quiesce_budget_s=9.0, quiesce_seq=10, hold_seq=11)
        return view(held, *nodes)

    def test_comes_before_the_fence_once_the_mirror_is_close(self) -> None:
        preparing = switch(Phase.PREPARING, quiesce_budget_s=10.0)
        assert kinds(view(preparing, mirror=FAR, ghosts_removed=0)) == ["probe mirror"]
        assert kinds(view(preparing, mirror=BEHIND, ghosts_removed=0)) == ["quiesce_ordered"]

    def test_makes_room_on_the_target_first(self) -> None:
        preparing = switch(Phase.PREPARING, quiesce_budget_s=10.0)
        assert kinds(view(preparing, mirror=BEHIND)) == ["probe ghosts"]

    def test_is_left_out_of_a_forced_switch(self) -> None:
        forced = switch(Phase.PREPARING, mode="forced", quiesce_budget_s=10.0)
        assert kinds(view(forced)) == ["fence_ordered"]

    @pytest.mark.parametrize(
        "restless",
        [{"unrest": UNREST}, {"unrest": None}, {"unrest": Unrest(), "applied_seq": 9}],
    )
    def test_lets_transactions_begin_while_groups_come_to_rest(
        self, restless: dict[str, Any]
    ) -> None:
        quiet = node("n1", "serving", unrest=Unrest(transactions=1))
        at = self.quiescing(quiet, node("n2", "serving", **restless))
        assert kinds(at) == []
        assert kinds(at, 6.0) == ["transactions_held"]

    def test_holds_transactions_once_groups_are_at_rest(self) -> None:
        at = self.quiescing(node("n1", "serving", unrest=Unrest(transactions=1)), node("n2"))
        assert kinds(at) == ["transactions_held"]

    @pytest.mark.parametrize(
        "restless",
        [
            {"unrest": UNREST},
            {"unrest": Unrest(transactions=1)},
            {"unrest": None},
            {"unrest": Unrest(), "applied_seq": 10},
            {"unrest": Unrest(), "reported_incarnation": "i0"},
        ],
    )
    def test_waits_for_every_node_that_is_alive(self, restless: dict[str, Any]) -> None:
        quiet = node("n1", "serving", unrest=Unrest())
        assert kinds(self.holding(quiet, node("n2", "serving", **restless))) == []

    def test_ends_when_all_are_quiet_without_waiting_for_the_dead(self) -> None:
        at = self.holding(node("n1", "serving", unrest=Unrest()), node("n2"))
        ((fence,),) = (step.events for step in next_steps(at, 1.0))
        assert (fence.participants, fence.restless) == (MEMBERS, ())

    def test_ends_with_its_budget_and_names_what_is_left(self) -> None:
        at = self.holding(node("n1", "serving", unrest=self.UNREST), node("n2", "serving"))
        ((fence,),) = (step.events for step in next_steps(at, 9.0))
        assert [(r.node_id, r.unrest) for r in fence.restless] == [
            ("n1", self.UNREST),
            ("n2", None),
        ]


class TestBarrier:
    def test_waits_for_every_member(self) -> None:
        assert kinds(fencing(node("n1", "drained"), node("n2", "draining"))) == ["node_drained"]

    def test_is_reached_with_evidence_for_all(self) -> None:
        at = fencing(node("n1", "drained"), node("n2", "drained"), drained=MEMBERS)
        assert kinds(at) == ["barrier_reached"]

    @pytest.mark.parametrize(
        "stale",
        [
            {"term": TERM - 1},
            {"reported_incarnation": "i0"},
            {"applied_seq": FENCE_SEQ - 1},
        ],
    )
    def test_drops_reports_that_are_not_about_this_fence(self, stale) -> None:
        at = fencing(node("n1", "drained", **stale), node("n2"))
        assert kinds(at) == []
        assert kinds(at, rules=msgspec.structs.replace(ALL, c5_current_reports_only=False))

    def test_keeps_the_evidence_of_a_process_that_was_replaced(self) -> None:
        restarted = node("n1", "fenced", incarnation="i2", reported_incarnation="i2")
        assert kinds(fencing(restarted, node("n2", "drained"), drained=MEMBERS)) == [
            "barrier_reached"
        ]

    def test_does_not_take_a_new_process_for_the_old_one(self) -> None:
        restarted = node("n1", "drained", incarnation="i2", reported_incarnation="i2")
        at = fencing(restarted, node("n2"), drained=(MEMBERS[1],))
        assert kinds(at, now=6.0) == []
        assert kinds(at, now=6.1) == ["node_fenced"]

    def test_does_not_wait_for_a_node_that_was_deregistered(self) -> None:
        assert kinds(fencing(node("n1"), drained=(MEMBERS[0],))) == ["barrier_reached"]

    def test_waits_out_the_lease_of_a_silent_node(self) -> None:
        at = fencing(node("n1"), node("n2"))
        assert kinds(at, now=6.04) == []
        assert kinds(at, now=6.05) == ["node_fenced", "node_fenced"]

    def test_counts_from_when_both_ways_to_a_lease_are_closed(self) -> None:
        at = fencing(node("n1"), node("n2"), fence_published_at=3.0)
        assert kinds(at, now=9.0) == []
        assert kinds(at, now=9.1) == ["node_fenced", "node_fenced"]

    def test_never_counts_silence_while_the_topic_lacks_the_fence(self) -> None:
        at = fencing(node("n1"), node("n2"), fence_published_at=None)
        assert kinds(at, now=59.0) == []
        assert kinds(at, now=59.0, rules=msgspec.structs.replace(ALL, c1_published_fence=False))

    def test_starts_the_wait_again_under_a_new_coordinator(self) -> None:
        at = fencing(node("n1"), node("n2"), fence_seen_at=5.0, fence_published_at=5.0)
        assert kinds(at, now=8.0) == []
        forgetful = msgspec.structs.replace(ALL, c2_wait_from_own_lead=False)
        assert kinds(at, now=8.0, rules=forgetful) == ["node_fenced", "node_fenced"]

    def test_names_the_nodes_that_held_it_up(self) -> None:
        at = fencing(node("n1"), node("n2"), fence_published_at=None)
        ((abort,),) = (step.events for step in next_steps(at, 60.0))
        assert "n1, n2" in abort.cause
        assert "control topic" in abort.cause


class TestProof:
    def verifying(self, *sweeps: Sweep, **changes) -> View:
        seen = {"transactions": changes.pop("transactions", Transactions())}
        return view(switch(Phase.VERIFYING, **changes), sweeps=sweeps, **seen)

    def test_looks_until_the_old_cluster_stood_still(self) -> None:
        assert kinds(self.verifying()) == ["probe sweep"]
        assert kinds(self.verifying(sweep(0.0), sweep(0.05))) == ["probe sweep"]
        assert kinds(self.verifying(*STILL)) == ["source_frozen"]

    def test_ends_transactions_before_it_looks(self) -> None:
        at = self.verifying(*STILL, transactions=None)
        assert kinds(at) == ["probe transactions"]
        assert kinds(at, 5.0) == ["abort_requested"]
        at = self.verifying(*STILL, transactions=ended("tx"))
        assert kinds(at) == ["identities_recorded", "transactions_aborted"]
        at = self.verifying(*STILL, transactions=ended("tx"), aborted_transactions=("tx",))
        assert kinds(at) == ["source_frozen"]

    def test_begins_again_when_it_moves(self) -> None:
        moving = (sweep(0.0, 5), sweep(0.2, 6), sweep(0.25, 6))
        assert kinds(self.verifying(*moving)) == ["probe sweep"]

    @pytest.mark.parametrize("late", [{"lease_expired": (MEMBERS[0],)}, {"cut_off": True}])
    def test_looks_for_longer_where_bytes_may_land_late(self, late) -> None:
        assert kinds(self.verifying(*STILL, **late)) == ["probe sweep"]
        assert kinds(self.verifying(sweep(0.0), sweep(1.0), **late)) == ["source_frozen"]

    def test_a_node_that_cut_requests_off_is_remembered(self) -> None:
        drained = events.NodeDrained(switch_id="s", node_id="n1", incarnation="i1", cut=1, held=0)
        recorded = Recorded(
            event_id=UUID(int=0),
            seq=13,
            version=2,
            recorded_at=START,
            actor="system:coordinator",
            reason=None,
            event=drained,
        )
        assert after(switch(Phase.FENCING), recorded).cut_off

    def test_aborts_when_somebody_writes_past_the_gateway(self) -> None:
        moving = (sweep(0.0, 5), sweep(4.9, 9), sweep(5.0, 10))
        assert kinds(self.verifying(*moving), now=5.0) == ["bypass_detected", "abort_requested"]

    def catching_up(self, **changes) -> View:
        recorded = {"source_frozen": True, "caught_up": changes.pop("caught_up", False)}
        return view(switch(Phase.CATCHING_UP, **recorded), **changes)

    def test_waits_for_the_target_to_hold_everything(self) -> None:
        assert kinds(self.catching_up(sweeps=STILL)) == ["probe mirror"]
        assert kinds(self.catching_up(sweeps=STILL, mirror=BEHIND)) == ["probe mirror"]
        assert kinds(self.catching_up(sweeps=STILL, mirror=CAUGHT_UP)) == ["caught_up"]

    def translating(
        self, recorded: str | None = None, numbered: str | None = DECIDED, **changes
    ) -> View:
        seen = {"sweeps": STILL, "mirror": CAUGHT_UP, "caught_up": True, "numbers": NUMBERS}
        at = self.catching_up(**(seen | changes))
        switch_ = msgspec.structs.replace(
            at.switch, positions_digest=recorded, numbering_digest=numbered
        )
        return msgspec.structs.replace(at, switch=switch_)

    def test_brings_the_positions_of_groups_over_before_it_commits(self) -> None:
        assert kinds(self.translating()) == ["probe positions"]
        assert kinds(self.translating(positions=TRANSLATED)) == ["positions_translated"]
        assert kinds(self.translating(BROUGHT, positions=TRANSLATED)) == ["committed"]

    def test_records_producers_with_the_positions(self) -> None:
        known = Producers(
            scope="main", physical="t", recorded_at=0, writers=(Writer(0, 2**56, 0, 7, 0),)
        )
        at = self.translating(positions=TRANSLATED, producers=(known,))
        assert kinds(at) == ["producers_recorded", "positions_translated"]

    def test_brings_them_over_again_under_a_new_coordinator(self) -> None:
        assert kinds(self.translating("d")) == ["probe positions"]
        assert kinds(self.translating("e", positions=TRANSLATED)) == ["positions_translated"]
        for flaw in ({"c3_prove_again": False}, {"c7_positions_first": False}):
            rules = msgspec.structs.replace(ALL, **flaw)
            assert kinds(self.translating("d"), rules=rules) == ["committed"]

    def test_decides_about_numbers_before_it_commits(self) -> None:
        done = {"recorded": BROUGHT, "positions": TRANSLATED}
        assert kinds(self.translating(**done, numbers=None)) == ["probe numbers"]
        offsets = Offsets(
            scope="main", physical="t", epoch=1, partitions=(Numbering(0, 9, 9),), before=()
        )
        some = Numbers(partitions=2, offsets=(offsets,))
        at = self.translating(**done, numbers=some)
        assert kinds(at) == ["offsets_numbered", "numbering_decided"]
        ((topic, decided),) = (step.events for step in next_steps(at, 1.0))
        assert topic.renumbered == (Renumbered(partition="t-0", floor=9, stretches=0),)
        assert (decided.partitions, decided.renumbered) == (2, 1)
        again = self.translating(**done, numbered=decided.digest, numbers=some)
        assert kinds(again) == ["committed"]

    def test_decides_about_numbers_again_under_a_new_coordinator(self) -> None:
        at = self.translating(BROUGHT, positions=TRANSLATED, numbers=None)
        assert kinds(at) == ["probe numbers"]
        for flaw in ({"c3_prove_again": False}, {"c8_numbers_first": False}):
            assert kinds(at, rules=msgspec.structs.replace(ALL, **flaw)) == ["committed"]

    def test_gives_up_on_numbers_and_says_what_kept_it(self) -> None:
        at = self.translating(positions=TRANSLATED, numbers=None, probe_error="no answer")
        ((abort,),) = (step.events for step in next_steps(at, 20.0))
        assert "where records stand" in abort.cause
        assert "no answer" in abort.cause

    def test_gives_up_on_positions_and_says_what_kept_it(self) -> None:
        at = self.translating(probe_error="cluster failover does not answer")
        ((abort,),) = (step.events for step in next_steps(at, 20.0))
        assert "positions of the groups" in abort.cause
        assert "failover does not answer" in abort.cause

    def test_records_transactional_producers_with_the_positions(self) -> None:
        at = self.translating(positions=TRANSLATED, identities=ended("tx").identities)
        assert kinds(at) == ["identities_recorded", "positions_translated"]

    def test_records_the_cut_with_the_commit(self) -> None:
        cut = Cut(source=(("t-0", 5),), target=(("t-0", 7),))
        proved = msgspec.structs.replace(CAUGHT_UP, cut=cut)
        at = self.translating(BROUGHT, mirror=proved, positions=TRANSLATED)
        assert kinds(at) == ["cut_recorded", "committed"]

    def test_proves_again_what_another_coordinator_recorded(self) -> None:
        at = self.catching_up(caught_up=True)
        assert kinds(at) == ["probe sweep"]
        assert kinds(at, rules=msgspec.structs.replace(ALL, c3_prove_again=False)) == [
            "probe positions",
            "probe numbers",
        ]

    def test_gives_up_on_a_mirror_and_names_what_is_missing(self) -> None:
        at = self.catching_up(sweeps=STILL, mirror=BEHIND)
        ((abort,),) = (step.events for step in next_steps(at, 20.0))
        assert "t-0" in abort.cause


class TestForced:
    def giving_up(self, found: Losses | None, now: float = 1.0) -> list[str]:
        return kinds(view(switch(Phase.VERIFYING, mode="forced"), losses=found), now)

    def test_says_what_is_lost_before_it_gives_it_up(self) -> None:
        lost, whole = loss("t-0", first=3), loss("t-1", first=9)
        found = losses(lost, whole)
        at = view(switch(Phase.VERIFYING, mode="forced"), losses=found)
        ((recorded, waived),) = (step.events for step in next_steps(at, 1.0))
        assert (recorded.losses, recorded.partitions) == ((lost, whole), 2)
        assert isinstance(waived, events.LagWaived)

    def test_of_a_cluster_that_answers_only_what_is_missing_is_said(self) -> None:
        lost, whole = loss("t-0", first=3), loss("t-1", first=9)
        found = losses(lost, whole, answered=True)
        at = view(switch(Phase.VERIFYING, mode="forced"), losses=found)
        ((recorded, _),) = (step.events for step in next_steps(at, 1.0))
        assert recorded.losses == (lost,)

    def test_looks_again_at_an_old_cluster_that_took_writes_until_the_barrier(self) -> None:
        assert self.giving_up(None) == ["probe losses"]
        assert self.giving_up(losses(answered=True, at=-1.0)) == ["probe losses"]
        assert self.giving_up(losses(answered=False, at=-1.0)) == ["loss_recorded", "lag_waived"]

    def test_does_not_wait_for_ever_to_know(self) -> None:
        assert self.giving_up(None, now=20.0) == ["lag_waived"]

    def test_looks_while_it_waits_for_nodes(self) -> None:
        at = switch(Phase.FENCING, mode="forced")
        assert kinds(view(at, node("n1", "serving"), node("n2"))) == ["probe losses"]

    def test_commits_without_proof(self) -> None:
        at = switch(Phase.CATCHING_UP, caught_up=True, mode="forced")
        assert kinds(view(at)) == ["probe numbers"]
        assert kinds(view(at), now=20.0) == ["probe numbers"]
        assert kinds(view(at, numbers=NUMBERS)) == ["numbering_decided"]
        decided = msgspec.structs.replace(at, numbering_digest=DECIDED)
        assert kinds(view(decided, numbers=NUMBERS)) == ["committed"]


class TestDeadline:
    @pytest.mark.parametrize(
        "phase",
        [Phase.REQUESTED, Phase.PREPARING, Phase.FENCING, Phase.VERIFYING, Phase.CATCHING_UP],
    )
    def test_aborts_whatever_is_not_committed(self, phase) -> None:
        assert kinds(view(switch(phase), node("n1")), now=60.0) == ["abort_requested"]

    def test_never_aborts_what_is_committed(self) -> None:
        at = view(switch(Phase.COMMITTED, commit_seq=20), node("n1", "drained"))
        assert kinds(at, now=60.0) == ["completed"]

    def test_finishes_an_abort_at_any_time(self) -> None:
        assert kinds(view(switch(Phase.ABORTING, cause="x")), now=600.0) == ["aborted"]

    @pytest.mark.parametrize("phase", [Phase.COMPLETED, Phase.ABORTED])
    def test_leaves_alone_what_has_ended(self, phase) -> None:
        assert kinds(view(switch(phase)), now=600.0) == []


class TestResuming:
    def committed(self, *nodes: NodeView, resumed=()) -> View:
        return view(switch(Phase.COMMITTED, commit_seq=20, resumed=resumed), *nodes)

    def test_notes_every_node_that_serves_the_new_epoch(self) -> None:
        at = self.committed(node("n1", "serving", epoch=1), node("n2", "serving", epoch=0))
        assert kinds(at) == ["node_resumed"]

    def test_waits_for_a_node_that_is_alive(self) -> None:
        at = self.committed(node("n1"), node("n2", "drained"), resumed=("n1",))
        assert kinds(at) == []

    def test_does_not_wait_for_a_node_without_a_lease(self) -> None:
        at = self.committed(node("n1", "serving", epoch=1), node("n2"), resumed=("n1",))
        assert kinds(at) == ["completed"]


class TestMembersComeBack:
    """Consumers get nothing before cooperative members have joined again, wherever these are."""

    @staticmethod
    def resuming(*nodes: NodeView) -> View:
        at = switch(Phase.RESUMING, commit_seq=20, resumed=("n1", "n2"), awaits_members=True)
        return view(at, *nodes)

    def test_the_fence_records_how_many_there_are(self) -> None:
        nodes = [node(n, "serving", unrest=Unrest(cooperative=2)) for n in ("n1", "n2")]
        ((fence,),) = (step.events for step in next_steps(TestQuiescing.holding(*nodes), 1.0))
        assert fence.cooperative == 4

    @pytest.mark.parametrize(
        "late",
        [
            {"epoch": 1, "returning": 1},
            {"epoch": 0},
            {"epoch": 1, "reported_incarnation": "i0"},
        ],
    )
    def test_every_node_that_is_alive_is_waited_for(self, late: dict[str, Any]) -> None:
        at = self.resuming(node("n1", "serving", epoch=1), node("n2", "serving", **late))
        assert kinds(at) == []
        assert kinds(at, 5.0) == ["members_returned"]

    def test_then_consumers_get_records(self) -> None:
        at = self.resuming(node("n1", "serving", epoch=1), node("n2"))
        assert kinds(at) == ["members_returned"]

    def test_those_that_did_not_come_are_counted(self) -> None:
        at = self.resuming(node("n1", "serving", epoch=1, returning=3), node("n2"))
        ((returned,),) = (step.events for step in next_steps(at, 5.0))
        assert returned.missing == 3


def test_views_are_values() -> None:
    same = [fencing(node("n1", "drained"), node("n2")) for _ in range(2)]
    assert len(set(same)) == 1
