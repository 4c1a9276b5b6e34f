"""Why a switch does not go on, in words for whoever waits for it."""

from typing import Final

from controlplane.domain.completeness import Hole
from controlplane.domain.switch.numbers import numbers_cause
from controlplane.domain.switch.parity import parity_cause
from controlplane.domain.switch.positions import positions_cause
from controlplane.domain.switch.quiescing import restless
from controlplane.domain.switch.rules import Rules, far_for_long, unaccounted
from controlplane.domain.switch.transitions import Phase
from controlplane.domain.switch.view import MirrorState, View
from controlplane.domain.unreadable import named, not_proved

NAMED: Final = 5
"""So many partitions are named in a message; the rest are counted."""


def holdup(view: View, rules: Rules) -> str:
    """What an overdue switch was waiting for."""
    if view.switch.phase is Phase.FENCING:
        waiting = unaccounted(view, rules)
        names = ", ".join(node_id for node_id, _ in waiting)
        published = (
            ""
            if view.fence_published_at is not None
            else ("; the control topic cannot be written, so only nodes' own reports count")
        )
        return f": no proof that these nodes stopped: {names}{published}" if names else ""
    if view.switch.caught_up:
        return f": {missing_cause(view)}"
    if _is_made_alike(view):
        return f": {parity_cause(view)}"
    if view.mirror is not None and not awaited(view, view.mirror) and view.mirror.turning is None:
        return _unrest_cause(view)
    return f": {mirror_cause(view)}" if view.mirror or view.probe_error else ""


def _is_made_alike(view: View) -> bool:
    """Whether the target is about to be made alike, before the fence."""
    waits = view.switch.phase is Phase.PREPARING and not view.open_transactions
    return waits and view.switch.mode == "planned" and view.parity is None


def _unrest_cause(view: View) -> str:
    """Who had not come to rest, where that is what was waited for."""
    if view.switch.phase is not Phase.QUIESCING:
        return ""
    names = ", ".join(one.node_id for one in restless(view))
    return f": clients of {names} had not come to rest" if names else ""


def missing_cause(view: View) -> str:
    """What was not brought to the target in time, of all that clients go on from."""
    if view.parity is None and view.switch.mode == "planned":
        return parity_cause(view)
    return (positions_cause if view.positions is None else numbers_cause)(view)


def blind(view: View) -> str:
    """Why nothing is known of a cluster."""
    return view.probe_error or f"the end offsets of {view.switch.from_cluster} could not be read"


def mirror_cause(view: View) -> str:
    """What the target lacks, or why that is not known."""
    if view.mirror is None:
        return blind(view)
    if view.switch.fence_seq is None and view.mirror.turning is not None:
        return f"the mirror is still being made to copy {view.mirror.turning}: try again soon"
    if not_proved(view.mirror.unreadable):
        return (
            f"nothing is proved of what cannot be read: {named(view.mirror.unreadable)};"
            f" see to these partitions, leave behind what is not there (--waive"
            f" {not_proved(view.mirror.unreadable)[0]}), or force the switch"
        )
    if view.mirror.gone:
        return (
            f"cluster {view.switch.from_cluster} does not tell of {some(view.mirror.gone)}, which"
            " the log knows, and nothing is proved of what is not seen: if that was deleted there,"
            " it is noted within some seconds, so try again"
        )
    if view.mirror.holes:
        return left_out(view.switch.to_cluster, view.switch.from_cluster, view.mirror.holes)
    return (
        f"cluster {view.switch.to_cluster} does not hold everything that"
        f" {view.switch.from_cluster} holds: {some(awaited(view, view.mirror))}; see to the"
        " mirror, leave behind what is missing (--waive, by these names), or force the switch"
    )


def awaited(view: View, mirror: MirrorState) -> tuple[str, ...]:
    """Partitions that the mirror has to copy more of before the switch can go on."""
    if view.switch.fence_seq is not None:
        return mirror.behind
    return far_for_long(mirror) if view.switch.phase is Phase.PREPARING else mirror.far_behind


def left_out(target: str, source: str, holes: tuple[Hole, ...]) -> str:
    """What no waiting brings."""
    return (
        f"cluster {target} lacks records of {source}, though it holds later ones:"
        f" {some(tuple(str(hole) for hole in holes))}; the mirror has left them out (positions that"
        " were lost, a filter, errors.tolerance): have it copy these topics anew, leave behind what"
        f" is missing of these partitions alone (--waive {holes[0].partition}), or of all that"
        " lack something (--accept-loss)"
    )


def some(partitions: tuple[str, ...]) -> str:
    """The first of them by name, the rest counted."""
    rest = len(partitions) - NAMED
    named = ", ".join(partitions[:NAMED])
    return named if rest <= 0 else f"{named} and {rest} more partitions"
