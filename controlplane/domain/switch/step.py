"""What can be done next about a switch, as values."""

from hashlib import sha256
from typing import Literal, TypeAlias

import msgspec

from controlplane.domain.switch import events
from controlplane.domain.switch.causes import NAMED, awaited
from controlplane.domain.switch.view import View


class Append(msgspec.Struct, frozen=True):
    """Record what is now true or decided."""

    events: tuple[events.SwitchEvent, ...]


Look: TypeAlias = Literal[
    "preflight",
    "open_transactions",
    "parity",
    "ghosts",
    "transactions",
    "tombstones",
    "sweep",
    "mirror",
    "losses",
    "positions",
    "numbers",
]
"""What can be looked at."""


class Probe(msgspec.Struct, frozen=True):
    """Look at a physical cluster."""

    what: Look


Step: TypeAlias = Append | Probe


def append(event: events.SwitchEvent) -> Append:
    """Record one event."""
    return Append((event,))


def abort(view: View, cause: str) -> Append:
    """Have the switch undone, for a cause."""
    return append(abort_event(view, cause))


def abort_event(view: View, cause: str) -> events.AbortRequested:
    """The same, as an event."""
    return events.AbortRequested(
        switch_id=view.switch.switch_id, at_phase=view.switch.phase.value, cause=cause
    )


def progress(view: View, now: float) -> Append | None:
    """Say now and then what of the mirror is waited for."""
    since = max(view.phase_seen_at, view.progress_told_at)
    if view.mirror is None or now < since + view.timing.progress_s:
        return None
    behind = awaited(view, view.mirror)
    return append(
        events.MirrorAwaited(
            switch_id=view.switch.switch_id,
            partitions=view.mirror.partitions,
            behind=len(behind),
            named=behind[:NAMED],
        )
    )


def digest(ends: tuple[tuple[str, int], ...]) -> str:
    """Of end offsets."""
    return sha256(msgspec.json.encode(ends)).hexdigest()


def ms(seconds: float) -> float:
    """Seconds as milliseconds, with one digit after the point."""
    return round(seconds * 1000, 1)
