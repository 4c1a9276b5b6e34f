"""A switch's phases on a line of time: rows for a table, and lengths for a bar. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from controlplane.console.phases import AS_PLANNED, HOLDING, TOLD, Told
from controlplane.domain.switch.report import Stage
from controlplane.domain.switch.transitions import ENDED, Phase

WIDTH: Final = 1000
"""Of a bar, in its own units."""
_NARROWEST: Final = 4


class PhaseRow(NamedTuple):
    """A phase that was, is, or is to come."""

    phase: Phase
    told: Told
    stands: str
    """`done`, `now` or `to come`."""
    began_at: datetime | None
    took_ms: float | None
    """Until now, if it still is."""


class Segment(NamedTuple):
    """A piece of a bar."""

    phase: Phase
    x: float
    width: float
    took_ms: float
    holds: bool
    """Whether clients waited."""


def rows(stages: Sequence[Stage], now: datetime) -> list[PhaseRow]:
    """What was and is, and, unless the switch has ended or is being undone, what is to come."""
    passed = {stage.phase: stage for stage in stages}
    newest = stages[-1].phase
    on_its_way = newest not in ENDED and newest is not Phase.ABORTING
    found = [_row(stage, newest, now) for stage in stages]
    if on_its_way:
        behind = AS_PLANNED[AS_PLANNED.index(newest) + 1 :]
        found += [
            PhaseRow(phase, TOLD[phase], "to come", None, None)
            for phase in behind
            if phase not in passed
        ]
    return found


def _row(stage: Stage, newest: Phase, now: datetime) -> PhaseRow:
    is_now = stage.phase is newest and newest not in ENDED
    took_ms = _since(stage.began_at, now) if is_now else stage.took_ms
    return PhaseRow(
        stage.phase, TOLD[stage.phase], "now" if is_now else "done", stage.began_at, took_ms
    )


def segments(stages: Sequence[Stage], now: datetime) -> list[Segment]:
    """Pieces as long as their phases took; the shortest are still to be seen."""
    lasting = [
        (stage, stage.took_ms if stage.took_ms is not None else _since(stage.began_at, now))
        for stage in stages
        if stage.phase not in ENDED
    ]
    total = sum(took for _, took in lasting)
    room = WIDTH - _NARROWEST * len(lasting)
    fenced, x, found = False, 0.0, list[Segment]()
    for stage, took in lasting:
        width = _NARROWEST + (room * took / total if total else 0.0)
        fenced = fenced or stage.phase is Phase.FENCING
        holds = fenced and stage.phase in HOLDING
        found.append(Segment(stage.phase, round(x, 1), round(width, 1), took, holds))
        x += width
    return found


def _since(moment: datetime, now: datetime) -> float:
    """Milliseconds; the database's clock may be a little ahead of ours."""
    return max(0.0, (now - moment).total_seconds() * 1000)
