"""Subscriptions by pattern: brokers match them with everybody's topics, and find own ones alone."""

import pytest
import re2
from hypothesis import assume, given
from hypothesis import strategies as st

from dataplane.virtual.topic_patterns import (
    INVALID_REGULAR_EXPRESSION,
    pattern_as_given,
    pattern_of_my_topics,
)
from dataplane.wire.errors import RefusedRequestError
from tests.dataplane.virtual.instances import ALIASED, PREFIX, RIVAL, SECRET, VIEW

ESCAPES = [
    "a)|(.*",
    ".*)|(?:.*",
    "a)|.*|(b",
    ")|.*|(",
    r"\Qa\E)|(.*",
    "[)|.*",
    "(?P<a",
    "(",
    r"a\\)|(.*",
]
PIECES = st.sampled_from(
    ["a", ".*", "(", ")", "|", "[", "]", "\\", "^", "$", r"\Q", r"\E", "(?:", "(?i)", "*", "+", "b"]
)


def found(pattern: bytes, name: str) -> bool:
    """Whether a broker would find a topic: it matches whole names."""
    return re2.compile(pattern.decode()).fullmatch(name) is not None


@pytest.mark.parametrize("pattern", ESCAPES)
def test_an_expression_that_would_end_its_group_is_refused(pattern):
    with pytest.raises(RefusedRequestError) as refused:
        pattern_of_my_topics(pattern.encode(), VIEW, None)
    assert refused.value.error_code == INVALID_REGULAR_EXPRESSION


@given(st.lists(PIECES, max_size=12).map("".join))
def test_whatever_is_taken_finds_own_topics_alone_and_those_that_it_would_find_there(pattern):
    assume(pattern)
    try:
        sent = pattern_of_my_topics(pattern.encode(), VIEW, None)
    except RefusedRequestError:
        return
    try:
        re2.compile(sent.decode())
    except re2.error:
        return  # the broker refuses it, as an expression that is quoted to its end
    for name in ("a", "ab", "b", "", "a)|", "x"):
        assert not found(sent, RIVAL + name)
        assert not found(sent, SECRET + name)
        assert not found(sent, name)
        # What looks at the character before it finds the prefix there.
        if name and not any(looks_back in pattern for looks_back in ("^", "\\b")):
            assert found(sent, PREFIX + name) == found(pattern.encode(), name)


def test_anchors_that_say_nothing_do_no_harm():
    sent = pattern_of_my_topics(b"^ab.*$", VIEW, None)
    assert found(sent, f"{PREFIX}abc")
    assert not found(sent, f"{PREFIX}xabc")


def test_aliases_that_match_stand_beside_it():
    sent = pattern_of_my_topics(b"borrow.*", ALIASED, None)
    assert found(sent, f"{RIVAL}lent")
    assert found(sent, f"{PREFIX}borrow")
    assert not found(sent, f"{SECRET}lent")
    assert pattern_as_given(sent, ALIASED, None) == b"borrow.*"


def test_none_and_nothing_stay_what_they_are():
    for pattern in (None, b""):
        assert pattern_of_my_topics(pattern, VIEW, None) == pattern
        assert pattern_as_given(pattern, VIEW, None) == pattern


def test_what_is_not_of_ours_is_not_shown():
    assert pattern_as_given(RIVAL.encode() + b"(?:a)", VIEW, None) == b""


def test_a_very_long_one_is_refused():
    with pytest.raises(RefusedRequestError, match="use up to"):
        pattern_of_my_topics(b"a" * 2000, VIEW, None)
