"""Positions in a mirror: never past a record that the group has not read."""

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.positions import (
    Alignment,
    Imprint,
    Method,
    TranslatedPosition,
    chosen,
    found_by_time,
)

CONTENTS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("xyz")), max_size=25)
"""Few timestamps and few values, so that many records are just alike."""


@st.composite
def logs(draw, *, repeating: bool = True):
    """A partition and its mirror: gaps on both sides, and pieces that the mirror repeats."""
    contents = draw(CONTENTS)
    ours, at = [], draw(st.integers(0, 3))
    for content in contents:
        at += draw(st.integers(0, 2))
        ours.append(imprint(at, *content))
        at += 1
    theirs, there, done = [], draw(st.integers(0, 3)), 0
    rewinds = draw(st.integers(0, 3)) if repeating else 0
    while done < len(contents):
        there += draw(st.integers(0, 1))
        theirs.append(imprint(there, *contents[done]))
        there += 1
        done += 1
        if rewinds and draw(st.booleans()):
            rewinds -= 1
            done = draw(st.integers(0, done - 1))
    end = there + draw(st.integers(0, 2))
    committed = draw(st.integers(0, at + 2))
    return ours, theirs, end, committed


def imprint(offset: int, timestamp: int, value: str) -> Imprint:
    return Imprint(offset, timestamp, f"{timestamp}{value}".encode())


def unread(imprints: list[Imprint], position: int) -> list[bytes]:
    return [m.fingerprint for m in imprints if m.offset >= position]


def holds(records: list[bytes], wanted: list[bytes]) -> bool:
    """Whether all that is wanted is there, in that order."""
    left = iter(records)
    return all(record in left for record in wanted)


@given(logs())
def test_no_record_is_skipped(drawn):
    ours, theirs, end, committed = drawn
    position = Alignment(ours, theirs, end).position(committed)
    assert position is not None
    assert holds(unread(theirs, position.offset), unread(ours, committed))


@given(logs(repeating=False))
def test_behind_a_mirror_that_repeats_nothing_nothing_is_read_again(drawn):
    ours, theirs, end, committed = drawn
    position = Alignment(ours, theirs, end).position(committed)
    assert unread(theirs, position.offset) == unread(ours, committed)


@given(logs(), st.sets(st.integers(0, 24)))
def test_what_the_mirror_lacks_never_leads_past_what_it_holds(drawn, lacking):
    ours, theirs, end, committed = drawn
    gone = {m.fingerprint for i, m in enumerate(ours) if i in lacking}
    left = [m for m in theirs if m.fingerprint not in gone]
    position = Alignment(ours, left, end).position(committed)
    if position is not None:
        wanted = [f for f in unread(ours, committed) if f not in gone]
        assert holds(unread(left, position.offset), wanted)


@given(logs())
def test_a_record_looked_for_from_its_timestamp_is_not_past_its_first_copy(drawn):
    ours, theirs, _, committed = drawn
    following = next((m for m in ours if m.offset >= committed), None)
    if following is None:
        return
    begin = next(m.offset for m in ours if m.timestamp >= following.timestamp)
    before = [m for m in ours if begin <= m.offset < following.offset]
    first = next(m.offset for m in theirs if m.timestamp >= following.timestamp)
    tail = [m for m in theirs if m.offset >= first]
    for known in (before, None):
        found = found_by_time(following, known, tail)
        assert found is not None
        assert holds(unread(theirs, found), unread(ours, committed))


def test_the_end_is_the_end_whatever_stands_before_it():
    ours = [imprint(0, 1, "x"), imprint(1, 1, "y")]
    theirs = [imprint(7, 1, "x"), imprint(8, 1, "y")]
    assert Alignment(ours, theirs, 11).position(2) == TranslatedPosition(11, Method.END)


def test_a_record_that_the_mirror_lacks_is_looked_for_after_the_one_before_it():
    ours = [imprint(0, 1, "x"), imprint(1, 1, "y"), imprint(2, 1, "z")]
    theirs = [imprint(7, 1, "x"), imprint(9, 1, "z")]
    assert Alignment(ours, theirs, 10).position(1) == TranslatedPosition(8, Method.AFTER)


def test_only_some_offsets_are_looked_into_and_the_first_one_always():
    assert chosen([], 3) == []
    assert chosen([1, 2, 3], 3) == [1, 2, 3]
    assert chosen(range(100), 3) == [0, 34, 68]
