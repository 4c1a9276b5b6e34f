"""What can happen to the mirror; a reversal's events in the order of its life."""

from typing import ClassVar, Literal, TypeAlias

import msgspec

from controlplane.domain.event import Event
from controlplane.domain.switch.events import Ends

Tail: TypeAlias = Literal["leave", "discard", "side_topic"]
"""What becomes of records that only the target has: they stay, which leaves both clusters apart;
or the target's topics are emptied and filled again, and the records kept in side topics first."""


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
    tail: Tail = "leave"


class MirrorStopped(ReversalEvent, frozen=True, tag="mirror.stopped"):
    """Nothing is copied any more, in either direction."""


class ApartTopic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic of which the target holds something else than the source."""

    topic: str
    tail: int
    """Records that only the target has."""
    side_topic: str | None
    """Where they are kept, on the source; None if they are not."""


class TailsSettled(ReversalEvent, frozen=True, tag="mirror.tails_settled"):
    """What only the target has is kept, if that was asked for: its topics may be emptied."""

    topics: tuple[ApartTopic, ...]


class TargetEmptied(ReversalEvent, frozen=True, tag="mirror.target_emptied"):
    """These topics of the target are new and empty; the mirror fills them from the beginning."""


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
