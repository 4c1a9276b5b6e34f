"""A switch's story, from its events alone."""

from datetime import UTC, datetime

import msgspec
import pytest

from contract.records import Writer
from contract.session import Unrest
from controlplane.domain.completeness import Hole
from controlplane.domain.mirror import events as mirror
from controlplane.domain.numbering.deciding import Renumbered
from controlplane.domain.open_transactions import OpenTransaction
from controlplane.domain.parity.configs import Difference
from controlplane.domain.parity.made import Parity
from controlplane.domain.positions import Remark
from controlplane.domain.replica import Loss
from controlplane.domain.switch import events
from controlplane.domain.switch.proved import Proved
from controlplane.domain.switch.report import report_of
from controlplane.domain.switch.report_text import as_markdown
from controlplane.domain.switch.transitions import Phase
from tests.controlplane.domain.switch.ways import requested
from tests.controlplane.histories import OPEN, TEAM_A, facts_of, take

S = {"switch_id": "s1"}
N1, N2 = {"node_id": "n1", "incarnation": "i1"}, {"node_id": "n2", "incarnation": "i2"}
CHECKS = (events.Check(name="target_reachable", passed=True, detail="failover has 3 brokers"),)
REQUESTED = requested(**S, mirror_budget_s=20.0)
DIFFERENCE = Difference(name="t:retention.ms", detail="t has another age there")
BEGUN = (REQUESTED, events.PreflightPassed(**S, checks=CHECKS))
FENCE = events.FenceOrdered(**S, participants=(("n1", "i1"), ("n2", "i2")))
STOPPED = (
    events.NodeDrained(**S, **N1, cut=0, held=4),
    events.NodeFenced(**S, **N2, evidence="lease_expired"),
    events.BarrierReached(**S, duration_ms=2000.0, by_report=1, by_lease=1),
)
HOLE = Hole(partition="t-0", first=2, last=3, records=2)
PROVED = (
    events.SourceFrozen(**S, offsets_digest="old", window_ms=1000.0),
    events.CaughtUp(
        **S,
        partitions=2,
        offsets_digest="d1",
        compared=(("t-0", 4),),
        holes=(HOLE,),
        waived=("u-0",),
        comparing_ms=250,
        proved=Proved(every_record=1, counted_and_tail=1, records=4, counted=("u-0",)),
    ),
    events.CutRecorded(**S, source_ends=(("t-0", 7), ("t-1", 0)), target_ends=(("t-0", 5),)),
)
COMMITTED = (events.SwitchCommitted(**S, epoch=1), events.NodeResumed(**S, **N1, first_ack_ms=12.5))
COMPLETED = events.SwitchCompleted(**S, fenced_ms=7000.0, total_ms=9000.0, not_resumed=("n2",))


PRODUCERS = tuple(
    events.ProducersRecorded(
        **S,
        scope="main",
        physical=topic,
        recorded_at=1,
        writers=(
            Writer(partition=0, producer=producer, producer_epoch=0, last_sequence=1, written_at=1),
        ),
    )
    for topic, producer in (("t", 1), ("t", 2), ("u", 2), ("u", 3))
)
TRANSLATED = events.PositionsTranslated(
    **S,
    groups=2,
    positions=3,
    by_method={"end": 2, "timestamp": 1},
    remarks=(
        Remark(group="g", topic="t", partition=0, committed=7, translated=5, detail="by its time"),
    ),
    remarks_left_out=4,
    digest="d2",
    duration_ms=40.0,
)


def story(*history):
    """Each event a second after the one before."""
    facts = facts_of(OPEN, TEAM_A)
    recorded = [take(facts, event) for event in history]
    of_switch = [one for one in recorded if isinstance(one.event, events.SwitchEvent)]
    return report_of(of_switch, facts.reversal_after("s1"))


def test_a_planned_switch_is_told_whole():
    told = story(*BEGUN, FENCE, *STOPPED, *PROVED, *COMMITTED, COMPLETED)
    assert told.outcome is Phase.COMPLETED
    assert told.requested_by == "user:test"
    assert [(stage.phase.value, stage.took_ms) for stage in told.stages] == [
        ("requested", 1000.0),
        ("preparing", 1000.0),
        ("fencing", 3000.0),
        ("verifying", 1000.0),
        ("catching_up", 3000.0),
        ("committed", 1000.0),
        ("resuming", 1000.0),
        ("completed", None),
    ]
    assert (told.fenced_ms, told.mirror_ms) == (7000.0, 750.0)
    n1, n2 = told.nodes
    assert (n1.evidence, n1.stopped_after_ms, n1.held, n1.first_ack_ms) == ("report", 1000, 4, 12.5)
    assert (n2.evidence, n2.stopped_after_ms, n2.held) == ("lease_expired", 2000, None)
    assert (n1.resumed_after_ms, n2.resumed_after_ms) == (1000.0, None)
    assert told.proof is not None
    assert told.proof.ends == (("t-0", 7, 5), ("t-1", 0, 0))
    assert told.loss is None
    page = as_markdown(told)
    assert "- Clients waited: 7.0 s, 750 ms of it for the mirror" in page
    assert "| t-0 | 7 | 5 | 4 |" in page
    assert "| t-1 | 0 | 0 | - |" in page
    assert "- accepted as lost: 2 of t-0 (offsets 2 to 3)" in page
    assert "held the last records of 1 of 2 partitions" in page
    assert "- nothing is proved of u-0, as was asked for" in page
    assert "| n2 | silent; its lease had run out | 2.0 s | - | - | - | - |" in page


def test_what_was_proved_does_not_count_for_what_was_undone():
    undone = events.AbortRequested(**S, at_phase="catching_up", cause="no mirror | at all\nreally")
    told = story(*BEGUN, FENCE, *STOPPED, *PROVED[:2], undone, events.SwitchAborted(**S, cause="x"))
    assert told.outcome is Phase.ABORTED
    assert told.proof is None
    assert told.fenced_ms == 7000.0
    assert "- Cause: no mirror \\| at all really\n" in as_markdown(told)


def test_a_rejected_switch_tells_what_stood_in_the_way():
    failed = events.Check(name="target_reachable", passed=False, detail="failover is away")
    rejected = events.SwitchRejected(**S, checks=(failed,), cause="failover is away")
    page = as_markdown(story(REQUESTED, rejected))
    assert "| target_reachable | **no** | failover is away |" in page
    assert "Gateway nodes" not in page


@pytest.mark.parametrize(
    ("seen_at", "losses", "told"),
    [
        (None, (), "what is lost is not known"),
        (datetime(2026, 1, 1, tzinfo=UTC), (), "held everything that it held then"),
        (
            datetime(2026, 1, 1, tzinfo=UTC),
            (Loss(partition="t-0", first=3, seen_end=9),),
            "| t-0 | 3 | 9 | 6 |",
        ),
        (
            datetime(2026, 1, 1, tzinfo=UTC),
            (Loss(partition="t-0", first=5, seen_end=9, hole=HOLE),),
            "- left out by the mirror before that: 2 of t-0 (offsets 2 to 3)",
        ),
    ],
)
def test_a_forced_switch_tells_what_it_gave_up(seen_at, losses, told):
    lost = events.LossRecorded(**S, seen_at=seen_at, losses=losses, partitions=1)
    found = story(*BEGUN, FENCE, *STOPPED, lost, events.LagWaived(**S), *COMMITTED)
    assert told in as_markdown(found)
    assert found.proof is None


def test_a_switch_that_has_only_begun_has_a_report_too():
    told = story(REQUESTED)
    assert "under way: requested" in as_markdown(told)
    assert told.stages[0].took_ms is None


def test_what_became_of_groups_and_producers_is_told():
    told = story(*BEGUN, FENCE, *STOPPED, *PROVED, *PRODUCERS, TRANSLATED, *COMMITTED, COMPLETED)
    assert told.groups is not None
    assert told.groups.positions == TRANSLATED
    assert told.producers == 2, "the newest record of each topic counts"
    text = as_markdown(told)
    assert "3 positions of 2 groups were brought to the target in 40 ms, 2 of them exactly" in text
    assert "| g | t-0 | 7 | 5 | by its time |" in text
    assert "| and 4 more |" in text
    assert "2 idempotent producers" in text


def test_what_the_fence_interrupted_is_named():
    unrest = Unrest(members=2, member_names=("g m1", "g m2"))
    restless = (
        events.Restless(node_id="n1", unrest=unrest),
        events.Restless(node_id="n2", unrest=None),
    )
    fence = events.FenceOrdered(**S, participants=(("n1", "i1"),), restless=restless)
    text = as_markdown(story(*BEGUN, fence))
    assert 'interrupted by the fence on n1: 2 members, 0 transactions ("g m1", "g m2")' in text
    assert "on n2: it did not say in time" in text


def test_what_became_of_offsets_is_told():
    topic = events.OffsetsNumbered(
        **S,
        scope="main",
        physical="t",
        epoch=1,
        partitions=(),
        before=(),
        renumbered=(Renumbered(partition="t-1", floor=120, stretches=2),),
    )
    decided = events.NumberingDecided(**S, partitions=4, renumbered=1, digest="d3")
    told = story(*BEGUN, FENCE, *STOPPED, *PROVED, TRANSLATED, topic, decided, *COMMITTED)
    text = as_markdown(told)
    assert "the offsets of 3 of 4 partitions as before" in text
    assert "| t-1 | 120 | 2 |" in text


def test_transactions_that_were_aborted_are_named():
    known = OpenTransaction(
        transactional_id="tx2",
        producer_id=5,
        producer_epoch=1,
        state="Ongoing",
        open_s=30.0,
        timeout_s=600.0,
    )
    aborted = events.TransactionsAborted(
        **S, transactional_ids=("tx1", "tx2"), transactions=(known,)
    )
    text = as_markdown(story(*BEGUN, FENCE, *STOPPED, aborted, *PROVED, *COMMITTED))
    assert "still open was aborted: tx1\n" in text
    assert "still open was aborted: tx2 (producer 5, epoch 1, Ongoing) for 30 s" in text


def test_how_the_mirror_was_turned_round_is_told():
    asked = mirror.ReversalRequested(
        reversal_id="r1",
        scope="main",
        source="failover",
        target="main",
        switch_id="s1",
        runner="process",
        cut=(),
        resumes=False,
    )
    failed = mirror.ReversalFailed(reversal_id="r1", cause="it does not stop")
    whole = (*BEGUN, FENCE, *STOPPED, *PROVED, *COMMITTED, COMPLETED)
    assert "turned to failover->main, by `interlock mirrormaker`" in as_markdown(
        story(*whole, asked)
    )
    assert "failed in 1.0 s: it does not stop." in as_markdown(story(*whole, asked, failed))


def test_what_was_done_to_the_target_is_told() -> None:
    done = Parity(topics=2, topics_deleted=("old",), left=(DIFFERENCE,))
    requested = msgspec.structs.replace(REQUESTED, waived=(DIFFERENCE.name,))
    told = as_markdown(
        story(
            requested,
            *BEGUN[1:],
            FENCE,
            *STOPPED,
            events.SourceFrozen(
                **S, offsets_digest="old", window_ms=1.0, tombstones=(("t-0", 3), ("t-1", 2))
            ),
            events.PositionsTranslated(
                **S,
                groups=0,
                positions=0,
                by_method={},
                remarks=(),
                remarks_left_out=0,
                digest="d",
                duration_ms=1.0,
                parity=done,
            ),
        )
    )
    assert "2 topics compared; 1 topics deleted, as on the source (old)" in told
    assert "5 keys that compaction had cleaned away were deleted once more" in told
    assert "t:retention.ms stays different, as was asked for" in told
