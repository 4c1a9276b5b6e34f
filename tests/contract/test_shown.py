"""Text that somebody else chose, as people get to see it."""

import ast
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from contract.shown import listed, on_one_line, quoted

ANYTHING = st.text(st.characters(codec=None))
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(ANYTHING)
def test_nothing_that_is_not_to_be_seen_is_left(text):
    for shown in (on_one_line(text), quoted(text)):
        assert not {unicodedata.category(one) for one in shown} & UNSEEN


@given(ANYTHING)
def test_a_name_can_be_read_back(name):
    shown = quoted(name)
    assert (ast.literal_eval(shown) if shown.startswith('"') else shown) == name


@given(st.lists(ANYTHING), st.lists(ANYTHING))
def test_lists_of_other_names_look_different(one, other):
    assert (listed(one) == listed(other)) == (one == other)


def test_usual_names_stay_as_they_are():
    for name in ("orders-0", "teamA_x.y", "user:admin", "t:retention.ms", "main->failover", "ö"):
        assert quoted(name) == name
    assert quoted("a\n\u202eb\u2028") == r'"a\n\u202eb\u2028"'
    assert quoted('say "no"') == r'"say \"no\""'
