"""Whether the members of groups that keep their partitions while they join are back after a switch.

A courtesy to clients, like their coming to rest before: until they are back they would read on from
where they were, and read that again once they have been given their partitions.
"""

from typing import Final

from controlplane.domain.switch.view import NodeView, View

RETURN_LIMIT_S: Final = 5.0
"""From the first node that serves the target. Nodes wait for no longer by themselves."""


def still_missing(view: View) -> int | None:
    """How many members are not back, on all nodes that are alive; None if a node did not say."""
    missing = [_missing(view, node) for node in view.nodes if node.alive]
    return None if None in missing else sum(count or 0 for count in missing)


def _missing(view: View, node: NodeView) -> int | None:
    if node.report is None or node.reported_incarnation != node.incarnation:
        return None
    if node.report.epoch <= view.switch.expected_epoch:
        return None
    return node.report.returning
