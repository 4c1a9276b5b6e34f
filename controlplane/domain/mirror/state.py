"""A reversal as its events add up.

REQUESTED -> STOPPED -> SEEDED -> STARTED -> REVERSED
    |           |          |         |
    +-----------+----------+---------+----> FAILED

Stopped, what only the target has is settled first, and the topics that hold it are emptied.

Done by hand, the positions are worked out at once (REQUESTED -> SEEDED), and the rest is the
operator's, who confirms it (SEEDED -> STARTED).
"""

from datetime import datetime
from typing import Literal

import msgspec

from contract.mirror import Direction
from controlplane.domain.event import Recorded
from controlplane.domain.mirror import events
from controlplane.domain.mirror.transitions import ENDED, TRANSITIONS, ReversalPhase
from controlplane.domain.switch.events import Ends
from controlplane.domain.transitions import following


class Reversal(msgspec.Struct, frozen=True, kw_only=True):
    """One reversal."""

    reversal_id: str
    scope: str
    direction: Direction
    """The new one."""
    switch_id: str
    runner: Literal["process", "connect", "manual"]
    cut: Ends | None
    accepts_gaps: bool
    resumes: bool
    tail: events.Tail = "leave"
    apart: tuple[events.ApartTopic, ...] | None = None
    """Topics that are filled again from the beginning; None: nobody has looked."""
    emptied_seq: int | None = None
    """The event that told that they are empty on the target."""
    actor: str
    reason: str | None
    requested_at: datetime
    requested_seq: int = 0
    phase: ReversalPhase = ReversalPhase.REQUESTED
    stopped: bool = False
    """Whether the old direction was ended."""
    seeded: bool = False
    """Whether the positions of the new direction are set, by this reversal or an earlier one."""
    positions: tuple[events.Position, ...] = ()
    target_ends: Ends = ()
    cause: str | None = None
    """Why it failed."""
    ended_at: datetime | None = None
    ended_seq: int | None = None

    @property
    def filled_again(self) -> frozenset[str]:
        """Topics that the target gets from the beginning."""
        return frozenset(topic.topic for topic in self.apart or ())

    @property
    def open(self) -> bool:
        """Whether anything is still to happen."""
        return self.phase not in ENDED


def after(reversal: Reversal | None, recorded: Recorded) -> Reversal:
    """The reversal after one more of its events.

    Raises:
        IllegalTransitionError: it cannot happen to the reversal as it stands.
    """
    event = recorded.event
    if reversal is None:
        return _requested(recorded)
    if not isinstance(event, events.ReversalEvent):
        raise TypeError(f"event {recorded.seq}, {event.kind}, is not of a reversal")
    phase = following(TRANSITIONS, reversal.phase, event, recorded.seq)
    return _with(_noted(reversal, recorded), phase=phase)


def _noted(  # noqa: PLR0911 - one line for each event
    reversal: Reversal, recorded: Recorded
) -> Reversal:
    """What an event says besides where the reversal stands."""
    match recorded.event:
        case events.MirrorStopped():
            return _with(reversal, stopped=True)
        case events.TailsSettled(topics=topics):
            return _with(reversal, apart=topics)
        case events.TargetEmptied():
            return _with(reversal, emptied_seq=recorded.seq)
        case events.PositionsSeeded(positions=positions, target_ends=ends):
            seeded = reversal.runner != "manual" or reversal.seeded
            return _with(reversal, seeded=seeded, positions=positions, target_ends=ends)
        case events.MirrorStarted():
            return _with(reversal, stopped=True, seeded=True)
        case events.MirrorReversed():
            return _ended(reversal, recorded)
        case events.ReversalFailed(cause=cause):
            return _ended(reversal, recorded, cause=cause)
        case _:
            return reversal


def _requested(recorded: Recorded) -> Reversal:
    event = recorded.event
    if not isinstance(event, events.ReversalRequested):
        raise TypeError(f"event {recorded.seq}: a reversal cannot begin with {event.kind}")
    return Reversal(
        reversal_id=event.reversal_id,
        scope=event.scope,
        direction=Direction(source=event.source, target=event.target),
        switch_id=event.switch_id,
        runner=event.runner,
        cut=event.cut,
        accepts_gaps=event.accepts_gaps,
        tail=event.tail,
        resumes=event.resumes,
        seeded=event.resumes,
        actor=recorded.actor,
        reason=recorded.reason,
        requested_at=recorded.recorded_at,
        requested_seq=recorded.seq,
    )


def cut_short(reversal: Reversal, recorded: Recorded) -> Reversal:
    """The log was reconciled: how it went on is not known."""
    cause = f"how it went on is not known: the log was reconciled by event {recorded.seq}"
    return _ended(reversal, recorded, phase=ReversalPhase.FAILED, cause=cause)


def _ended(reversal: Reversal, recorded: Recorded, **changes: object) -> Reversal:
    return _with(reversal, ended_at=recorded.recorded_at, ended_seq=recorded.seq, **changes)


def _with(reversal: Reversal, **changes: object) -> Reversal:
    return msgspec.structs.replace(reversal, **changes)


def direction_after(initial: Direction | None, newest: Reversal | None) -> Direction | None:
    """Which way the mirror should copy while no reversal is under way; None: it stands still.

    Args:
        initial: the way before the first switch.
        newest: the newest reversal of the scope, ended or none.
    """
    if newest is None:
        return initial
    if newest.phase is ReversalPhase.FAILED:
        return None if newest.stopped else newest.direction.back
    return newest.direction


def initial_direction(first: str | None, by_role: tuple[str, ...]) -> Direction | None:
    """From the cluster that served at first to the first other one.

    Args:
        first: that cluster; None before the scope was opened.
        by_role: all clusters, failover ones first.
    """
    target = next((name for name in by_role if name != first), None)
    if first is None or target is None:
        return None
    return Direction(source=first, target=target)
