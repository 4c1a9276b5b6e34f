"""A mirror that failed is started again, with longer and longer pauses, and not for ever."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.mirror.tending import (
    FIRST_PAUSE_S,
    HEALED_AFTER_S,
    MOST_RESTARTS,
    Tended,
    looked_at,
    restart_is_due,
    restarted,
)


def restarts_at(looks: list[tuple[float, str | None]]) -> list[float]:
    """When it is started again, if it is found so at these moments."""
    known, found = Tended(), []
    for now, failure in looks:
        known = looked_at(known, failure, now)
        if restart_is_due(known, now):
            known = restarted(known, now)
            found.append(now)
    return found


def test_one_that_runs_is_left_alone():
    assert restarts_at([(float(now), None) for now in range(100)]) == []


def test_one_that_fails_again_and_again_is_given_up():
    at = restarts_at([(1000.0 + now, "too large") for now in range(3600)])
    assert len(at) == MOST_RESTARTS
    pauses = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert pauses == [FIRST_PAUSE_S * 2**n for n in range(MOST_RESTARTS - 1)]


def test_one_that_ran_well_for_long_may_fail_as_often_as_a_new_one():
    failing = [(1000.0 + now, "x") for now in range(1000)]
    well = [(2000.0 + now, None) for now in range(int(HEALED_AFTER_S))]
    again = [(3000.0 + now, "y") for now in range(1000)]
    assert len(restarts_at([*failing, *well, *again])) == 2 * MOST_RESTARTS


@given(st.lists(st.tuples(st.floats(0, 60), st.sampled_from([None, "a", "b"])), max_size=60))
def test_it_is_never_started_more_often_than_the_limit_within_the_time_of_healing(steps):
    looks, now = [], 1000.0
    for step, failure in steps:
        now += step
        looks.append((now, failure))
    at = restarts_at(looks)
    for first in at:
        assert sum(first <= other < first + HEALED_AFTER_S for other in at) <= MOST_RESTARTS
