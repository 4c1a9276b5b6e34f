"""Anchors: a log that was written anew, or cut short, does not fit those that were told before."""

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.anchors import (
    Comparison,
    LogAnchor,
    LogThere,
    Lost,
    compare,
    is_signed,
    signature,
)

KEY = bytes(32)


def anchor(seq: int, digest: str = "ab", log: str = "L") -> LogAnchor:
    return LogAnchor(log=log, seq=seq, hash=digest)


def there(seq: int, *lost: Lost, **changed: str) -> LogThere:
    """A log whose events all have one hash but those that are said to be others."""
    gone = {n for one in lost for n in range(one.first, one.last + 1)}
    hashes = {n: changed.get(f"e{n}", "ab") for n in range(seq + 1) if n not in gone}
    return LogThere(log="L", seq=seq, hashes=hashes, lost=lost)


def test_anchors_of_the_log_fit():
    assert compare([anchor(0), anchor(3), anchor(5)], there(5)) == Comparison(compared=3, newest=5)


def test_the_first_that_does_not_fit_is_named():
    found = compare([anchor(4), anchor(2), anchor(3)], there(5, e3="x", e4="y"))
    assert (found.compared, found.newest) == (3, 2)
    assert found.mismatch is not None
    assert found.mismatch.seq == 3
    assert "written anew" in found.mismatch.why


def test_a_log_that_ends_before_its_anchor_was_cut_short():
    found = compare([anchor(6)], there(5))
    assert found.mismatch is not None
    assert found.mismatch.why == "event 6 was anchored, and the log ends at 5: it was cut short"


def test_another_log_is_another():
    found = compare([anchor(2, log="M")], there(5))
    assert found.mismatch is not None
    assert "log M" in found.mismatch.why


def test_what_a_reconciled_log_lost_is_told_and_nothing_else_is_excused():
    lost = Lost(first=3, last=4)
    assert compare([anchor(3, "x", "M")], there(6, lost)) == Comparison(compared=1, lost=1)
    present = LogThere(log="L", seq=6, hashes={3: "ab"}, lost=(lost,))
    assert compare([anchor(3, "x")], present).mismatch is not None
    cut = LogThere(log="L", seq=2, hashes={}, lost=(lost,))
    assert compare([anchor(3)], cut).mismatch is not None


@given(
    st.lists(st.builds(anchor, st.integers(0, 9), st.sampled_from(["ab", "x"]))), st.integers(0, 9)
)
def test_anchors_may_be_compared_in_parts(anchors, at):
    whole = compare(anchors, there(6))
    parts = compare(anchors[:at], there(6)).and_also(compare(anchors[at:], there(6)))
    assert parts == whole


def test_only_who_has_the_key_signs_just_this():
    said = signature(anchor(3), KEY)
    assert is_signed(anchor(3), said, KEY)
    for other in (anchor(4), anchor(3, "cd"), anchor(3, log="M")):
        assert not is_signed(other, said, KEY)
    assert not is_signed(anchor(3), said, bytes(31) + b"x")
    assert not is_signed(anchor(3), "", KEY)
    assert not is_signed(anchor(3), "\N{SNOWMAN}", KEY)
