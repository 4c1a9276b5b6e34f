"""A bar is as wide as it is, whatever its phases took; a table tells what is to come."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from controlplane.console.phases import AS_PLANNED
from controlplane.console.timelines import WIDTH, rows, segments
from controlplane.domain.switch.report import Stage
from controlplane.domain.switch.transitions import Phase

START = datetime(2026, 1, 1, tzinfo=UTC)


def stages(*took_ms, phases=AS_PLANNED):
    """The first phases, each with what it took; the last one has not ended."""
    found, at = [], START
    for phase, took in zip(phases, (*took_ms, None), strict=False):
        found.append(Stage(phase=phase, began_at=at, took_ms=took))
        at += timedelta(milliseconds=took or 0)
    return found


@given(
    st.lists(st.floats(min_value=0, max_value=1e9), max_size=len(AS_PLANNED) - 1),
    st.integers(-1000, 10**6),
)
def test_a_bar_is_filled_from_end_to_end_and_every_phase_is_seen(took_ms, later_ms):
    told = stages(*took_ms)
    found = segments(told, told[-1].began_at + timedelta(milliseconds=later_ms))
    assert [s.phase for s in found] == [s.phase for s in told if s.phase is not Phase.COMPLETED]
    assert all(s.width >= 3.9 for s in found)
    assert found[0].x == 0
    for one, following in pairwise(found):
        assert abs(one.x + one.width - following.x) < 0.2
    lasts = sum(s.took_ms for s in found) > 0
    assert not lasts or abs(found[-1].x + found[-1].width - WIDTH) < 0.5


def test_clients_wait_from_the_fence_until_they_are_served_again():
    told = stages(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    held = [s.phase.value for s in segments(told, START) if s.holds]
    assert held == ["fencing", "verifying", "catching_up", "committed"]


def test_nobody_waits_for_an_abort_before_the_fence():
    undone = (Phase.REQUESTED, Phase.PREPARING, Phase.ABORTING, Phase.ABORTED)
    assert not any(s.holds for s in segments(stages(1.0, 2.0, 3.0, phases=undone), START))


def test_a_table_tells_what_was_what_is_and_what_is_to_come():
    found = rows(stages(1.0, 2.0), START + timedelta(seconds=1))
    assert [row.stands for row in found] == ["done", "done", "now", *["to come"] * 6]
    assert (found[1].took_ms, found[2].took_ms, found[3].took_ms) == (2.0, 997.0, None)


def test_nothing_is_to_come_of_a_switch_that_is_being_undone_or_has_ended():
    undone = (Phase.REQUESTED, Phase.ABORTING, Phase.ABORTED)
    assert [r.stands for r in rows(stages(1.0, phases=undone), START)] == ["done", "now"]
    assert [r.stands for r in rows(stages(1.0, 1.0, phases=undone), START)] == ["done"] * 3
