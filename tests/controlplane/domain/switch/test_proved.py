"""By which means partitions are proved: counted, and named as far as there is room."""

from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from controlplane.domain.numbering.runs import Run
from controlplane.domain.replica import Anchor, Mark, Watched
from controlplane.domain.switch.means import means_check
from controlplane.domain.switch.proved import (
    MOST_NAMED,
    Means,
    Proved,
    most_compared,
    proved_by,
)
from controlplane.domain.unreadable import Unreadable


def test_partitions_are_counted_by_their_means():
    means = {"t-2": Means.EVERY_RECORD, "t-1": Means.COUNTED_AND_TAIL, "t-0": Means.NOT_SEEN_SINCE}
    assert proved_by(means | {"t-3": Means.COUNTED}, 7) == Proved(
        every_record=1,
        counted_and_tail=1,
        not_seen_since=1,
        records=7,
        counted=("t-1",),
        counted_alone=1,
        alone=("t-3",),
    )


def test_what_is_said_of_many_partitions_is_small():
    names = [f"topic-{n}" for n in range(200_000)]
    proved = proved_by(dict.fromkeys(names, Means.COUNTED_AND_TAIL))
    assert (proved.counted_and_tail, len(proved.counted)) == (200_000, MOST_NAMED)
    assert len(msgspec.json.encode(proved)) < 4096
    compared = most_compared((name, n) for n, name in enumerate(names))
    assert len(compared) == MOST_NAMED
    assert compared == tuple(sorted(compared)), "by name"
    assert min(count for _, count in compared) == 200_000 - MOST_NAMED, "those with the most"


def test_what_is_nothing_is_left_out():
    assert msgspec.json.encode(Proved(every_record=2)) == b'{"every_record":2}'


def mark(name: str, *, runs: tuple[Run, ...] = (), alike: bool = False) -> Mark:
    return Mark(
        partition=name,
        source_begin=0,
        source_end=9,
        replica_end=9,
        anchor=Anchor(8, 8),
        runs=runs,
        alike=alike,
    )


def test_a_plan_says_how_it_would_be_proved():
    marks = (
        mark("t-0", runs=(Run(0, 0, 9, whole=True),)),
        mark("t-1"),
        mark("t-2", alike=True),
        mark("other-0"),
    )
    seen = Watched(seen_at=datetime(2026, 1, 1, tzinfo=UTC), marks=marks)
    check = means_check(seen, {"t"})
    assert check.passed
    assert check.detail == (
        "of 3 partitions that the watch has seen 1 would be proved by every record since the last"
        " look, 1 by their number and the last ones; 1 are at rest and alike, and would be read"
        " from their last records if they moved"
    )
    assert means_check(None, {"t"}).passed, "it stands in no switch's way"


def test_a_plan_names_what_would_be_counted():
    cause = Unreadable(partition="t-1", cluster="main", offset=3, cause="more than 32 MiB")
    huge = replace(mark("t-1"), unreadable=cause, counted=Anchor(8, 8))
    not_counted = replace(mark("t-2"), unreadable=cause)
    marks = (mark("t-0"), huge, not_counted)
    seen = Watched(seen_at=datetime(2026, 1, 1, tzinfo=UTC), marks=marks)
    check = means_check(seen, {"t"})
    assert check.passed
    assert check.detail.endswith(
        "; 1 cannot be read within our budget, and would be proved by their number, and the last"
        " records if these can be read: t-1"
    )
    many = tuple(replace(huge, partition=f"t-{n}") for n in range(9))
    told = means_check(replace(seen, marks=many), {"t"}).detail
    assert told.endswith("t-0, t-1, t-2, t-3, t-4 and 4 more")
