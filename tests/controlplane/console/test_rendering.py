"""What anybody chose is text on a page: on one line, and no markup."""

from hypothesis import given
from hypothesis import strategies as st

from controlplane.console.rendering import duration, fragment
from controlplane.domain.completeness import Hole

HOSTILE = '"><script>alert(1)</script>\u202e\n&'


def announced(name):
    return fragment("problem.html", visitor=None, path="/", title=name, detail="", logged_out=False)


def test_names_are_escaped_once():
    page = announced(HOSTILE)
    assert "<script>alert" not in page
    shown = "&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\n&amp;"
    assert f"<h1>{shown}</h1>" in page
    assert f"<title>{shown} - Interlock</title>" in page


@given(st.text())
def test_no_text_adds_an_element_or_a_line(name):
    page, plain = announced(name), announced("")
    for mark in ("<", "\n", '"', "\u202e"):
        assert page.count(mark) == plain.count(mark)


def test_values_that_are_no_text_are_shown_as_they_say_themselves():
    hole = Hole(partition="a-0", first=1, last=2, records=2)
    assert str(hole) in announced(hole)


def test_durations_are_those_of_people():
    assert [duration(ms) for ms in (None, 0, 999.4, 1000, 59_949, 61_000)] == [
        "-",
        "0 ms",
        "999 ms",
        "1.0 s",
        "59.9 s",
        "1 min 1 s",
    ]
