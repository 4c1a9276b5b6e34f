"""A rate that holds on average, whatever is taken and whenever."""

from hypothesis import given
from hypothesis import strategies as st

from dataplane.gateway.token_bucket import TokenBucket

TAKINGS = st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 5)), min_size=1, max_size=50)


@given(st.integers(1, 5000), TAKINGS)
def test_who_waits_as_told_keeps_to_the_rate(rate, takings):
    bucket, now, total = TokenBucket(rate, 0.0), 0.0, 0
    for amount, idle in takings:
        total += amount
        now += bucket.take(amount, now)
        assert total <= rate * (now + 1) * 1.000001 + 1
        now += idle


@given(st.integers(1, 5000), TAKINGS)
def test_what_stays_below_the_rate_never_waits(rate, takings):
    bucket, now = TokenBucket(rate, 0.0), 0.0
    for amount, _ in takings:
        now += amount / rate * 1.000001
        assert bucket.take(min(amount, rate), now) == 0.0


@given(TAKINGS)
def test_nobody_waits_longer_than_what_was_taken_costs(takings):
    bucket, now, total = TokenBucket(100, 0.0), 0.0, 0
    for amount, idle in takings:
        total += amount
        now += idle
        assert 0.0 <= bucket.take(amount, now) <= total / 100


def test_a_clock_that_stands_still_earns_nothing():
    bucket = TokenBucket(10, 5.0)
    assert bucket.take(10, 5.0) == 0.0
    assert bucket.take(10, 5.0) == 1.0
    assert bucket.take(0, 4.0) == 1.0
    assert bucket.take(0, 6.0) == 0.0
