"""Whatever is decided next can happen where it is decided.

A step that appends what the table does not list there ends in an error, and whoever leads gives up
leading, again and again. Views are made of any values that their types allow.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import pytest

from controlplane.domain.mirror import transitions as reversal
from controlplane.domain.mirror.state import Reversal
from controlplane.domain.mirror.steps import Note, TurnView, next_step
from controlplane.domain.switch import events
from controlplane.domain.switch.state import Switch
from controlplane.domain.switch.step import Append
from controlplane.domain.switch.steps import next_steps
from controlplane.domain.switch.transitions import ENDED, TRANSITIONS, Phase
from controlplane.domain.switch.view import View
from tests.controlplane.domain.arbitrary import any_struct

VIEWS = 1500
"""For each phase."""
BY_DIGEST = {events.CutRecorded, events.SwitchCommitted}
"""Decided only where digests fit, which no chance makes: `switch/test_steps.py` has it."""


def appended(phase: Phase, seed: int) -> Iterable[tuple[Any, ...]]:
    """What each step appends of a switch that may be anything else."""
    chance = Random(f"{phase} {seed}")
    at = any_struct(Switch, chance, phase=phase)
    view = any_struct(View, chance, switch=at)
    steps = next_steps(view, chance.uniform(0, 100))
    assert not (phase in ENDED and steps)
    # What is done beside an append is looked at anew behind it.
    return [step.events for step in steps if isinstance(step, Append)]


def noted(phase: reversal.ReversalPhase, seed: int) -> Iterable[tuple[Any, ...]]:
    """The same of a reversal."""
    chance = Random(f"{phase} {seed}")
    view = any_struct(TurnView, chance, reversal=any_struct(Reversal, chance, phase=phase))
    step = next_step(view, chance.uniform(0, 100))
    assert not (phase in reversal.ENDED and step)
    return [(step.event,)] if isinstance(step, Note) else []


@pytest.mark.parametrize(
    ("decided", "table", "phases"),
    [(appended, TRANSITIONS, Phase), (noted, reversal.TRANSITIONS, reversal.ReversalPhase)],
    ids=["switch", "reversal"],
)
def test_steps_append_what_can_happen_there(decided, table, phases):
    happened = Counter[Any]()
    for begin in phases:
        for seed in range(VIEWS):
            for together in decided(begin, seed):
                phase = begin
                for event in together:
                    assert phase in table[type(event)], f"{event.kind} in {phase}, seed {seed}"
                    happened[type(event)] += 1
                    phase = table[type(event)][phase]
    assert table.keys() - happened.keys() <= BY_DIGEST, "all others were decided by some view"


def test_it_finds_an_event_that_cannot_happen(monkeypatch):
    row: Mapping[Phase, Phase] = {Phase.CATCHING_UP: Phase.CATCHING_UP}
    monkeypatch.setitem(TRANSITIONS, events.MirrorAwaited, row)
    with pytest.raises(AssertionError, match=r"switch\.mirror_awaited in preparing"):
        test_steps_append_what_can_happen_there(appended, TRANSITIONS, Phase)
