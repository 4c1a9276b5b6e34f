"""Numbers prove no more than that as many are there, and of the same times."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.counting import Batch, count, counting_from
from controlplane.domain.replica import Anchor

BEGIN = Anchor(-1, -1)


def packed(times: Sequence[int], sizes: Sequence[int], first: int = 0) -> list[Batch]:
    """Records of these times, in batches of these sizes, in turns."""
    batches, at, turn = [], 0, 0
    while at < len(times):
        some = times[at : at + sizes[turn % len(sizes)]]
        at, turn = at + len(some), turn + 1
        batches.append(Batch(first + at, len(some), max(some)))
    return batches


TIMES = st.lists(st.integers(1, 5), max_size=30)
SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=5)


@given(times=TIMES, ours=SIZES, theirs=SIZES, shift=st.integers(0, 9))
def test_however_a_mirror_packs_them_they_are_as_many(times, ours, theirs, shift):
    since = Anchor(-1, shift - 1)
    found = count(since, packed(times, ours), packed(times, theirs, shift))
    assert found.is_as_many
    assert found.counted == len(times)
    assert found.upto == Anchor(len(times) - 1, len(times) + shift - 1)


@given(data=st.data(), times=TIMES.filter(len), ours=SIZES, theirs=SIZES)
def test_what_lacks_a_record_is_never_as_many(data, times, ours, theirs):
    gone = data.draw(st.integers(0, len(times) - 1))
    there = times[:gone] + times[gone + 1 :]
    found = count(BEGIN, packed(times, ours), packed(there, theirs))
    assert not found.is_as_many
    assert not found.is_more


@given(times=TIMES, more=TIMES.filter(len), ours=SIZES, theirs=SIZES)
def test_what_is_repeated_is_more_or_does_not_fit(times, more, ours, theirs):
    found = count(BEGIN, packed(times, ours), packed(times + more, theirs))
    assert not found.is_as_many
    assert found.is_more or not found.fits


@given(data=st.data(), times=TIMES.filter(len))
def test_a_record_of_another_time_is_found_where_batches_hold_one_each(data, times):
    at = data.draw(st.integers(0, len(times) - 1))
    other = [*times[:at], times[at] + 1, *times[at + 1 :]]
    found = count(BEGIN, packed(times, [1]), packed(other, [1]))
    assert not found.fits
    assert found.upto == Anchor(at - 1, at - 1), "up to there they are alike"


@given(data=st.data(), times=TIMES, ours=SIZES, theirs=SIZES, then=TIMES)
def test_counting_goes_on_from_where_it_had_got(data, times, ours, theirs, then):
    """A mirror that is on its way, and then holds all."""
    some = data.draw(st.integers(0, len(times)))
    first = count(BEGIN, packed(times, ours), packed(times[:some], theirs))
    assert first.fits
    assert first.upto.source == first.upto.replica <= some - 1
    rest = (times + then)[first.upto.source + 1 :]
    at = first.upto.source + 1
    later = count(first.upto, packed(rest, ours, at), packed(rest, theirs, at))
    assert later.is_as_many
    assert first.counted + later.counted == len(times) + len(then)


def test_a_piece_of_which_a_time_is_not_known_is_counted_alone():
    ours = [Batch(3, 3, None), Batch(4, 1, 9)]
    assert count(BEGIN, ours, [Batch(3, 3, 7), Batch(4, 1, 9)]).is_as_many
    assert not count(BEGIN, ours, [Batch(3, 3, 7), Batch(4, 1, 8)]).fits


def test_batches_that_compaction_has_emptied_hold_nothing():
    ours = [Batch(5, 0, 3), Batch(9, 4, 3), Batch(12, 0, 3)]
    found = count(BEGIN, ours, [Batch(4, 4, 3)])
    assert found.is_as_many
    assert found.upto == Anchor(11, 3)


def test_for_how_long_the_replica_is_behind():
    ours = [Batch(1, 1, 1000), Batch(2, 1, 5000), Batch(3, 1, 26_000)]
    assert count(BEGIN, ours, [Batch(1, 1, 1000)]).behind_ms == 21_000
    assert count(BEGIN, ours, []).behind_ms == 25_000
    assert count(BEGIN, ours, []).ours == 3


@pytest.mark.parametrize(
    ("begins", "ends", "from_"),
    [
        ((0, 0), (20, 20), Anchor(9, 12)),
        ((0, 0), (9, 20), BEGIN),
        ((10, 0), (20, 20), Anchor(9, 12)),
        ((11, 0), (20, 20), None),
        ((0, 14), (20, 20), None),
        ((5, 0), (9, 20), None),
    ],
    ids=[
        "the newest",
        "one that is not there any more",
        "all since is there",
        "some was deleted",
        "on the replica",
        "nothing fits",
    ],
)
def test_it_is_counted_from_where_both_have_all_that_came_since(begins, ends, from_):
    assert counting_from([BEGIN, Anchor(9, 12)], begins, ends) == from_
