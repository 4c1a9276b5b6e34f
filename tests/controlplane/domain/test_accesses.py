"""Accesses: each is told, and whoever makes many of them does not fill the log."""

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain import events
from controlplane.domain.accesses import AGAIN_S, MOST_KNOWN, MOST_TOLD, Access, Accesses

GUESS = Access("login_failed", "joe", "10.0.0.1")


def times(told: list[object]) -> int:
    return sum(getattr(event, "times", 0) for event in told)


def test_each_is_told_as_what_it_is() -> None:
    accesses = Accesses()
    accesses.note(GUESS)
    accesses.note(Access("login_succeeded", "ann", "10.0.0.2"))
    accesses.note(Access("denied", "joe", "10.0.0.1", "admin"))
    assert accesses.due(0.0) == [
        events.LoginFailed(username="joe", address="10.0.0.1", times=1),
        events.LoginSucceeded(username="ann", address="10.0.0.2", times=1),
        events.AccessDenied(username="joe", address="10.0.0.1", needed="admin", times=1),
    ]
    assert accesses.due(0.0) == []


def test_what_is_repeated_is_counted_and_told_when_a_minute_is_over() -> None:
    accesses = Accesses()
    accesses.note(GUESS)
    assert times(accesses.due(0.0)) == 1
    for _ in range(500):
        accesses.note(GUESS)
    assert accesses.due(AGAIN_S - 1) == []
    (told,) = accesses.due(AGAIN_S)
    assert times([told]) == 500


def test_a_name_of_any_length_is_told_in_part() -> None:
    accesses = Accesses()
    accesses.note(GUESS._replace(username="x" * 100_000))
    (told,) = accesses.due(0.0)
    assert isinstance(told, events.LoginFailed)
    assert told.username == "x" * 255


@given(
    names=st.lists(st.integers(0, 3 * MOST_KNOWN), max_size=200),
    many=st.integers(0, 2 * MOST_KNOWN),
    minutes=st.integers(1, 3),
)
def test_none_is_forgotten_and_no_minute_has_more_than_its_share(
    names: list[int], many: int, minutes: int
) -> None:
    accesses, now, noted, told = Accesses(), 0.0, 0, 0
    for _ in range(minutes):
        for number in (*names, *range(many)):
            accesses.note(GUESS._replace(username=f"user{number}"))
            noted += 1
        found = [event for second in range(0, 60, 7) for event in accesses.due(now + second)]
        assert len(found) <= MOST_TOLD
        told += times(found)
        now += AGAIN_S
    while found := accesses.due(now):
        told += times(found)
        now += AGAIN_S
    assert told == noted
