"""The coordinator's decisions, one situation at a time; time is a number."""

from typing import Any

import msgspec
import pytest

from contract.session import Unrest
from controlplane.domain.open_transactions import OpenTransaction
from controlplane.domain.switch import events
from controlplane.domain.switch.rules import ALL
from controlplane.domain.switch.steps import next_steps
from controlplane.domain.switch.transitions import TRANSITIONS, Phase
from controlplane.domain.switch.view import (
    MirrorState,
    NodeView,
    Preflight,
    View,
)
from tests.controlplane.domain.switch.situations import (
    BEHIND,
    DIFFERENT,
    FAR,
    FENCE_SEQ,
    MEMBERS,
    TERM,
    fencing,
    kinds,
    node,
    sweep,
    switch,
    view,
)


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
        assert "made to copy failover->main" in abort.cause

    def test_makes_the_target_alike_before_it_waits_for_the_mirror(self) -> None:
        assert kinds(view(switch(Phase.PREPARING), mirror=FAR, parity=None)) == ["probe parity"]
        at = view(switch(Phase.PREPARING), mirror=BEHIND, parity=None, probe_error="no answer")
        assert kinds(at) == ["probe parity"]
        ((abort,),) = (step.events for step in next_steps(at, 20.0))
        assert "was not made in time what main is" in abort.cause
        assert "no answer" in abort.cause

    def test_does_not_fence_for_what_cannot_be_made_alike_unless_that_is_waived(self) -> None:
        at = view(switch(Phase.PREPARING), mirror=BEHIND, parity=DIFFERENT)
        ((abort,),) = (step.events for step in next_steps(at, 1.0))
        assert abort.cause == ("t is to have another age; or let it be so (--waive t:retention.ms)")
        waiving = switch(Phase.PREPARING, waived=("t:retention.ms",))
        assert kinds(view(waiving, mirror=BEHIND, parity=DIFFERENT)) == ["fence_ordered"]

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

    def test_is_not_told_while_clients_come_to_rest_where_the_log_cannot_hold_it(self) -> None:
        resting = switch(Phase.QUIESCING, quiesce_budget_s=9.0, quiesce_seq=10, hold_seq=11)
        assert Phase.QUIESCING not in TRANSITIONS[events.MirrorAwaited]
        assert kinds(view(resting, mirror=FAR), 8.0) == ["probe mirror"]

    def test_is_not_told_before_anybody_has_looked(self) -> None:
        assert kinds(view(switch(Phase.PREPARING, mirror_budget_s=60.0)), 5.0) == ["probe mirror"]


OPEN = OpenTransaction(
    transactional_id="tx",
    producer_id=5,
    producer_epoch=1,
    state="Ongoing",
    open_s=30.0,
    timeout_s=600.0,
)


class TestQuiescing:
    """Consumer groups and transactions get time to come to rest, and no more than that."""

    UNREST = Unrest(members=1, member_names=("teamAreaders m1",))

    @staticmethod
    def quiescing(*nodes: NodeView) -> View:
        return view(switch(Phase.QUIESCING, quiesce_budget_s=9.0, quiesce_seq=10), *nodes)

    @staticmethod
    def holding(*nodes: NodeView) -> View:
        held = switch(Phase.QUIESCING, quiesce_budget_s=9.0, quiesce_seq=10, hold_seq=11)
        return view(held, *nodes, mirror=BEHIND)

    def test_comes_before_the_fence_once_the_mirror_is_close(self) -> None:
        preparing = switch(Phase.PREPARING, quiesce_budget_s=10.0)
        assert kinds(view(preparing, mirror=FAR, ghosts_removed=0)) == ["probe mirror"]
        assert kinds(view(preparing, mirror=BEHIND, ghosts_removed=0)) == ["quiesce_ordered"]
        young = msgspec.structs.replace(FAR, young=FAR.far_behind)
        assert kinds(view(preparing, mirror=young, ghosts_removed=0)) == ["quiesce_ordered"]
        unasked = switch(Phase.PREPARING, quiesce_budget_s=0.0)
        assert kinds(view(unasked, mirror=young)) == ["probe mirror"], "topics do not come to rest"

    def test_waits_for_what_was_made_last_before_the_fence(self) -> None:
        rests = node("n1", "serving", unrest=Unrest())
        held = self.holding(rests).switch
        young = msgspec.structs.replace(FAR, young=FAR.far_behind)
        for mirror in (None, FAR, young):
            assert kinds(view(held, rests, mirror=mirror)) == ["probe mirror"]
        assert kinds(view(held, rests, mirror=young), 18.0) == ["abort_requested"]

    def test_gives_open_transactions_time_first_if_it_is_told_to(self) -> None:
        told = {"budget_s": 99.0, "quiesce_budget_s": 10.0, "transactions_budget_s": 60.0}
        preparing = switch(Phase.PREPARING, **told)
        assert kinds(view(preparing, mirror=BEHIND)) == ["transactions_held"]
        held = switch(Phase.PREPARING, hold_seq=11, **told)
        looked = {"mirror": BEHIND, "ghosts_removed": 0, "hold_seen_at": 2.0}
        assert kinds(view(held, **looked)) == ["probe open_transactions"]
        opened = looked | {"open_transactions": (OPEN,)}
        assert kinds(view(held, **opened), 61.9) == ["probe open_transactions"]
        assert kinds(view(held, **opened), 62.0) == ["quiesce_ordered"]
        assert kinds(view(held, **looked, open_transactions=())) == ["quiesce_ordered"]
        forced = switch(Phase.PREPARING, mode="forced", **told)
        assert kinds(view(forced)) == ["fence_ordered"]

    def test_the_mirror_gets_its_time_on_top_of_that_of_transactions(self) -> None:
        held = switch(
            Phase.PREPARING,
            hold_seq=11,
            budget_s=99.0,
            transactions_budget_s=60.0,
            mirror_budget_s=10.0,
        )
        over = {"hold_seen_at": 0.0, "open_transactions": (OPEN,), "mirror": FAR}
        assert kinds(view(held, **over), 69.0) == ["mirror_awaited"]
        assert kinds(view(held, **over), 70.0) == ["abort_requested"]

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
            {"unrest": Unrest(topics=1)},
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


class TestWhatAnOverdueSwitchWaitedFor:
    """Its cause names what is true, and never an empty list."""

    @staticmethod
    def cause(at: View) -> str:
        ((abort,),) = (step.events for step in next_steps(at, 60.0))
        return abort.cause

    def test_that_the_target_was_being_made_alike(self) -> None:
        at = view(switch(Phase.PREPARING), parity=None)
        assert "failover was not made in time what main is" in self.cause(at)

    def test_that_topics_were_far_behind(self) -> None:
        assert "main holds: t-0;" in self.cause(view(switch(Phase.PREPARING), mirror=FAR))

    def test_that_clients_had_not_come_to_rest(self) -> None:
        busy = node("n1", "serving", unrest=Unrest(members=1))
        held = switch(Phase.QUIESCING, quiesce_budget_s=99.0, quiesce_seq=10, hold_seq=11)
        at = view(held, busy, mirror=BEHIND)
        assert self.cause(at) == "not committed within 60 s: clients of n1 had not come to rest"

    def test_nothing_where_nothing_is_wrong(self) -> None:
        at = view(switch(Phase.PREPARING), mirror=BEHIND)
        assert self.cause(at) == "not committed within 60 s"
