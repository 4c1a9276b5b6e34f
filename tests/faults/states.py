"""The states of a switch in which faults are injected, and how each is held."""

from dataclasses import dataclass

from controlplane.domain.mirror import events as mirror
from controlplane.domain.switch import events as switch


@dataclass(frozen=True)
class State:
    """What is under way. It is held by stopping the control plane that has recorded `after`."""

    name: str
    after: str | None
    """Kind of the event; None: nothing is under way."""
    aborts: bool = False
    """Whether the switch has to be told to abort, to get there."""


def _after(name: str, event: type[switch.SwitchEvent] | type[mirror.ReversalEvent]) -> State:
    return State(name, str(event.__struct_config__.tag))


STATES = (
    State("at rest", None),
    _after("requested", switch.SwitchRequested),
    _after("preparing", switch.PreflightPassed),
    _after("quiescing", switch.QuiesceOrdered),
    _after("fencing", switch.FenceOrdered),
    _after("verifying", switch.BarrierReached),
    _after("catching up", switch.SourceFrozen),
    _after("translated", switch.PositionsTranslated),
    _after("committed", switch.SwitchCommitted),
    _after("resuming", switch.NodeResumed),
    State("aborting", str(switch.AbortRequested.__struct_config__.tag), aborts=True),
    _after("mirror stopped", mirror.MirrorStopped),
    _after("mirror seeded", mirror.PositionsSeeded),
)
