"""The steps of a switch that is committed, until all nodes and members are back."""

from datetime import datetime

from controlplane.domain.switch import events
from controlplane.domain.switch.returning import RETURN_LIMIT_S, still_missing
from controlplane.domain.switch.step import Append, Step, append, ms
from controlplane.domain.switch.view import NodeView, View


def resuming(view: View, now: float) -> tuple[Step, ...]:
    """Note who serves the target, and end when all do or have had their time."""
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
        total_ms=ms(now - view.requested_at),
        not_resumed=tuple(node.node_id for node in missing),
    )
    return (append(completed),)


def _awaiting_members(view: View, now: float) -> tuple[Step, ...]:
    """Give consumers records once cooperative members have joined, but do not wait for ever."""
    missing = still_missing(view)
    if missing != 0 and now < view.phase_seen_at + RETURN_LIMIT_S:
        return ()
    switch_id = view.switch.switch_id
    return (append(events.MembersReturned(switch_id=switch_id, missing=missing or 0)),)


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


def _between_ms(start: datetime | None, end: datetime | None) -> float:
    return ms((end - start).total_seconds()) if start and end else 0.0
