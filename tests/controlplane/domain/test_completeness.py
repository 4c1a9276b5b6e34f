"""Whatever a mirror leaves out before its end is found, and nothing that it did not leave out."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.completeness import Hole, has_come, hole, still_missing
from controlplane.domain.numbering.runs import Placed


def placed(values: str, first: int = 0) -> list[Placed]:
    """Records, and `-` where an offset is no record's."""
    return [Placed(first + at, v.encode()) for at, v in enumerate(values) if v != "-"]


def found(ours: str, theirs: str, *, whole: bool = False) -> Hole | None:
    return hole("t-0", placed(ours, 100), placed(theirs, 7), whole=whole)


def missing(first: int, last: int, records: int) -> Hole:
    return Hole(partition="t-0", first=first, last=last, records=records)


def test_a_mirror_that_holds_everything_has_no_hole():
    assert found("abcdef", "abcdef") is None
    assert found("", "") is None
    assert found("", "abc") is None


def test_what_is_left_out_is_found():
    assert found("abcdef", "abef") == missing(102, 103, 2)
    assert found("abcdef", "acef") == missing(101, 103, 2)


def test_what_is_on_its_way_is_no_hole():
    assert found("abcdef", "abc") is None


def test_markers_and_repetitions_make_no_difference():
    assert found("a-bc-d-", "abcd") is None
    assert found("abcd", "ababcd") is None
    assert found("a-bc-d-", "abab-d") is None, "one may have been compacted"
    assert found("a-bc-d-", "ababd") == missing(103, 103, 1)


def test_a_mirror_that_repeats_something_before_it_goes_on_is_whole():
    assert found("abcdcd", "abcd") is None, "the original itself may have been a copy"
    assert found("abcd", "acbd") is None


def test_what_looks_like_an_earlier_record_does_not_make_a_hole_of_what_is_on_its_way():
    """The second b may be on its way as well, or have come while x was left out: both look so."""
    ours, theirs = placed("abcxb", 100), placed("abc", 7)
    assert hole("t-0", ours, theirs, whole=False) == missing(103, 103, 1), "until it has come"
    assert hole("t-0", ours, theirs, whole=False, lasting=True) is None
    assert hole("t-0", ours, placed("abcb"), whole=False, lasting=True) == missing(103, 103, 1)
    assert hole("t-0", ours, placed("abcxb"), whole=False, lasting=True) is None
    # Another record behind it tells.
    more = placed("abcxbd", 100)
    assert hole("t-0", more, placed("abcd"), whole=False, lasting=True) == missing(103, 103, 1)


@given(
    values=st.text("abcd", min_size=1, max_size=12), come=st.integers(0, 12), is_whole=st.booleans()
)
def test_a_mirror_that_leaves_nothing_out_never_has_a_lasting_hole(values, come, is_whole):
    ours, theirs = placed(values, 100), placed(values[:come], 7)
    assert hole("t-0", ours, theirs, whole=is_whole, lasting=True) is None


def test_a_hole_is_over_once_all_of_it_is_seen_to_have_come():
    known = missing(102, 103, 2)
    assert has_come(known, placed("abcdef", 100), placed("abcdef"))
    assert has_come(known, placed("cdef", 102), placed("cdef"))
    assert not has_come(known, placed("abcdef", 100), placed("abcef"))
    assert not has_come(known, placed("def", 103), placed("abcdef")), "half out of sight"
    assert not has_come(known, placed("ab--ef", 100), placed("abef")), "compacted there"


def test_offsets_that_are_free_may_have_been_records():
    assert found("abcdef", "ab--ef") is None
    assert found("abcdef", "ab-ef") == missing(103, 103, 1)


def test_before_the_first_common_record_only_a_whole_log_tells():
    assert found("abcdef", "cdef") is None
    ours, theirs = placed("abcdef", 100), placed("cdef")
    assert hole("t-0", ours, theirs, whole=True) == missing(100, 101, 2)
    deleted_since = placed("--cdef")
    assert hole("t-0", ours, deleted_since, whole=True) is None


@given(
    records=st.lists(st.sampled_from(["record", "marker"]), max_size=30),
    left_out=st.sets(st.integers(0, 30)),
    repeated=st.integers(0, 5),
    back=st.integers(1, 40),
)
def test_exactly_what_was_left_out_is_found(records, left_out, repeated, back):
    """A source with markers; a mirror that leaves some records out, and restarts at the end."""
    source = [
        Placed(at, b"%d" % at) for at, what in enumerate(records, start=50) if what == "record"
    ]
    kept = [p for number, p in enumerate(source) if number not in left_out]
    delivered = [*kept, *kept[len(kept) - min(repeated, len(kept)) :]]
    offsets = count()
    replica = [Placed(next(offsets), p.digest) for p in delivered]
    read = replica[-back:]
    known = hole("t-0", source, read, whole=len(read) == len(replica))
    there = {p.digest for p in read}
    copies = [p.offset for p in source if p.digest in there]
    expected = [
        p.offset
        for p in source
        if p not in kept
        and copies
        and p.offset < copies[-1]
        and (len(read) == len(replica) or p.offset > copies[0])
    ]
    if len(read) == len(replica):
        assert (known.records if known else 0) == len(expected)
    # Of a part of the mirror it may tell less, and nothing that is there.
    assert known is None or {known.first, known.last} <= {p.offset for p in source}
    if known is not None:
        assert known.records <= known.last - known.first + 1
        assert known.first in {p.offset for p in source if p.digest not in there}


def test_a_hole_stays_one_when_nobody_looks_at_it_any_more():
    old, new = missing(10, 12, 3), missing(40, 41, 2)
    assert still_missing(None, None, 0) is None
    assert still_missing(old, None, 0) == old
    assert still_missing(None, new, 0) == new
    assert still_missing(old, new, 0) == missing(10, 41, 5)
    assert still_missing(old, missing(11, 12, 2), 0) == old, "half out of sight"
    assert still_missing(old, missing(10, 14, 5), 0) == missing(10, 14, 5), "it has grown"


def test_what_the_original_has_deleted_nobody_misses():
    assert still_missing(missing(10, 12, 3), None, 13) is None
    assert still_missing(missing(10, 12, 3), None, 12) == missing(10, 12, 3)


def test_a_hole_is_told_with_where_it_is():
    assert str(missing(10, 12, 3)) == "3 of t-0 (offsets 10 to 12)"
