"""What can happen to the mirror; a reversal's events in the order of its life."""

from typing import ClassVar, Literal

import msgspec

from controlplane.domain.event import Event
from controlplane.domain.switch.events import Ends


class ReversalEvent(Event, frozen=True):
    """An event of one reversal."""

    SUBJECT: ClassVar = "reversal/{reversal_id}"

    reversal_id: str


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where the mirror begins in one partition of its source."""

    topic: str
    partition: int
    offset: int | None
    """The last record that must not be copied; None: all of them are copied."""


class ReversalRequested(ReversalEvent, frozen=True, tag="mirror.reversal_requested"):
    """The mirror is to copy from the cluster that serves the scope now."""

    scope: str
    source: str
    """The cluster that serves; so far records were copied to it."""
    target: str
    switch_id: str
    """The switch that made it necessary."""
    runner: Literal["process", "connect", "manual"]
    """Who runs MirrorMaker 2."""
    cut: Ends | None
    """End offsets of the source when the switch committed: what lies before is not copied.
    None: nobody looked then, and both clusters are compared once the old direction has stopped."""
    resumes: bool
    """An earlier reversal after the same switch set the positions already: they stay."""
    accepts_gaps: bool = False
    """Whether records that stand before a position, and that the target lacks, may stay away."""


class MirrorStopped(ReversalEvent, frozen=True, tag="mirror.stopped"):
    """Nothing is copied any more, in either direction."""


class PositionsSeeded(ReversalEvent, frozen=True, tag="mirror.positions_seeded"):
    """The new direction knows where to begin."""

    positions: tuple[Position, ...]
    target_ends: Ends
    """End offsets of the target before the new direction started."""


class MirrorStarted(ReversalEvent, frozen=True, tag="mirror.started"):
    """The new direction runs, and only that."""


class MirrorReversed(ReversalEvent, frozen=True, tag="mirror.reversed"):
    """Records flow in the new direction, and nothing was copied back."""

    total_ms: float
    """From the request."""


class ReversalFailed(ReversalEvent, frozen=True, tag="mirror.reversal_failed"):
    """The reversal is given up; unless it had not begun, the mirror stands still."""

    cause: str


class CircleDetected(Event, frozen=True, tag="mirror.circle_detected"):
    """A record came back to the cluster that it was written to: both directions run."""

    SUBJECT: ClassVar = "mirror/{scope}"

    scope: str
    clusters: tuple[str, str]


class CircleEnded(Event, frozen=True, tag="mirror.circle_ended"):
    """Records do not come back any more. Those that did are there several times."""

    SUBJECT: ClassVar = "mirror/{scope}"

    scope: str
