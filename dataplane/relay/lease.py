"""How long the node may serve."""

from dataclasses import dataclass

from dataplane.node.machine import NEVER


@dataclass(slots=True)
class Lease:
    """The one number that the data path asks before it forwards and before it relays."""

    deadline: float = NEVER
    """Monotonic second up to which the node may serve."""
