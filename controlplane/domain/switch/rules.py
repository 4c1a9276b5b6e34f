"""The safety rules C1 to C8 of the switch: each can be taken away, to see that it matters."""

import msgspec
from msgspec.structs import replace

from controlplane.domain.switch.state import Member
from controlplane.domain.switch.transitions import ABORTABLE, Phase
from controlplane.domain.switch.view import MirrorState, NodeView, View


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Which rules hold. In production all of them do; an explorer takes one away at a time."""

    c1_every_member: bool = True
    c1_published_fence: bool = True
    c2_wait_from_own_lead: bool = True
    c3_prove_again: bool = True
    c4_abort_or_commit: bool = True
    c5_current_reports_only: bool = True
    c6_deadline: bool = True
    c7_positions_first: bool = True
    c8_numbers_first: bool = True
    c9_parity_first: bool = True


ALL = Rules()


def unaccounted(view: View, rules: Rules) -> tuple[Member, ...]:
    """C1: members of the barrier without recorded evidence that they do not serve.

    Members are the nodes that were registered when the fence was ordered, less those that were
    deregistered since.
    """
    if not rules.c1_every_member:
        return ()
    registered = {node.node_id for node in view.nodes}
    return tuple(
        member
        for member in view.switch.participants
        if member[0] in registered and member not in view.switch.accounted
    )


def lease_expired(view: View, now: float, rules: Rules) -> bool:
    """C1: whether every lease that was ever granted below the fence has run out by now.

    That needs both ways to a lease closed: the control topic holds the fence, and grants over HTTP
    are withheld. A node that can read a topic without the fence on it stays fresh for ever.
    """
    since = _both_closed_since(view, rules)
    return since is not None and now >= since + view.timing.expiry_s


def _both_closed_since(view: View, rules: Rules) -> float | None:
    """C2: a coordinator that just took over assumes that every lease was granted just now."""
    if not rules.c2_wait_from_own_lead:
        return view.requested_at
    if view.fence_seen_at is None:
        return None
    if not rules.c1_published_fence:
        return view.fence_seen_at
    if view.fence_published_at is None:
        return None
    return max(view.fence_seen_at, view.fence_published_at)


def is_current(view: View, node: NodeView, rules: Rules) -> bool:
    """C5: whether a node's report is about this switch, from the process that is registered."""
    if node.report is None:
        return False
    if not rules.c5_current_reports_only:
        return True
    return (
        node.reported_incarnation == node.incarnation
        and node.report.term == view.switch.term
        and node.applied_seq >= (view.switch.fence_seq or 0)
    )


def stands_still(view: View, rules: Rules) -> bool:
    """C3: whether this coordinator itself saw the old cluster stand still for long enough."""
    if not rules.c3_prove_again and view.switch.source_frozen:
        return True
    if not view.sweeps:
        return False
    timing = view.timing
    may_land_late = view.switch.lease_expired or view.switch.cut_off
    needed = timing.still_after_expiry_s if may_land_late else timing.still_s
    newest = view.sweeps[-1]
    since = newest.at
    for sweep in reversed(view.sweeps):
        if sweep.ends != newest.ends:
            break
        since = sweep.at
    return newest.at - since >= needed


def has_caught_up(view: View, rules: Rules) -> bool:
    """C3: whether this coordinator itself saw the target hold everything, after the standstill."""
    if view.switch.mode == "forced":
        return True
    if not rules.c3_prove_again and view.switch.caught_up:
        return True
    return view.mirror is not None and not view.mirror.behind and stands_still(view, rules)


def has_translated(view: View, rules: Rules) -> bool:
    """C7, C3: whether this coordinator itself brought the groups' positions to the target.

    Another one may have begun to, or have read them before the old cluster stood still.
    """
    if view.switch.mode == "forced" or not rules.c7_positions_first:
        return True
    if not rules.c3_prove_again and view.switch.positions_digest is not None:
        return True
    return view.positions is not None


def is_alike(view: View, rules: Rules) -> bool:
    """C9, C3: whether this coordinator itself made the target alike, after the standstill.

    Before, tenants may have changed or deleted something since.
    """
    if view.switch.mode == "forced" or not rules.c9_parity_first:
        return True
    if not rules.c3_prove_again and view.switch.positions_digest is not None:
        return True
    return view.parity is not None


def has_numbered(view: View, rules: Rules) -> bool:
    """C8, C3: whether this coordinator itself found out under which numbers records go on.

    Also in a forced switch: what one that was aborted had planned must not come into effect.
    """
    if not rules.c8_numbers_first:
        return True
    if not rules.c3_prove_again and view.switch.numbering_digest is not None:
        return True
    return view.numbers is not None


def is_close(mirror: MirrorState | None) -> bool:
    """Whether what the target lacks can be waited for behind a fence."""
    return mirror is not None and not mirror.far_behind and mirror.turning is None


def is_close_but_for_young(mirror: MirrorState | None) -> bool:
    """The same of all but what came to be only now: it is asked again once topics are at rest."""
    return is_close(mirror and replace(mirror, far_behind=far_for_long(mirror)))


def far_for_long(mirror: MirrorState) -> tuple[str, ...]:
    """Partitions that are far behind, and were so some seconds ago."""
    young = set(mirror.young)
    return tuple(name for name in mirror.far_behind if name not in young)


def may_commit(view: View, rules: Rules) -> bool:
    """C4: only what is neither aborting nor committed can be committed; the append decides."""
    if not rules.c4_abort_or_commit:
        return view.switch.commit_seq is None
    return view.switch.phase is Phase.CATCHING_UP and view.switch.caught_up


def is_overdue(view: View, now: float, rules: Rules) -> bool:
    """C6: whether a switch that is not committed has used up its budget."""
    if not rules.c6_deadline:
        return False
    return view.switch.phase in ABORTABLE and now >= view.requested_at + view.switch.budget_s
