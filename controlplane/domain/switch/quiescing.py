"""Whether consumer groups and transactions have come to rest, so that a fence interrupts nothing.

A courtesy to clients, not a rule of safety: a node that says nothing, or something wrong, costs
time or a record read twice, never a lost one.
"""

from contract.session import Unrest
from controlplane.domain.switch.events import Restless
from controlplane.domain.switch.view import NodeView, View


def asks_to_rest(view: View) -> bool:
    """Whether clients get time to come to rest before the fence."""
    return view.switch.mode == "planned" and view.switch.quiesce_budget_s > 0


def restless(view: View) -> tuple[Restless, ...]:
    """The nodes that are not known to be quiet. One that is not alive serves nobody."""
    return tuple(
        Restless(node_id=node.node_id, unrest=_heard(view, node))
        for node in view.nodes
        if node.alive and not _is_quiet(view, node)
    )


def _is_quiet(view: View, node: NodeView) -> bool:
    unrest = _heard(view, node)
    return unrest.is_over if unrest is not None else False


def _heard(view: View, node: NodeView) -> Unrest | None:
    """What the registered process said since it knows of this switch's quiescing."""
    if node.report is None or node.reported_incarnation != node.incarnation:
        return None
    is_about_this = node.applied_seq >= (view.switch.quiesce_seq or 0)
    return node.report.unrest if is_about_this else None
