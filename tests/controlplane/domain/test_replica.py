"""What a replica lacks is never told to be less than it is."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from controlplane.domain.completeness import Hole
from controlplane.domain.numbering.runs import Placed, Run
from controlplane.domain.replica import (
    RUN,
    Anchor,
    Loss,
    Mark,
    Watched,
    align,
    cursors_back,
    follow,
    forgetting,
    from_the_beginning,
    loss,
    nothing_mirrored,
    seen_both_ways,
)
from controlplane.domain.unreadable import Unreadable


def placed(values: str, first: int = 0) -> list[Placed]:
    return [Placed(first + at, value.encode()) for at, value in enumerate(values)]


def test_the_replicas_last_record_is_found():
    assert align(placed("abcdef", 100), placed("abcd", 7)) == Anchor(103, 10)


def test_records_that_look_alike_prove_nothing():
    assert align(placed("aaaa"), placed("aa")) is None
    assert align(placed("abab"), placed("ab")) is None


def test_a_replica_that_holds_something_else_proves_nothing():
    assert align(placed("abc"), placed("xyz")) is None
    assert align(placed("abc"), []) is None
    assert align([], placed("a")) is None


def test_a_partition_without_an_anchor_counts_as_lost_whole():
    mark = Mark(partition="t-0", source_begin=5, source_end=9, anchor=None)
    assert loss(mark, 40, []) == Loss(partition="t-0", first=5, seen_end=9)
    assert loss(mark, None, []).known == 4


def test_a_marker_of_a_transaction_on_the_replica_is_no_record_that_was_delivered():
    """The replica was the original before a switch, and clients wrote to it in transactions."""
    mark = Mark(partition="t-0", source_begin=0, source_end=10, anchor=Anchor(8, 10))
    assert loss(mark, 12, [Placed(10, b"i")]).first == 9
    assert loss(mark, 13, [Placed(10, b"i"), Placed(12, b"j")]).first == 10
    assert loss(mark, 600, [Placed(100, b"z")]).first == 9 + 589, "not all of it was read"


def test_what_was_seen_the_other_way_is_where_reading_goes_on():
    run = Run(0, 3, 5, whole=True)
    read = Mark(partition="t-0", source_begin=0, source_end=5, anchor=Anchor(4, 7), runs=(run,))
    empty = Mark(partition="t-1", source_begin=5, source_end=9, anchor=Anchor(4, -1))
    back = Watched(seen_at=datetime(2026, 1, 1, tzinfo=UTC), marks=(read, empty))
    assert cursors_back(back) == {"t-0": Anchor(7, 4)}, "in the other no record was seen on both"
    assert cursors_back(None) == {}


def test_what_the_mirror_left_out_is_lost_too():
    hole = Hole(partition="t-0", first=2, last=3, records=2)
    mark = Mark(partition="t-0", source_begin=0, source_end=9, anchor=Anchor(5, 3), hole=hole)
    assert loss(mark, 5, placed("abcef")) == Loss(partition="t-0", first=7, seen_end=9, hole=hole)
    assert loss(mark, 5, placed("abcef")).known == 4
    assert loss(mark, None, []).hole is None, "all of it is missing"


@given(
    records=st.lists(st.integers(0, 3), max_size=40),
    markers=st.sets(st.integers(0, 60)),
    anchored=st.integers(0, 40),
    mirrored=st.integers(0, 40),
    trimmed=st.integers(0, 5),
    repeated=st.integers(0, 3),
)
def test_the_loss_is_never_told_to_be_less_than_it_is(
    records, markers, anchored, mirrored, trimmed, repeated
):
    """A source with transaction markers; a replica that holds a prefix, and repeats a little."""
    anchored = min(anchored, len(records))
    repeated = min(repeated, anchored)
    mirrored = min(max(mirrored, anchored), len(records))
    offsets, source, at = [], [], 0
    for number, value in enumerate(records):
        while at in markers:
            at += 1
        offsets.append(at)
        source.append(Placed(at, b"%d:%d" % (number, value)))
        at += 1
    replica = [
        Placed(trimmed + number, record.digest) for number, record in enumerate(source[:anchored])
    ]
    anchor = align(source[-50:], replica) if replica else nothing_mirrored(0, trimmed)
    mark = Mark(partition="t-0", source_begin=0, source_end=at, anchor=anchor)
    held = source[:anchored] + source[anchored - repeated : mirrored]
    tail = [Placed(trimmed + number, record.digest) for number, record in enumerate(held)]
    told = loss(mark, trimmed + len(held), tail)
    missing = offsets[mirrored:]
    assert all(offset >= told.first for offset in missing)
    if not markers:
        assert told.known == len(missing)


@given(st.integers(0, 60), st.integers(1, 60))
def test_a_long_tail_is_found_by_its_last_records(before, shown):
    source = [Placed(1000 + number, b"%d" % number) for number in range(before + shown)]
    replica = [Placed(number, b"%d" % number) for number in range(before + 1)][-RUN:]
    assert align(source, replica) == Anchor(1000 + before, before)


def test_what_was_seen_of_a_topic_that_was_made_anew_is_forgotten() -> None:
    runs = (Run(0, 0, 5, whole=True),)
    seen = Watched(
        seen_at=datetime(2026, 1, 1, tzinfo=UTC),
        marks=tuple(
            Mark(partition=name, source_begin=0, source_end=5, anchor=Anchor(4, 4), runs=runs)
            for name in ("a-b-0", "c-0")
        ),
    )
    emptied = forgetting(seen, {"a-b"})
    assert emptied is not None
    assert [(mark.anchor, mark.runs) for mark in emptied.marks] == [
        (None, ()),
        (Anchor(4, 4), runs),
    ]


def test_the_way_back_is_known_from_the_way_there() -> None:
    def watched(at: int, *marks: Mark) -> Watched:
        return Watched(seen_at=datetime(2026, 1, at, tzinfo=UTC), marks=marks)

    there = watched(
        2,
        Mark(
            partition="t-0",
            source_begin=0,
            source_end=7,
            anchor=None,
            runs=(Run(2, 0, 5, whole=False),),
        ),
    )
    back = seen_both_ways(None, there)
    assert back is not None
    assert back.marks[0].runs == (Run(0, 2, 5, whole=False),)
    older = watched(1, Mark(partition="u-0", source_begin=0, source_end=1, anchor=None))
    both = seen_both_ways(older, there)
    assert both is not None
    assert [mark.partition for mark in both.marks] == ["t-0", "u-0"]
    newer = watched(3)
    assert seen_both_ways(newer, there) is newer


def test_the_first_records_are_an_anchor_of_what_only_the_mirror_wrote() -> None:
    assert from_the_beginning(placed("abcdef", 100), placed("abc", 7)) == Anchor(102, 9)
    assert from_the_beginning(placed("abc"), placed("abc")) == Anchor(2, 2)


def test_records_that_look_alike_are_one_too_where_none_was_ever_deleted() -> None:
    """Else retention, which takes some of them at another moment here and there, hid them all."""
    assert from_the_beginning(placed("aab"), placed("aa")) == Anchor(1, 1)
    assert from_the_beginning(placed("aaaa"), placed("aaa")) == Anchor(2, 2)


def test_nothing_can_be_said_if_the_source_may_have_deleted_some_of_them_since() -> None:
    assert from_the_beginning(placed("bcdef", 101), placed("abc", 7)) is None
    assert from_the_beginning(placed("aab", 101), placed("aa", 7)) is None
    assert from_the_beginning(placed("aab", 0), placed("aa", 7)) is None
    assert from_the_beginning(placed("aab", 101), placed("aa", 0)) is None
    assert from_the_beginning(placed("a"), placed("ab")) is None
    assert from_the_beginning(placed("a"), []) is None


def test_a_replica_that_goes_on_alike_is_followed():
    anchor = Anchor(100, 7)
    assert follow(anchor, placed("abcd", 100), placed("abc", 7)) == Anchor(102, 9)
    assert follow(anchor, placed("a", 100), placed("a", 7)) == anchor


@given(
    new=st.lists(st.integers(0, 3), max_size=20),
    replica=st.lists(st.integers(0, 3), max_size=20),
    copied=st.integers(0, 20),
)
def test_nothing_that_is_missing_or_stands_there_twice_is_passed_over(new, replica, copied):
    """Whatever came behind the anchor: only the source's next records, in their order, will do."""
    source = [Placed(4, b"anchor"), *(Placed(5 + at, b"%d" % r) for at, r in enumerate(new))]
    for theirs in (replica, new[:copied]):
        copy = [Placed(9, b"anchor"), *(Placed(10 + at, b"%d" % r) for at, r in enumerate(theirs))]
        followed = follow(Anchor(4, 9), source, copy)
        if theirs == new[: len(theirs)]:
            assert followed == Anchor(4 + len(theirs), 9 + len(theirs))
        else:
            assert followed is None


def test_an_anchor_that_is_gone_is_not_followed():
    assert follow(Anchor(100, 7), placed("bcd", 101), placed("abc", 7)) is None
    assert follow(Anchor(100, 7), [], placed("abc", 7)) is None
    assert follow(Anchor(100, 7), placed("abc", 100), []) is None


def test_both_end_alike_only_where_they_were_seen_to():
    mark = Mark(partition="t-0", source_begin=0, source_end=9, replica_end=7, anchor=None)
    assert not mark.is_alike_at(9, 7), "nobody has seen it"
    alike = replace(mark, alike=True)
    assert alike.is_alike_at(9, 7)
    assert not alike.is_alike_at(10, 7)
    assert not alike.is_alike_at(9, 8)
    assert not alike.is_alike_at(9, None)
    for not_read in (
        replace(alike, postponed=True),
        replace(
            alike,
            unreadable=Unreadable(partition="t-0", cluster="main", offset=8, cause="TooLargeError"),
        ),
    ):
        assert not not_read.is_alike_at(9, 7)
    assert replace(mark, anchor=Anchor(8, 6)).is_alike_at(9, 7), "the last record of both"


def test_reading_goes_on_behind_a_record_not_behind_the_end_of_an_empty_replica():
    empty = Mark(partition="t-0", source_begin=0, source_end=9, anchor=nothing_mirrored(0, 0))
    assert empty.cursor is None
    seen = replace(empty, anchor=Anchor(8, 5), runs=(Run(4, 1, 5, whole=True),))
    assert seen.cursor == Anchor(8, 5)
    assert replace(seen, anchor=Anchor(8, 6)).cursor is None


def test_a_mark_says_what_is_known_and_one_of_an_older_release_is_read():
    mark = Mark(partition="t-0", source_begin=0, source_end=9, anchor=None)
    assert msgspec.json.decode(msgspec.json.encode(mark)) == {
        "partition": "t-0",
        "source_begin": 0,
        "source_end": 9,
        "anchor": None,
    }
    older = b'{"partition":"t-0","source_begin":0,"source_end":9,"anchor":null,"alike":false}'
    assert msgspec.json.decode(older, type=Mark) == mark
    counted = replace(mark, counted=Anchor(8, 7))
    assert msgspec.json.decode(msgspec.json.encode(counted), type=Mark) == counted


def test_what_was_counted_of_a_topic_that_is_made_anew_is_forgotten():
    mark = Mark(partition="t-0", source_begin=0, source_end=9, anchor=None, counted=Anchor(8, 7))
    seen = Watched(seen_at=datetime(2026, 1, 1, tzinfo=UTC), marks=(mark,))
    (forgotten,) = forgetting(seen, {"t"}).marks
    assert forgotten.counted is None
