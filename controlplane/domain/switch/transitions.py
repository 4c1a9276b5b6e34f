"""Which event may happen to a switch in which phase, and where it leads.

`docs/transitions.md` is drawn from these rows. Everything else is an error: a log that holds it was
written by somebody who decided by other rules.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from controlplane.domain.switch import events


class Phase(StrEnum):
    """Where a switch stands."""

    REQUESTED = "requested"
    PREPARING = "preparing"
    QUIESCING = "quiescing"
    FENCING = "fencing"
    VERIFYING = "verifying"
    CATCHING_UP = "catching_up"
    COMMITTED = "committed"
    RESUMING = "resuming"
    COMPLETED = "completed"
    ABORTING = "aborting"
    ABORTED = "aborted"


ENDED: Final = frozenset({Phase.COMPLETED, Phase.ABORTED})
"""Phases that nothing follows."""
ABORTABLE: Final = frozenset(
    {
        Phase.REQUESTED,
        Phase.PREPARING,
        Phase.QUIESCING,
        Phase.FENCING,
        Phase.VERIFYING,
        Phase.CATCHING_UP,
    }
)
"""Phases before the point of no return."""

Row: TypeAlias = Mapping[Phase, Phase]
"""From where to where an event leads."""


def _stays(*phases: Phase) -> Row:
    return {phase: phase for phase in phases}


def _leads(to: Phase, *phases: Phase) -> Row:
    return dict.fromkeys(phases, to)


TRANSITIONS: Final[Mapping[type[events.SwitchEvent], Row]] = {
    events.PreflightPassed: _leads(Phase.PREPARING, Phase.REQUESTED),
    events.SwitchRejected: _leads(Phase.ABORTED, Phase.REQUESTED),
    events.MirrorAwaited: _stays(Phase.PREPARING, Phase.CATCHING_UP),
    events.QuiesceOrdered: _leads(Phase.QUIESCING, Phase.PREPARING),
    events.TransactionsHeld: _stays(Phase.PREPARING, Phase.QUIESCING),
    events.FenceOrdered: _leads(Phase.FENCING, Phase.PREPARING, Phase.QUIESCING),
    events.NodeDrained: _stays(Phase.FENCING),
    events.NodeFenced: _stays(Phase.FENCING),
    events.BarrierReached: _leads(Phase.VERIFYING, Phase.FENCING),
    events.TransactionsAborted: _stays(Phase.VERIFYING),
    events.IdentitiesRecorded: _stays(Phase.VERIFYING, Phase.CATCHING_UP),
    events.BypassDetected: _stays(Phase.VERIFYING),
    events.LossRecorded: _stays(Phase.VERIFYING),
    events.LagWaived: _leads(Phase.CATCHING_UP, Phase.VERIFYING),
    events.SourceFrozen: _leads(Phase.CATCHING_UP, Phase.VERIFYING),
    events.CaughtUp: _stays(Phase.CATCHING_UP),
    events.ProducersRecorded: _stays(Phase.CATCHING_UP),
    events.PositionsTranslated: _stays(Phase.CATCHING_UP),
    events.OffsetsNumbered: _stays(Phase.CATCHING_UP),
    events.TopicIdsRecorded: _stays(Phase.CATCHING_UP),
    events.NumberingDecided: _stays(Phase.CATCHING_UP),
    events.CutRecorded: _stays(Phase.CATCHING_UP),
    events.SwitchCommitted: _leads(Phase.COMMITTED, Phase.CATCHING_UP),
    events.NodeResumed: _leads(Phase.RESUMING, Phase.COMMITTED, Phase.RESUMING),
    events.MembersReturned: _stays(Phase.COMMITTED, Phase.RESUMING),
    events.SwitchCompleted: _leads(Phase.COMPLETED, Phase.COMMITTED, Phase.RESUMING),
    events.AbortRequested: _leads(Phase.ABORTING, *sorted(ABORTABLE)),
    events.SwitchAborted: _leads(Phase.ABORTED, Phase.ABORTING),
}
"""What follows the request, which begins a switch in `REQUESTED`."""
