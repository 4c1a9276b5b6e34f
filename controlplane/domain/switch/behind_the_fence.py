"""The steps of a switch from the fence to its commit: what is proved, and brought over."""

from controlplane.domain.switch import events
from controlplane.domain.switch.causes import blind, mirror_cause, missing_cause, some
from controlplane.domain.switch.numbers import what_is_numbered
from controlplane.domain.switch.parity import differences_cause, tombstones_cause
from controlplane.domain.switch.positions import what_was_brought
from controlplane.domain.switch.rules import (
    Rules,
    has_caught_up,
    has_numbered,
    has_translated,
    is_alike,
    is_current,
    lease_expired,
    may_commit,
    stands_still,
    unaccounted,
)
from controlplane.domain.switch.step import (
    Append,
    Probe,
    Step,
    abort,
    abort_event,
    append,
    digest,
    ms,
    progress,
)
from controlplane.domain.switch.transactions import transactions_cause, what_was_aborted
from controlplane.domain.switch.view import MirrorState, NodeView, View


def fencing(view: View, now: float, rules: Rules) -> tuple[Step, ...]:
    """Collect evidence that no node of the barrier serves any more."""
    waiting = unaccounted(view, rules)
    if not waiting:
        return (
            append(
                events.BarrierReached(
                    switch_id=view.switch.switch_id,
                    duration_ms=ms(now - (view.fence_seen_at or now)),
                    by_report=len(view.switch.drained),
                    by_lease=len(view.switch.lease_expired),
                )
            ),
        )
    nodes = {(node.node_id, node.incarnation): node for node in view.nodes}
    evidence = [_drained(view, nodes[m], rules) for m in waiting if m in nodes]
    found = tuple(event for event in evidence if event is not None)
    if found:
        return (Append(found),)
    if lease_expired(view, now, rules):
        return (
            Append(
                tuple(
                    events.NodeFenced(
                        switch_id=view.switch.switch_id,
                        node_id=node_id,
                        incarnation=incarnation,
                        evidence="lease_expired",
                    )
                    for node_id, incarnation in waiting
                )
            ),
        )
    # A dead cluster takes its time not to answer; the barrier may take longer.
    if view.switch.mode == "forced" and view.losses is None:
        return (Probe("losses"),)
    return ()


def _drained(view: View, node: NodeView, rules: Rules) -> events.NodeDrained | None:
    if node.report is None or node.report.phase != "drained" or not is_current(view, node, rules):
        return None
    return events.NodeDrained(
        switch_id=view.switch.switch_id,
        node_id=node.node_id,
        incarnation=node.incarnation,
        cut=node.report.cut,
        held=node.report.held,
    )


def verifying(view: View, now: float, rules: Rules) -> tuple[Step, ...]:
    """Prove that the old cluster stands still, or say what is given up."""
    if view.switch.mode == "forced":
        return _giving_up(view, now)
    if unfinished := _ending_transactions(view, now) or _deleting_once_more(view, now):
        return unfinished
    if stands_still(view, rules) and view.sweeps:
        newest = view.sweeps[-1]
        return (
            append(
                events.SourceFrozen(
                    switch_id=view.switch.switch_id,
                    offsets_digest=digest(newest.ends),
                    window_ms=ms(newest.at - view.sweeps[0].at),
                    tombstones=view.tombstones or (),
                )
            ),
        )
    if now >= view.phase_seen_at + view.timing.settle_s:
        return (_bypassed(view) if view.sweeps else abort(view, blind(view)),)
    return (Probe("sweep"),)


def _ending_transactions(view: View, now: float) -> tuple[Step, ...]:
    """First, for their markers are written to the old cluster; nothing once all have ended."""
    if view.transactions is not None:
        aborted = what_was_aborted(view)
        return (Append(aborted),) if aborted else ()
    if now >= view.phase_seen_at + view.timing.settle_s:
        return (abort(view, transactions_cause(view)),)
    return (Probe("transactions"),)


def _deleting_once_more(view: View, now: float) -> tuple[Step, ...]:
    """What compaction has cleaned away: written to the old cluster before it is to stand still."""
    if view.tombstones is not None:
        return ()
    if now >= view.phase_seen_at + view.timing.settle_s:
        return (abort(view, tombstones_cause(view)),)
    return (Probe("tombstones"),)


def _giving_up(view: View, now: float) -> tuple[Step, ...]:
    """Say what is lost, if it can be found out soon; a dead target cannot be asked for ever."""
    switch_id, found = view.switch.switch_id, view.losses
    # An old cluster that still answers took writes in until the barrier.
    stale = found is None or (found.answered and found.at < view.phase_seen_at)
    if stale and now < view.phase_seen_at + view.timing.settle_s:
        return (Probe("losses"),)
    waived = events.LagWaived(switch_id=switch_id)
    if found is None:
        return (append(waived),)
    recorded = events.LossRecorded(
        switch_id=switch_id,
        seen_at=found.seen_at,
        # What a dead cluster took in after the last look is missing too, wherever it stands.
        losses=tuple(loss for loss in found.losses if loss.known or not found.answered),
        partitions=len(found.losses),
    )
    return (Append((recorded, waived)),)


def _bypassed(view: View) -> Append:
    first, newest = dict(view.sweeps[0].ends), view.sweeps[-1].ends
    moved = tuple(name for name, end in newest if first.get(name) != end)
    cause = (
        f"cluster {view.switch.from_cluster} is still written to, past the gateway:"
        f" {some(moved)}; stop those producers, or force the switch"
    )
    return Append(
        (
            events.BypassDetected(switch_id=view.switch.switch_id, partitions=moved),
            abort_event(view, cause),
        )
    )


def catching_up(view: View, now: float, rules: Rules) -> tuple[Step, ...]:
    """Prove that the target holds everything, and commit."""
    switch = view.switch
    if has_caught_up(view, rules):
        if not may_commit(view, rules):
            return (_caught_up(view),)
        return _committing(view, now, rules)
    if now >= view.phase_seen_at + switch.mirror_budget_s:
        return (abort(view, mirror_cause(view)),)
    if not stands_still(view, rules):
        return (Probe("sweep"),)
    return (progress(view, now) or Probe("mirror"),)


def _caught_up(view: View) -> Append:
    ends = view.sweeps[-1].ends if view.sweeps else ()
    mirror = view.mirror or MirrorState(at=0.0, partitions=0, behind=(), far_behind=())
    return append(
        events.CaughtUp(
            switch_id=view.switch.switch_id,
            partitions=mirror.partitions,
            offsets_digest=digest(ends),
            compared=mirror.compared,
            holes=mirror.holes,
            waived=mirror.waived,
            comparing_ms=mirror.comparing_ms,
            proved=mirror.proved,
        )
    )


def _committing(view: View, now: float, rules: Rules) -> tuple[Step, ...]:
    """Bring over what clients go on from, record that, and commit."""
    if (cause := differences_cause(view)) is not None and view.switch.mode == "planned":
        return (abort(view, cause),)
    alike, translated, switch = is_alike(view, rules), has_translated(view, rules), view.switch
    missing = (
        *(() if alike else (Probe("parity"),)),
        *(() if translated else (Probe("positions"),)),
        *(() if has_numbered(view, rules) else (Probe("numbers"),)),
    )
    if missing:
        if switch.mode == "planned" and now >= view.phase_seen_at + switch.mirror_budget_s:
            return (abort(view, missing_cause(view)),)
        return missing
    recorded = (*what_was_brought(view), *what_is_numbered(view))
    if recorded:
        return (Append(recorded),)
    return (_commit(view),)


def _commit(view: View) -> Append:
    switch_id, mirror = view.switch.switch_id, view.mirror
    committed = events.SwitchCommitted(switch_id=switch_id, epoch=view.switch.expected_epoch + 1)
    if mirror is None or mirror.cut is None:
        return append(committed)
    cut = events.CutRecorded(
        switch_id=switch_id, source_ends=mirror.cut.source, target_ends=mirror.cut.target
    )
    return Append((cut, committed))
