"""A figure's law is the line through what was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale.law import Law, fitted

figures = st.floats(-1000, 1000)


@given(figures, figures, st.sets(st.integers(1, 10_000), min_size=2, max_size=5))
def test_a_line_is_found_again(constant, slope, partitions):
    law = fitted([(at, Law(constant, slope).at(at)) for at in partitions])
    assert law.at(20_000) == pytest.approx(constant + slope * 20_000, rel=1e-6, abs=1e-3)


def test_one_size_has_no_law():
    assert fitted([(50, 1.0)]) is None
    assert fitted([(50, 1.0), (50, 2.0)]) is None


def test_what_does_not_fit_is_in_the_middle():
    law = fitted([(0, 0.0), (0, 2.0), (10, 10.0), (10, 12.0)])
    assert (law.at(0), law.at(10)) == pytest.approx((1.0, 11.0))
