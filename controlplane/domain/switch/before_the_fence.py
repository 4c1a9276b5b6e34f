"""The steps of a switch before anything is held: what is looked at, made ready and waited for."""

from controlplane.domain.switch import events
from controlplane.domain.switch.causes import mirror_cause
from controlplane.domain.switch.parity import differences_cause, parity_cause
from controlplane.domain.switch.quiescing import (
    MEMBERS_SHARE,
    TOPICS_PATIENCE,
    asks_to_rest,
    cooperative_members,
    has_members,
    restless,
)
from controlplane.domain.switch.rules import is_close, is_close_but_for_young
from controlplane.domain.switch.step import Append, Probe, Step, abort, append, progress
from controlplane.domain.switch.transactions import gives_transactions_time
from controlplane.domain.switch.view import View


def requested(view: View) -> tuple[Step, ...]:
    """Look before anything else, and go on only if nothing stands in the way."""
    if view.preflight is None:
        return (Probe("preflight"),)
    switch_id, checks = view.switch.switch_id, view.preflight.checks
    failed = [check.detail for check in checks if not check.passed]
    if failed:
        cause = "; ".join(failed)
        return (append(events.SwitchRejected(switch_id=switch_id, checks=checks, cause=cause)),)
    return (append(events.PreflightPassed(switch_id=switch_id, checks=checks)),)


def preparing(view: View, now: float) -> tuple[Step, ...]:
    """While traffic still flows, make the target alike and let the mirror come close.

    So the fence is short. First the target: with other configs it may delete what it is given.
    """
    if gives_transactions_time(view, now):
        if view.switch.hold_seq is None:
            return (append(events.TransactionsHeld(switch_id=view.switch.switch_id)),)
        return (Probe("open_transactions"),)
    if view.switch.mode == "planned":
        if view.parity is not None and (cause := differences_cause(view)) is not None:
            return (abort(view, cause),)
        close_enough = is_close_but_for_young if asks_to_rest(view) else is_close
        if view.parity is None or not close_enough(view.mirror):
            return (_approaching(view, now),)
    if asks_to_rest(view):
        return (_quiesce(view),)
    return (_fence(view),)


def _approaching(view: View, now: float) -> Step:
    missing_parity = view.parity is None
    if now >= view.phase_seen_at + view.switch.transactions_budget_s + view.switch.mirror_budget_s:
        return abort(view, (parity_cause if missing_parity else mirror_cause)(view))
    return progress(view, now) or Probe("parity" if missing_parity else "mirror")


def _quiesce(view: View) -> Step:
    """First make room on the target for the groups that come."""
    if view.ghosts_removed is None:
        return Probe("ghosts")
    return append(
        events.QuiesceOrdered(switch_id=view.switch.switch_id, ghosts_removed=view.ghosts_removed)
    )


def quiescing(view: View, now: float) -> tuple[Step, ...]:
    """Let clients come to rest, but not for ever: the fence comes when their time is up.

    First groups, which take seconds; transactions, which are short, only once these are at rest, so
    that their producers wait for no longer than a fence takes. Topics stay as they are meanwhile:
    those that were made last have to be on the target before anything is held.
    """
    taken = now - view.phase_seen_at
    if view.switch.hold_seq is None:
        if has_members(view) and taken < view.switch.quiesce_budget_s * MEMBERS_SHARE:
            return ()
        return (append(events.TransactionsHeld(switch_id=view.switch.switch_id)),)
    waiting = restless(view)
    if waiting and taken < view.switch.quiesce_budget_s:
        return ()
    if is_close(view.mirror):
        return (_fence(view, waiting),)
    if taken >= view.switch.quiesce_budget_s * TOPICS_PATIENCE:
        return (abort(view, mirror_cause(view)),)
    # Nothing is told of what is waited for: releases are about that refuse to read it here.
    return (Probe("mirror"),)


def _fence(view: View, waiting: tuple[events.Restless, ...] = ()) -> Append:
    return append(
        events.FenceOrdered(
            switch_id=view.switch.switch_id,
            participants=tuple((node.node_id, node.incarnation) for node in view.nodes),
            restless=waiting,
            cooperative=cooperative_members(view),
        )
    )
