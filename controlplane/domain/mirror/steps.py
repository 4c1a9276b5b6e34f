"""What to do next about a reversal: decided from the whole view, so a restart needs no memory."""

from typing import Literal, TypeAlias

import msgspec

from controlplane.domain.mirror import events
from controlplane.domain.mirror.state import Reversal
from controlplane.domain.mirror.transitions import ReversalPhase
from controlplane.domain.switch.events import Ends

_NAMED = 5


class Seeding(msgspec.Struct, frozen=True, kw_only=True):
    """Positions that were written, and what the target held then."""

    positions: tuple[events.Position, ...]
    target_ends: Ends
    gaps: tuple[str, ...] = ()
    """Partitions in which the target lacks records that stand before the position."""


class MirrorVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the running mirror found."""

    copied_back: tuple[str, ...] = ()
    """Partitions that got records which they had already."""
    awaited: str | None = None
    """What is not so yet; None if everything is as it should be."""


class TurnView(msgspec.Struct, frozen=True, kw_only=True):
    """The reversal, and what was found out since this control plane leads."""

    reversal: Reversal
    serving: str
    """The cluster that serves the scope."""
    requested_at: float
    """Monotonic seconds."""
    stopped: bool = False
    apart: tuple[events.ApartTopic, ...] | None = None
    """What only the target has, kept if that was asked for."""
    emptied: bool = False
    seeding: Seeding | None = None
    started: bool = False
    verdict: MirrorVerdict | None = None


class Note(msgspec.Struct, frozen=True):
    """Record what is now true."""

    event: events.ReversalEvent


What: TypeAlias = Literal["stop", "settle", "empty", "seed", "start", "verify"]
"""What can be done."""


class Act(msgspec.Struct, frozen=True):
    """Do it; each act may be repeated without harm while its event is not recorded."""

    what: What


Step: TypeAlias = Note | Act


def next_step(view: TurnView, now: float) -> Step | None:
    """What to do at this moment; None if it waits for somebody else, or is over.

    Args:
        view: everything that is known.
        now: monotonic seconds, on the clock of the view.
    """
    reversal = view.reversal
    if reversal.open and view.serving != reversal.direction.source:
        return _failed(view, f"the scope was switched to {view.serving} meanwhile")
    match reversal.phase:
        case ReversalPhase.REQUESTED:
            return _requested(view)
        case ReversalPhase.STOPPED:
            return _stopped(view)
        case ReversalPhase.SEEDED:
            return _seeded(view)
        case ReversalPhase.STARTED:
            return _started(view, now)
        case ReversalPhase.REVERSED | ReversalPhase.FAILED:
            return None


def _requested(view: TurnView) -> Step:
    reversal = view.reversal
    if reversal.runner == "manual":
        return _stopped(view)
    if not view.stopped:
        return Act("stop")
    return Note(events.MirrorStopped(reversal_id=reversal.reversal_id))


def _stopped(view: TurnView) -> Step:
    return _settling(view) or _seeding(view)


def _settling(view: TurnView) -> Step | None:
    """Nothing is emptied before the log says what it held, and where that is kept."""
    reversal = view.reversal
    if reversal.tail == "leave" or reversal.emptied_seq is not None:
        return None
    if reversal.apart is None:
        if view.apart is None:
            return Act("settle")
        return Note(events.TailsSettled(reversal_id=reversal.reversal_id, topics=view.apart))
    if not view.emptied:
        return Act("empty")
    return Note(events.TargetEmptied(reversal_id=reversal.reversal_id))


def _seeding(view: TurnView) -> Step:
    if view.seeding is None:
        return Act("seed")
    if view.seeding.gaps and not view.reversal.accepts_gaps:
        named = ", ".join(view.seeding.gaps[:_NAMED])
        return _failed(
            view,
            f"{view.reversal.direction.target} lacks records that stand between others which it"
            f" has, in {named}: no position brings them exactly once. Look at `interlock mirror"
            " divergence`, then reverse with --accept-gaps to leave them where they are",
        )
    return Note(
        events.PositionsSeeded(
            reversal_id=view.reversal.reversal_id,
            positions=view.seeding.positions,
            target_ends=view.seeding.target_ends,
        )
    )


def _seeded(view: TurnView) -> Step | None:
    if view.reversal.runner == "manual":
        return None
    if not view.started:
        return Act("start")
    return Note(events.MirrorStarted(reversal_id=view.reversal.reversal_id))


def _started(view: TurnView, now: float) -> Step:
    if view.verdict is None or (view.verdict.awaited and not view.verdict.copied_back):
        return Act("verify")
    if view.verdict.copied_back:
        named = ", ".join(view.verdict.copied_back[:_NAMED])
        return _failed(
            view,
            f"{view.reversal.direction.target} got records that it had already: {named}."
            " The mirror is to be stopped; `interlock mirror divergence` shows what is there twice",
        )
    total_ms = round((now - view.requested_at) * 1000, 1)
    return Note(events.MirrorReversed(reversal_id=view.reversal.reversal_id, total_ms=total_ms))


def _failed(view: TurnView, cause: str) -> Note:
    return Note(events.ReversalFailed(reversal_id=view.reversal.reversal_id, cause=cause))
