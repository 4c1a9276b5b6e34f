"""A pattern over a tenant's own names matches them behind its prefix, and nothing else."""

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from dataplane.virtual.anchors import unanchored
from dataplane.virtual.own_range import pattern_of_mine
from tests.dataplane.virtual.instances import PREFIX, VIEW

ATOMS = st.sampled_from(["a", "b", ".", "[^a]", "[]^]", r"\^", r"\Q^(\E", "$", "a*"])


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        inner.map("({})".format),
        inner.map("(?:{})".format),
        inner.map("(?P<n>{})".format),
    )


def begun(body: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """With anchors where a text begins, and where none can match."""
    return st.one_of(
        body,
        body.map("^{}".format),
        body.map(r"\A^(?:{})".format),
        st.tuples(body, body).map("^{0[0]}|^{0[1]}".format),
        st.tuples(body, body, body).map("(?:^(?:{0[0]})|{0[1]}){0[2]}".format),
        st.tuples(body, body).map("a^(?:{0[0]})|({0[1]})".format),
    )


def matches(pattern: str, text: str) -> bool:
    return re2.fullmatch(pattern, text) is not None


@given(begun(st.recursive(ATOMS, combined, max_leaves=5)), st.text("ab^(", max_size=3))
def test_what_it_matches_is_matched_behind_the_prefix(pattern: str, text: str):
    if pattern.count("?P<n>") > 1:
        return
    physical = pattern_of_mine(pattern.encode(), VIEW, None)
    assert physical is not None
    assert matches(physical.decode(), PREFIX + text) == matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "sent_on"),
    [
        ("^at", "at"),
        ("^at|^b", "at|b"),
        ("(^a|b)c", "(a|b)c"),
        ("(?i)^a", "(?i)a"),
        ("a^b", "a^b"),
        (r"\^a", r"\^a"),
        ("[^a]b", "[^a]b"),
        (r"\Q^a\E", r"\Q^a\E"),
    ],
)
def test_an_anchor_at_the_beginning_says_nothing(pattern: str, sent_on: str):
    assert unanchored(pattern.encode()) == sent_on.encode()
