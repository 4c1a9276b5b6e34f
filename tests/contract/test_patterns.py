"""Patterns of operators over names of tenants."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.patterns import PatternError, matches, require_usable

NAMES = st.text("abcxyz019.-_", max_size=249)
PLAIN = [
    "[a-z]+",
    "[a-z][a-z0-9.-]*",
    "(team|org)-[a-z]+-v[0-9]+",
    "(?i)[A-Z]{1,3}",
    r"[^_]*",
    r"\w+(\.\d{2})?",
    "a|b$",
]


@given(st.sampled_from(PLAIN), NAMES)
def test_a_name_matches_as_it_does_in_python(pattern, name):
    assert matches(pattern, name) == (re.fullmatch(pattern, name) is not None)


@pytest.mark.parametrize(
    "pattern", ["([a-z]+-?)+", "(team|[a-z]+)+-v[0-9]+", "(a?){500}a{500}", "(.*)(.*)(.*)(.*)b"]
)
@pytest.mark.parametrize("length", [23, 249])
def test_no_pattern_takes_longer_than_its_name(pattern, length):
    """Python's engine takes 0.4 s over 23 characters of the first, and ages over 249."""
    assert not matches(pattern, "a" * (length - 1) + "!")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "no regular expression that RE2 takes"),
        ("(?=a)b", "no look-around"),
        (r"(a)\1", "no back references"),
        ("a++", "no possessive quantifiers"),
        (r"a\Z", "invalid escape sequence"),
        ("(a{1000}){1000}", "invalid repetition size"),
        ("a{,3}", "write {0,n}"),
        ("a" * 257, "257 characters"),
    ],
)
def test_what_cannot_be_used_is_told_with_the_reason(capfd, pattern, why):
    for use in (require_usable, lambda p: matches(p, "a")):
        with pytest.raises(PatternError, match=re.escape(why)):
            use(pattern)
    sys.stderr.flush()
    assert capfd.readouterr() == ("", "")
