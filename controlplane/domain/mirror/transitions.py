"""Which event may happen to a reversal in which phase, and where it leads.

`docs/transitions.md` is drawn from these rows; everything else is an error.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from controlplane.domain.mirror import events


class ReversalPhase(StrEnum):
    """What is done of a reversal."""

    REQUESTED = "requested"
    STOPPED = "stopped"
    SEEDED = "seeded"
    STARTED = "started"
    REVERSED = "reversed"
    FAILED = "failed"


ENDED: Final = frozenset({ReversalPhase.REVERSED, ReversalPhase.FAILED})
"""Phases that nothing follows."""

Row: TypeAlias = Mapping[ReversalPhase, ReversalPhase]
"""From where to where an event leads."""

_NOT_SEEDED: Final = (ReversalPhase.REQUESTED, ReversalPhase.STOPPED)
"""Of a reversal by hand nobody tells when the old direction has stopped."""

TRANSITIONS: Final[Mapping[type[events.ReversalEvent], Row]] = {
    events.MirrorStopped: {ReversalPhase.REQUESTED: ReversalPhase.STOPPED},
    events.TailsSettled: {phase: phase for phase in _NOT_SEEDED},
    events.TargetEmptied: {phase: phase for phase in _NOT_SEEDED},
    events.PositionsSeeded: dict.fromkeys(_NOT_SEEDED, ReversalPhase.SEEDED),
    events.MirrorStarted: {ReversalPhase.SEEDED: ReversalPhase.STARTED},
    events.MirrorReversed: {ReversalPhase.STARTED: ReversalPhase.REVERSED},
    events.ReversalFailed: dict.fromkeys(
        (*_NOT_SEEDED, ReversalPhase.SEEDED, ReversalPhase.STARTED), ReversalPhase.FAILED
    ),
}
"""What follows the request, which begins a reversal in `REQUESTED`."""
