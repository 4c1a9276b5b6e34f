"""What to do next about a switch: decided from the whole view, so a restart needs no memory."""

from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeAlias

import msgspec

from controlplane.domain.switch import events
from controlplane.domain.switch.causes import (
    NAMED,
    awaited,
    blind,
    holdup,
    mirror_cause,
    missing_cause,
    some,
)
from controlplane.domain.switch.numbers import what_is_numbered
from controlplane.domain.switch.parity import (
    differences_cause,
    parity_cause,
    tombstones_cause,
)
from controlplane.domain.switch.positions import what_was_brought
from controlplane.domain.switch.quiescing import (
    MEMBERS_SHARE,
    TOPICS_PATIENCE,
    asks_to_rest,
    cooperative_members,
    has_members,
    restless,
)
from controlplane.domain.switch.returning import RETURN_LIMIT_S, still_missing
from controlplane.domain.switch.rules import (
    ALL,
    Rules,
    has_caught_up,
    has_numbered,
    has_translated,
    is_alike,
    is_close,
    is_close_but_for_young,
    is_current,
    is_overdue,
    lease_expired,
    may_commit,
    stands_still,
    unaccounted,
)
from controlplane.domain.switch.transactions import (
    gives_transactions_time,
    transactions_cause,
    what_was_aborted,
)
from controlplane.domain.switch.transitions import Phase
from controlplane.domain.switch.view import MirrorState, NodeView, View


class Append(msgspec.Struct, frozen=True):
    """Record what is now true or decided."""

    events: tuple[events.SwitchEvent, ...]


Look: TypeAlias = Literal[
    "preflight",
    "open_transactions",
    "parity",
    "ghosts",
    "transactions",
    "tombstones",
    "sweep",
    "mirror",
    "losses",
    "positions",
    "numbers",
]
"""What can be looked at."""


class Probe(msgspec.Struct, frozen=True):
    """Look at a physical cluster."""

    what: Look


Step: TypeAlias = Append | Probe


def next_steps(  # noqa: C901, PLR0911 - one line for each phase
    view: View, now: float, rules: Rules = ALL
) -> tuple[Step, ...]:
    """What to do about the switch at this moment; nothing if it waits for somebody else.

    Args:
        view: everything that is known.
        now: monotonic seconds, on the clock of the view.
        rules: which safety rules hold.
    """
    if is_overdue(view, now, rules):
        cause = f"not committed within {view.switch.budget_s:g} s{holdup(view, rules)}"
        return (_abort(view, cause),)
    match view.switch.phase:
        case Phase.REQUESTED:
            return _requested(view)
        case Phase.PREPARING:
            return _preparing(view, now)
        case Phase.QUIESCING:
            return _quiescing(view, now)
        case Phase.FENCING:
            return _fencing(view, now, rules)
        case Phase.VERIFYING:
            return _verifying(view, now, rules)
        case Phase.CATCHING_UP:
            return _catching_up(view, now, rules)
        case Phase.COMMITTED | Phase.RESUMING:
            return _resuming(view, now)
        case Phase.ABORTING:
            cause = view.switch.cause or "no cause was given"
            return (_append(events.SwitchAborted(switch_id=view.switch.switch_id, cause=cause)),)
        case Phase.COMPLETED | Phase.ABORTED:
            return ()


def _requested(view: View) -> tuple[Step, ...]:
    if view.preflight is None:
        return (Probe("preflight"),)
    switch_id, checks = view.switch.switch_id, view.preflight.checks
    failed = [check.detail for check in checks if not check.passed]
    if failed:
        cause = "; ".join(failed)
        return (_append(events.SwitchRejected(switch_id=switch_id, checks=checks, cause=cause)),)
    return (_append(events.PreflightPassed(switch_id=switch_id, checks=checks)),)


def _preparing(view: View, now: float) -> tuple[Step, ...]:
    """While traffic still flows, make the target alike and let the mirror come close.

    So the fence is short. First the target: with other configs it may delete what it is given.
    """
    if gives_transactions_time(view, now):
        if view.switch.hold_seq is None:
            return (_append(events.TransactionsHeld(switch_id=view.switch.switch_id)),)
        return (Probe("open_transactions"),)
    if view.switch.mode == "planned":
        if view.parity is not None and (cause := differences_cause(view)) is not None:
            return (_abort(view, cause),)
        close_enough = is_close_but_for_young if asks_to_rest(view) else is_close
        if view.parity is None or not close_enough(view.mirror):
            return (_approaching(view, now),)
    if asks_to_rest(view):
        return (_quiesce(view),)
    return (_fence(view),)


def _approaching(view: View, now: float) -> Step:
    missing_parity = view.parity is None
    if now >= view.phase_seen_at + view.switch.transactions_budget_s + view.switch.mirror_budget_s:
        return _abort(view, (parity_cause if missing_parity else mirror_cause)(view))
    return _progress(view, now) or Probe("parity" if missing_parity else "mirror")


def _progress(view: View, now: float) -> Append | None:
    """Say now and then what of the mirror is waited for."""
    since = max(view.phase_seen_at, view.progress_told_at)
    if view.mirror is None or now < since + view.timing.progress_s:
        return None
    behind = awaited(view, view.mirror)
    return _append(
        events.MirrorAwaited(
            switch_id=view.switch.switch_id,
            partitions=view.mirror.partitions,
            behind=len(behind),
            named=behind[:NAMED],
        )
    )


def _quiesce(view: View) -> Step:
    """First make room on the target for the groups that come."""
    if view.ghosts_removed is None:
        return Probe("ghosts")
    return _append(
        events.QuiesceOrdered(switch_id=view.switch.switch_id, ghosts_removed=view.ghosts_removed)
    )


def _quiescing(view: View, now: float) -> tuple[Step, ...]:
    """Let clients come to rest, but not for ever: the fence comes when their time is up.

    First groups, which take seconds; transactions, which are short, only once these are at rest, so
    that their producers wait for no longer than a fence takes. Topics stay as they are meanwhile:
    those that were made last have to be on the target before anything is held.
    """
    taken = now - view.phase_seen_at
    if view.switch.hold_seq is None:
        if has_members(view) and taken < view.switch.quiesce_budget_s * MEMBERS_SHARE:
            return ()
        return (_append(events.TransactionsHeld(switch_id=view.switch.switch_id)),)
    waiting = restless(view)
    if waiting and taken < view.switch.quiesce_budget_s:
        return ()
    if is_close(view.mirror):
        return (_fence(view, waiting),)
    if taken >= view.switch.quiesce_budget_s * TOPICS_PATIENCE:
        return (_abort(view, mirror_cause(view)),)
    return (_progress(view, now) or Probe("mirror"),)


def _fence(view: View, waiting: tuple[events.Restless, ...] = ()) -> Append:
    return _append(
        events.FenceOrdered(
            switch_id=view.switch.switch_id,
            participants=tuple((node.node_id, node.incarnation) for node in view.nodes),
            restless=waiting,
            cooperative=cooperative_members(view),
        )
    )


def _fencing(view: View, now: float, rules: Rules) -> tuple[Step, ...]:
    waiting = unaccounted(view, rules)
    if not waiting:
        return (
            _append(
                events.BarrierReached(
                    switch_id=view.switch.switch_id,
                    duration_ms=_ms(now - (view.fence_seen_at or now)),
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


def _verifying(view: View, now: float, rules: Rules) -> tuple[Step, ...]:
    if view.switch.mode == "forced":
        return _giving_up(view, now)
    if unfinished := _ending_transactions(view, now) or _deleting_once_more(view, now):
        return unfinished
    if stands_still(view, rules) and view.sweeps:
        newest = view.sweeps[-1]
        return (
            _append(
                events.SourceFrozen(
                    switch_id=view.switch.switch_id,
                    offsets_digest=_digest(newest.ends),
                    window_ms=_ms(newest.at - view.sweeps[0].at),
                    tombstones=view.tombstones or (),
                )
            ),
        )
    if now >= view.phase_seen_at + view.timing.settle_s:
        return (_bypassed(view) if view.sweeps else _abort(view, blind(view)),)
    return (Probe("sweep"),)


def _ending_transactions(view: View, now: float) -> tuple[Step, ...]:
    """First, for their markers are written to the old cluster; nothing once all have ended."""
    if view.transactions is not None:
        aborted = what_was_aborted(view)
        return (Append(aborted),) if aborted else ()
    if now >= view.phase_seen_at + view.timing.settle_s:
        return (_abort(view, transactions_cause(view)),)
    return (Probe("transactions"),)


def _deleting_once_more(view: View, now: float) -> tuple[Step, ...]:
    """What compaction has cleaned away: written to the old cluster before it is to stand still."""
    if view.tombstones is not None:
        return ()
    if now >= view.phase_seen_at + view.timing.settle_s:
        return (_abort(view, tombstones_cause(view)),)
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
        return (_append(waived),)
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
            _abort_event(view, cause),
        )
    )


def _catching_up(view: View, now: float, rules: Rules) -> tuple[Step, ...]:
    switch = view.switch
    if has_caught_up(view, rules):
        if not may_commit(view, rules):
            return (_caught_up(view),)
        return _committing(view, now, rules)
    if now >= view.phase_seen_at + switch.mirror_budget_s:
        return (_abort(view, mirror_cause(view)),)
    if not stands_still(view, rules):
        return (Probe("sweep"),)
    return (_progress(view, now) or Probe("mirror"),)


def _commit(view: View) -> Append:
    switch_id, mirror = view.switch.switch_id, view.mirror
    committed = events.SwitchCommitted(switch_id=switch_id, epoch=view.switch.expected_epoch + 1)
    if mirror is None or mirror.cut is None:
        return _append(committed)
    cut = events.CutRecorded(
        switch_id=switch_id, source_ends=mirror.cut.source, target_ends=mirror.cut.target
    )
    return Append((cut, committed))


def _committing(view: View, now: float, rules: Rules) -> tuple[Step, ...]:
    """Bring over what clients go on from, record that, and commit."""
    if (cause := differences_cause(view)) is not None and view.switch.mode == "planned":
        return (_abort(view, cause),)
    alike, translated, switch = is_alike(view, rules), has_translated(view, rules), view.switch
    missing = (
        *(() if alike else (Probe("parity"),)),
        *(() if translated else (Probe("positions"),)),
        *(() if has_numbered(view, rules) else (Probe("numbers"),)),
    )
    if missing:
        if switch.mode == "planned" and now >= view.phase_seen_at + switch.mirror_budget_s:
            return (_abort(view, missing_cause(view)),)
        return missing
    recorded = (*what_was_brought(view), *what_is_numbered(view))
    if recorded:
        return (Append(recorded),)
    return (_commit(view),)


def _caught_up(view: View) -> Append:
    ends = view.sweeps[-1].ends if view.sweeps else ()
    mirror = view.mirror or MirrorState(at=0.0, partitions=0, behind=(), far_behind=())
    return _append(
        events.CaughtUp(
            switch_id=view.switch.switch_id,
            partitions=mirror.partitions,
            offsets_digest=_digest(ends),
            compared=mirror.compared,
            holes=mirror.holes,
            waived=mirror.waived,
            comparing_ms=mirror.comparing_ms,
            proved=mirror.proved,
        )
    )


def _resuming(view: View, now: float) -> tuple[Step, ...]:
    switch = view.switch
    missing = [n for n in view.nodes if n.node_id not in switch.resumed]
    back = tuple(_resumed(view, node) for node in missing if _serves_target(view, node))
    if back:
        return (Append(back),)
    if switch.awaits_members:
        return _awaiting_members(view, now)
    # A node without a lease serves nobody: it resumes when it comes back, and needs no waiting for.
    may_come = any(node.alive for node in missing)
    if may_come and now < view.requested_at + switch.budget_s:
        return ()
    completed = events.SwitchCompleted(
        switch_id=switch.switch_id,
        fenced_ms=_between_ms(switch.fenced_at, switch.committed_at),
        total_ms=_ms(now - view.requested_at),
        not_resumed=tuple(node.node_id for node in missing),
    )
    return (_append(completed),)


def _awaiting_members(view: View, now: float) -> tuple[Step, ...]:
    """Give consumers records once cooperative members have joined, but do not wait for ever."""
    missing = still_missing(view)
    if missing != 0 and now < view.phase_seen_at + RETURN_LIMIT_S:
        return ()
    switch_id = view.switch.switch_id
    return (_append(events.MembersReturned(switch_id=switch_id, missing=missing or 0)),)


def _serves_target(view: View, node: NodeView) -> bool:
    return (
        node.report is not None
        and node.reported_incarnation == node.incarnation
        and node.report.phase == "serving"
        and node.report.epoch > view.switch.expected_epoch
    )


def _resumed(view: View, node: NodeView) -> events.NodeResumed:
    return events.NodeResumed(
        switch_id=view.switch.switch_id,
        node_id=node.node_id,
        incarnation=node.incarnation,
        first_ack_ms=node.report.first_ack_ms if node.report else None,
    )


def _abort(view: View, cause: str) -> Append:
    return _append(_abort_event(view, cause))


def _abort_event(view: View, cause: str) -> events.AbortRequested:
    return events.AbortRequested(
        switch_id=view.switch.switch_id, at_phase=view.switch.phase.value, cause=cause
    )


def _append(event: events.SwitchEvent) -> Append:
    return Append((event,))


def _digest(ends: tuple[tuple[str, int], ...]) -> str:
    return sha256(msgspec.json.encode(ends)).hexdigest()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _between_ms(start: datetime | None, end: datetime | None) -> float:
    return _ms((end - start).total_seconds()) if start and end else 0.0
