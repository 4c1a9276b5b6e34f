"""The tables of what may follow what."""

import pytest

from controlplane.domain import transitions_page
from controlplane.domain.mirror import events as mirror
from controlplane.domain.mirror import transitions as reversal
from controlplane.domain.switch import events, transitions
from controlplane.domain.switch.transitions import ABORTABLE, ENDED, TRANSITIONS, Phase
from controlplane.domain.transitions import IllegalTransitionError
from tests.controlplane.domain.switch.ways import REQUESTED
from tests.controlplane.histories import OPEN, facts_of


def test_every_event_has_a_row():
    assert set(TRANSITIONS) == set(events.SwitchEvent.__subclasses__()) - {events.SwitchRequested}
    of_a_reversal = set(mirror.ReversalEvent.__subclasses__()) - {mirror.ReversalRequested}
    assert set(reversal.TRANSITIONS) == of_a_reversal


@pytest.mark.parametrize(
    ("table", "phases"), [(transitions, Phase), (reversal, reversal.ReversalPhase)]
)
def test_every_phase_is_reached_nothing_follows_the_end_and_all_else_has_a_way_there(table, phases):
    ways = {(from_, to) for row in table.TRANSITIONS.values() for from_, to in row.items()}
    reached = {phases.REQUESTED}
    while more := {to for from_, to in ways if from_ in reached} - reached:
        reached |= more
    assert reached == set(phases)
    assert {from_ for from_, _ in ways} == reached - table.ENDED


def test_nothing_is_aborted_after_the_commit_and_nothing_committed_after_an_abort():
    assert set(TRANSITIONS[events.AbortRequested]) == ABORTABLE
    after = {Phase.COMMITTED}
    for row in TRANSITIONS.values():
        after |= {to for from_, to in row.items() if from_ in after}
    assert after.isdisjoint({Phase.ABORTING, Phase.ABORTED} | ABORTABLE)
    assert set(TRANSITIONS[events.SwitchCommitted]) == {Phase.CATCHING_UP}


def test_an_event_that_no_row_lists_is_an_error_that_names_it():
    told = "event 5, switch.committed, cannot happen to switch s, which is aborted"
    with pytest.raises(IllegalTransitionError, match=told):
        facts_of(
            OPEN,
            REQUESTED,
            events.AbortRequested(switch_id="s", at_phase="requested", cause="x"),
            events.SwitchAborted(switch_id="s", cause="x"),
            events.SwitchCommitted(switch_id="s", epoch=1),
        )


def test_the_page_is_drawn_from_the_tables():
    assert transitions_page.TARGET.read_text() == transitions_page.page(), (
        "run `python -m controlplane.domain.transitions_page`"
    )


def test_no_phase_that_ends_a_switch_can_be_left():
    assert not any(ENDED & row.keys() for row in TRANSITIONS.values())
