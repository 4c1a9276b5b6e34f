"""The registry: every node that ever registered and was not deregistered is in every barrier."""

import re

from contract.records import Node
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Invalid, Missing

_NODE_ID = re.compile(r"[a-zA-Z0-9._-]{1,128}")


def register_node(facts: Facts, command: commands.RegisterNode) -> list[Event]:
    """A process takes a node's place; nothing happens if it has it already."""
    if _NODE_ID.fullmatch(command.node_id) is None or not command.incarnation:
        raise Invalid("a node needs an id of 1 to 128 of a-z A-Z 0-9 . _ - and an incarnation")
    known = facts.control.get(f"node/{command.node_id}")
    if isinstance(known, Node) and known.incarnation == command.incarnation:
        return []
    return [events.NodeRegistered(node_id=command.node_id, incarnation=command.incarnation)]


def deregister_node(facts: Facts, command: commands.DeregisterNode) -> list[Event]:
    """A node leaves every barrier to come."""
    known = facts.control.get(f"node/{command.node_id}")
    if not isinstance(known, Node):
        raise Missing(f"there is no node {command.node_id}")
    if command.incarnation not in {None, known.incarnation}:
        return []
    return [
        events.NodeDeregistered(
            node_id=known.node_id, incarnation=known.incarnation, cause=command.cause
        )
    ]
