"""What the coordinator takes for proof before it commits, and what it does without any."""

from uuid import UUID

import msgspec
import pytest

from contract.numbering import Numbering
from contract.records import Offsets, Producers, TopicIds, Writer
from controlplane.domain.event import Recorded
from controlplane.domain.numbering.deciding import Renumbered
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch import events
from controlplane.domain.switch.proved import Proved
from controlplane.domain.switch.rules import ALL
from controlplane.domain.switch.state import Cut, after
from controlplane.domain.switch.steps import next_steps
from controlplane.domain.switch.transitions import Phase
from controlplane.domain.switch.view import (
    Losses,
    Numbers,
    Sweep,
    View,
)
from controlplane.domain.unreadable import Unreadable
from tests.controlplane.domain.switch.situations import (
    BEHIND,
    BROUGHT,
    CAUGHT_UP,
    DECIDED,
    DIFFERENT,
    HOLE,
    LEFT_OUT,
    MEMBERS,
    NUMBERS,
    STILL,
    TRANSLATED,
    ended,
    kinds,
    loss,
    losses,
    node,
    sweep,
    switch,
    view,
)
from tests.controlplane.histories import START


class TestProof:
    def verifying(self, *sweeps: Sweep, **changes) -> View:
        seen = {
            name: changes.pop(name)
            for name in ("transactions", "tombstones", "probe_error")
            if name in changes
        }
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

    def test_has_keys_deleted_once_more_before_it_looks(self) -> None:
        at = self.verifying(*STILL, tombstones=None, probe_error="no answer")
        assert kinds(at) == ["probe tombstones"]
        ((abort,),) = (step.events for step in next_steps(at, 5.0))
        assert "compacted topics" in abort.cause
        assert "no answer" in abort.cause
        ((frozen,),) = (
            step.events
            for step in next_steps(self.verifying(*STILL, tombstones=(("t-0", 3),)), 1.0)
        )
        assert frozen.tombstones == (("t-0", 3),)

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

    def test_does_not_commit_what_lacks_records_before_the_last_one(self) -> None:
        at = self.catching_up(sweeps=STILL, mirror=LEFT_OUT)
        assert kinds(at) == ["probe mirror"]
        ((abort,),) = (step.events for step in next_steps(at, 20.0))
        assert "lacks records of main, though it holds later ones: 2 of t-0" in abort.cause

    def test_does_not_commit_what_cannot_be_read_and_names_it(self) -> None:
        one = Unreadable(partition="t-0", cluster="main", offset=4, cause="CorruptRecordException")
        unread = msgspec.structs.replace(CAUGHT_UP, behind=("t-0",), unreadable=(one,))
        ((abort,),) = (
            step.events for step in next_steps(self.catching_up(sweeps=STILL, mirror=unread), 20.0)
        )
        assert "t-0 on main at offset 4: CorruptRecordException" in abort.cause

    def test_does_not_commit_without_what_the_old_cluster_does_not_tell_of(self) -> None:
        gone = msgspec.structs.replace(CAUGHT_UP, behind=("t-0",), gone=("t-0",), cut=None)
        ((abort,),) = (
            step.events for step in next_steps(self.catching_up(sweeps=STILL, mirror=gone), 20.0)
        )
        assert "cluster main does not tell of t-0, which the log knows" in abort.cause

    def test_does_not_order_a_fence_for_what_no_waiting_brings(self) -> None:
        at = view(switch(Phase.PREPARING), mirror=LEFT_OUT)
        assert "fence_ordered" not in kinds(at)

    def test_records_what_was_compared_and_what_is_accepted_as_lost(self) -> None:
        compared = msgspec.structs.replace(
            CAUGHT_UP, compared=(("t-0", 9),), holes=(HOLE,), proved=Proved(every_record=1)
        )
        ((event,),) = (
            step.events for step in next_steps(self.catching_up(sweeps=STILL, mirror=compared), 1.0)
        )
        assert isinstance(event, events.CaughtUp)
        assert (event.compared, event.holes) == ((("t-0", 9),), (HOLE,))
        assert event.proved == Proved(every_record=1)

    def translating(
        self, recorded: str | None = None, numbered: str | None = DECIDED, **changes
    ) -> View:
        seen = {"sweeps": STILL, "mirror": CAUGHT_UP, "caught_up": True, "numbers": NUMBERS}
        at = self.catching_up(**(seen | changes))
        switch_ = msgspec.structs.replace(
            at.switch, positions_digest=recorded, numbering_digest=numbered
        )
        return msgspec.structs.replace(at, switch=switch_)

    def test_makes_the_target_alike_once_more_before_it_commits(self) -> None:
        done = {"recorded": BROUGHT, "positions": TRANSLATED}
        assert kinds(self.translating(**done, parity=None)) == ["probe parity"]
        for flaw in ({"c3_prove_again": False}, {"c9_parity_first": False}):
            rules = msgspec.structs.replace(ALL, **flaw)
            assert "probe parity" not in kinds(self.translating("d", parity=None), rules=rules)
        ((abort,),) = (
            step.events for step in next_steps(self.translating(**done, parity=DIFFERENT), 1.0)
        )
        assert "t is to have another age" in abort.cause

    def test_records_what_was_done_to_the_target_with_the_positions(self) -> None:
        made = Parity(topics=1, topics_deleted=("old",))
        ((translated,),) = (
            step.events
            for step in next_steps(
                self.translating(BROUGHT, positions=TRANSLATED, parity=made), 1.0
            )
        )
        assert translated.parity == made

    def test_gives_up_on_parity_and_says_what_kept_it(self) -> None:
        at = self.translating(positions=TRANSLATED, parity=None, probe_error="no answer")
        ((abort,),) = (step.events for step in next_steps(at, 20.0))
        assert "in its topics and groups: no answer" in abort.cause

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

    def test_records_with_the_numbers_which_topic_is_which(self) -> None:
        ids = TopicIds(scope="main", epoch=1, pairs=bytes(32))
        some = Numbers(partitions=2, offsets=(), topic_ids=ids)
        at = self.translating(recorded=BROUGHT, positions=TRANSLATED, numbers=some)
        assert kinds(at) == ["topic_ids_recorded", "numbering_decided"]
        ((recorded, decided),) = (step.events for step in next_steps(at, 1.0))
        assert (recorded.scope, recorded.epoch, recorded.pairs) == ("main", 1, bytes(32))
        plain = self.translating(
            recorded=BROUGHT,
            positions=TRANSLATED,
            numbers=msgspec.structs.replace(some, topic_ids=None),
        )
        ((without,),) = (step.events for step in next_steps(plain, 1.0))
        assert without.digest != decided.digest

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
