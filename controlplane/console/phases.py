"""The way of a switch in words for people: what happens in a phase, and what clients notice."""

from typing import Final, NamedTuple

from controlplane.domain.switch.transitions import Phase


class Told(NamedTuple):
    """A phase."""

    happens: str
    clients: str


TOLD: Final = {
    Phase.REQUESTED: Told("The request stands in the log; the target is looked at.", "Nothing."),
    Phase.PREPARING: Told("The target is made alike, and the mirror comes close.", "Nothing."),
    Phase.QUIESCING: Told(
        "Consumer groups and transactions come to rest.",
        "Consumers get no new records and wait; producers go on; new transactions wait.",
    ),
    Phase.FENCING: Told(
        "Every node stops forwarding, or provably has no lease.",
        "Requests are held; connections stay.",
    ),
    Phase.VERIFYING: Told(
        "The old cluster is proved to stand still.", "Requests are held; connections stay."
    ),
    Phase.CATCHING_UP: Told(
        "The last records are proved to be on the target; positions and offsets are brought there.",
        "Requests are held; connections stay.",
    ),
    Phase.COMMITTED: Told(
        "The target serves, by one append. From here on only forward.",
        "What was held is sent to the target.",
    ),
    Phase.RESUMING: Told(
        "Nodes report that they serve the target.",
        "Answers come again; clients refresh metadata as after any election.",
    ),
    Phase.COMPLETED: Told("Every node that is alive serves the target.", "As before."),
    Phase.ABORTING: Told(
        "The switch is being undone.", "What was held is sent to the old cluster."
    ),
    Phase.ABORTED: Told("The old cluster serves as before.", "As before."),
}
HOLDING: Final = frozenset(
    {Phase.FENCING, Phase.VERIFYING, Phase.CATCHING_UP, Phase.COMMITTED, Phase.ABORTING}
)
"""Phases in which clients' requests wait, as far as a fence was ordered."""
AS_PLANNED: Final = (
    Phase.REQUESTED,
    Phase.PREPARING,
    Phase.QUIESCING,
    Phase.FENCING,
    Phase.VERIFYING,
    Phase.CATCHING_UP,
    Phase.COMMITTED,
    Phase.RESUMING,
    Phase.COMPLETED,
)
"""The way of a switch that nothing undoes."""
