"""The registry: every node that ever registered and was not deregistered is in every barrier."""

import re

from contract.records import Node
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict, Invalid, Missing

_NODE_ID = re.compile(r"[a-zA-Z0-9._-]{1,128}")


def require_node_id(node_id: str) -> None:
    """Refuse what cannot be a node's id.

    Raises:
        Invalid: it is none.
    """
    if _NODE_ID.fullmatch(node_id) is None:
        raise Invalid("a node needs an id of 1 to 128 of a-z A-Z 0-9 . _ -")


def register_node(facts: Facts, command: commands.RegisterNode) -> list[Event]:
    """A process takes a node's place; nothing happens if it has it already.

    A process that lives is replaced only by one that shows the node's own token.
    """
    require_node_id(command.node_id)
    if not command.incarnation:
        raise Invalid("a node needs an incarnation")
    known = facts.control.get(f"node/{command.node_id}")
    if isinstance(known, Node):
        if known.incarnation == command.incarnation:
            return []
        if command.other_lives and command.token_id is None:
            raise Conflict(
                f"another process is node {command.node_id}, and reports: wait until its lease is"
                " over if it is gone, give this one its own INTERLOCK_NODE_ID if it is not"
            )
    return [
        events.NodeRegistered(
            node_id=command.node_id, incarnation=command.incarnation, token_id=command.token_id
        )
    ]


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
