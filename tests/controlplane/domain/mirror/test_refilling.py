"""When the mirror begins anew with topics that were made again."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.mirror.refilling import (
    PATIENCE_S,
    PAUSE_S,
    Refilling,
    begun,
    due,
    looked_at,
)


def test_it_is_given_time_to_notice_by_itself():
    known = looked_at(Refilling(), {"a"}, 100.0)
    assert due(known, 100.0 + PATIENCE_S - 0.1) == set()
    assert due(known, 100.0 + PATIENCE_S) == {"a"}


def test_what_has_arrived_meanwhile_is_left_alone():
    known = looked_at(looked_at(Refilling(), {"a"}, 100.0), set(), 105.0)
    assert due(looked_at(known, {"a"}, 110.0), 110.0) == set()


def test_those_that_lack_it_only_since_now_are_taken_along():
    """The mirror stands still for all of them."""
    known = looked_at(looked_at(Refilling(), {"a"}, 100.0), {"a", "b"}, 110.0)
    assert due(known, 110.0) == {"a", "b"}


@given(st.lists(st.tuples(st.floats(0, 30), st.sets(st.sampled_from("abc"))), max_size=60))
def test_however_often_topics_are_made_again_the_mirror_stands_still_once_a_minute(looks):
    known, now, times = Refilling(), 1000.0, []
    for pause, lacking in looks:
        now += pause
        known = looked_at(known, lacking, now)
        if due(known, now):
            known = begun(known, now)
            times.append(now)
    assert all(later - earlier >= PAUSE_S for earlier, later in itertools.pairwise(times))
