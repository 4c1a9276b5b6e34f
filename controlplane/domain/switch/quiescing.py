"""Whether groups, transactions and topics have come to rest, so that a fence interrupts nothing.

A courtesy to clients, not a rule of safety: a node that says nothing, or something wrong, costs
time or a record read twice, never a lost one.
"""

from typing import Final

from contract.session import Unrest
from controlplane.domain.switch.events import Restless
from controlplane.domain.switch.view import NodeView, View

MEMBERS_SHARE: Final = 2 / 3
"""Of the time for coming to rest, what groups get before transactions have to end as well."""
TOPICS_PATIENCE: Final = 2
"""So many times the time for coming to rest the mirror gets, at most, to follow what was made last:
clients wait meanwhile."""


def asks_to_rest(view: View) -> bool:
    """Whether clients get time to come to rest before the fence."""
    return view.switch.mode == "planned" and view.switch.quiesce_budget_s > 0


def has_members(view: View) -> bool:
    """Whether some member of a group is not known to be at rest."""
    heard = (_heard(node, view.switch.quiesce_seq) for node in _alive(view))
    return any(unrest is None or unrest.members for unrest in heard)


def restless(view: View) -> tuple[Restless, ...]:
    """The nodes that are not known to be quiet since no transaction begins any more."""
    heard = ((node, _heard(node, view.switch.hold_seq)) for node in _alive(view))
    return tuple(
        Restless(node_id=node.node_id, unrest=unrest)
        for node, unrest in heard
        if unrest is None or not unrest.is_over
    )


def cooperative_members(view: View) -> int:
    """Members at rest that keep their partitions until they have joined again, on all nodes."""
    heard = (_heard(node, view.switch.hold_seq) for node in _alive(view))
    return sum(unrest.cooperative for unrest in heard if unrest is not None)


def _alive(view: View) -> list[NodeView]:
    """A node that is not alive serves nobody."""
    return [node for node in view.nodes if node.alive]


def _heard(node: NodeView, since: int | None) -> Unrest | None:
    """What the registered process said since it knows of an order of this switch."""
    if node.report is None or node.reported_incarnation != node.incarnation:
        return None
    return node.report.unrest if node.applied_seq >= (since or 0) else None
