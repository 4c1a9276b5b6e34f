"""Go or no-go, each reason by its name."""

from datetime import UTC, datetime

import msgspec
import pytest

from contract.mirror import Direction
from controlplane.domain.completeness import Hole
from controlplane.domain.facts import Facts
from controlplane.domain.open_transactions import OpenTransaction
from controlplane.domain.replica import Mark, Watched
from controlplane.domain.switch.readiness import (
    WATCH_LIMIT_S,
    Flowing,
    Seen,
    but_for_young,
    completeness_check,
    expected_stall_ms,
    flow_checks,
    gone_checks,
    lag_check,
    mapping_check,
    nobodys_checks,
    topic_checks,
    transactions_check,
    unreadable_checks,
    watch_check,
)
from controlplane.domain.switch.view import MirrorState, Timing
from controlplane.domain.unreadable import Unreadable

HELD = MirrorState(at=0, partitions=3, behind=(), far_behind=())
GOOD = Seen(
    direction=Direction(source="main", target="failover"),
    source=("teamAusers",),
    target=frozenset({"teamAusers"}),
    prefixed=frozenset(),
    has_mappings=True,
    mirror=HELD,
    lag_records=0,
    lag_s=0.0,
)
ARRIVED = Flowing(looked_for_s=5, delay_s=0.12, came_back=False)
NOTHING = Flowing(looked_for_s=5, delay_s=None, came_back=False)


def failed(seen: Seen, *, patient: bool = False) -> dict[str, str]:
    return {c.name: c.detail for c in topic_checks(seen, patient=patient) if not c.passed}


def but(**changes) -> Seen:
    return msgspec.structs.replace(GOOD, **changes)


def test_nothing_stands_in_the_way() -> None:
    assert failed(GOOD) == {}
    assert lag_check(GOOD).passed
    assert [c.passed for c in flow_checks(ARRIVED, GOOD, None, managed=True)] == [True]


def test_a_topic_that_is_not_there_is_named_and_waited_for_by_a_switch() -> None:
    lacking = but(target=frozenset())
    assert "teamAusers is not on failover" in failed(lacking)["topic_missing"]
    assert failed(lacking, patient=True) == {}


def test_a_topic_that_the_mirror_never_copies_is_refused_with_the_reason() -> None:
    lacking = but(source=("teamAorders.replica",), target=frozenset())
    assert "topics.exclude" in failed(lacking, patient=True)["topic_missing"]


def test_the_default_policy_is_refused_whether_the_topic_is_there_or_not() -> None:
    prefixed = frozenset({"teamAusers"})
    behind = msgspec.structs.replace(HELD, behind=("teamAusers-0",))
    for seen in (but(target=frozenset(), prefixed=prefixed), but(prefixed=prefixed, mirror=behind)):
        reason = failed(seen, patient=True)["mirror_policy"]
        assert "main.teamAusers" in reason
        assert "IdentityReplicationPolicy" in reason


def test_what_an_earlier_policy_left_behind_does_no_harm() -> None:
    assert failed(but(prefixed=frozenset({"teamAusers"}))) == {}


def test_a_moment_s_lag_is_told_and_a_long_one_refused() -> None:
    behind = msgspec.structs.replace(HELD, behind=("teamAusers-0",))
    seen = but(mirror=behind, lag_records=7, lag_s=0.4)
    assert lag_check(seen).passed
    assert "7 records and 0.4 s in teamAusers-0" in lag_check(seen).detail
    far = msgspec.structs.replace(behind, far_behind=("teamAusers-0",))
    assert not lag_check(but(mirror=far)).passed
    assert lag_check(but(mirror=far)).detail.endswith("(--waive teamAusers-0)")


def test_no_victim_is_named_as_what_to_leave_behind() -> None:
    everybodys = ("goodorders-0", "teamAtrouble-0")
    far = msgspec.structs.replace(HELD, behind=everybodys, far_behind=everybodys)
    assert lag_check(but(mirror=far)).detail.endswith("(--waive, by their names)")


class TestFlow:
    def checks(self, flowing: Flowing, seen: Seen = GOOD, turning=None, *, managed=True):
        found = flow_checks(flowing, seen, turning, managed=managed)
        return {c.name: c for c in found}

    def test_a_mirror_of_ours_has_to_be_seen(self) -> None:
        check = self.checks(NOTHING)["mirror_direction"]
        assert not check.passed
        assert "main to failover" in check.detail

    def test_another_s_may_leave_out_our_topic_while_nothing_is_behind(self) -> None:
        assert self.checks(NOTHING, managed=False)["mirror_direction"].passed
        behind = but(mirror=msgspec.structs.replace(HELD, behind=("teamAusers-0",)))
        assert not self.checks(NOTHING, behind, managed=False)["mirror_direction"].passed

    def test_one_that_is_ordered_to_run_otherwise_is_told(self) -> None:
        check = self.checks(ARRIVED, turning="the mirror copies the other way")["mirror_direction"]
        assert (check.passed, check.detail) == (False, "the mirror copies the other way")

    def test_a_circle_is_refused(self) -> None:
        circle = Flowing(looked_for_s=5, delay_s=0.1, came_back=True)
        assert not self.checks(circle)["mirror_circle"].passed


def test_the_expected_stall_has_what_a_silent_node_costs() -> None:
    assert expected_stall_ms(Facts("log"), Timing(), 0.1, silent=False) == 400
    assert expected_stall_ms(Facts("log"), Timing(), 0.9, silent=False) == 900
    assert expected_stall_ms(Facts("log"), Timing(), 0.1, silent=True) == 400 + 6050 + 1000


@pytest.mark.parametrize(
    ("seen", "told"), [(GOOD, "is on"), (but(has_mappings=False), "is not on")]
)
def test_the_topic_of_mappings_is_told_of(seen: Seen, told: str) -> None:
    check = mapping_check(seen)
    assert check.passed
    assert f"1 topics are mapped; _topicMappings {told} failover" in check.detail


def test_what_the_mirror_left_out_is_refused_unless_it_may_be_lost() -> None:
    hole = Hole(partition="teamAusers-0", first=2, last=3, records=2)
    seen = Watched(
        seen_at=datetime(2026, 1, 1, tzinfo=UTC),
        marks=(
            Mark(partition="teamAusers-0", source_begin=0, source_end=9, anchor=None, hole=hole),
            Mark(partition="teamAusers-1", source_begin=0, source_end=9, anchor=None),
        ),
    )
    ours, others = {"teamAusers"}, {"teamBusers"}
    found = completeness_check(GOOD.direction, seen, ours, accepted=False)
    assert not found.passed
    assert "failover lacks records of main" in found.detail
    assert "2 of teamAusers-0 (offsets 2 to 3)" in found.detail
    assert "--waive teamAusers-0" in found.detail, "less than all that is missing anywhere"
    waived = ["teamAusers-0"]
    assert completeness_check(GOOD.direction, seen, ours, accepted=False, waived=waived).passed
    assert completeness_check(GOOD.direction, seen, ours, accepted=True).passed
    assert completeness_check(GOOD.direction, seen, others, accepted=False).passed
    assert completeness_check(GOOD.direction, None, ours, accepted=False).passed


def test_what_the_cluster_does_not_tell_of_is_named_and_is_no_lag():
    gone = ("t-0", "t-1")
    found = msgspec.structs.replace(HELD, behind=gone, far_behind=gone, gone=gone)
    (check,) = gone_checks(but(mirror=found))
    assert not check.passed
    assert check.detail.startswith("main does not tell of t-0, t-1, which the log knows")
    assert lag_check(but(mirror=found)).passed
    assert list(gone_checks(GOOD)) == []


def test_topics_of_nobody_are_told_and_stand_in_nobody_s_way():
    (check,) = nobodys_checks(but(nobodys=tuple("abcdefg")))
    assert check.passed
    assert check.detail.startswith("7 topics of main are under no virtual cluster's name")
    assert "a, b, c, d, e and 2 more" in check.detail
    assert list(nobodys_checks(GOOD)) == []


def test_what_cannot_be_read_is_named_and_is_no_lag():
    one = Unreadable(partition="t-1", cluster="main", offset=4, cause="CorruptRecordException")
    (check,) = unreadable_checks((one,))
    assert not check.passed
    assert "t-1 on main at offset 4: CorruptRecordException" in check.detail
    found = msgspec.structs.replace(HELD, behind=("t-1",), far_behind=("t-1",), unreadable=(one,))
    assert lag_check(but(mirror=found)).passed


@pytest.mark.parametrize(
    ("standing_s", "passed"), [(None, True), (2.0, True), (WATCH_LIMIT_S + 1, False)]
)
def test_a_watch_that_stands_still_is_no_go(standing_s, passed):
    check = watch_check("failover", standing_s, "cluster main does not answer")
    assert check.passed is passed
    assert ("cluster main does not answer" in check.detail) is not passed


def transaction(open_s, timeout_s=600.0):
    return OpenTransaction(
        transactional_id="tx",
        producer_id=5,
        producer_epoch=1,
        state="Ongoing",
        open_s=open_s,
        timeout_s=timeout_s,
    )


@pytest.mark.parametrize(
    ("open_s", "budget_s", "passed", "told"),
    [
        (3.0, 0.0, True, "no transaction on main is open for long"),
        (120.0, 0.0, False, "tx (producer 5, epoch 1, Ongoing) for 120 s of at most 600 s"),
        (120.0, 0.0, False, "--transactions-budget-s 480"),
        (120.0, 100.0, False, "aborts them after 110 s"),
        (120.0, 480.0, True, "they are waited for, 480 s at most"),
        (595.0, 0.0, True, "no transaction"),
    ],
)
def test_transactions_that_a_switch_would_abort_are_named(open_s, budget_s, passed, told):
    check = transactions_check("main", [transaction(open_s)], 10.0, budget_s)
    assert check.passed is passed
    assert told in check.detail


def test_many_partitions_that_nobody_has_looked_at_are_not_left_to_the_fence() -> None:
    def seen(postponed: int) -> Watched:
        return Watched(
            seen_at=datetime(2026, 1, 1, tzinfo=UTC),
            marks=tuple(
                Mark(
                    partition=f"teamAusers-{n}",
                    source_begin=0,
                    source_end=9,
                    anchor=None,
                    postponed=n < postponed,
                )
                for n in range(300)
            ),
        )

    assert completeness_check(GOOD.direction, seen(100), {"teamAusers"}, accepted=False).passed
    found = completeness_check(GOOD.direction, seen(101), {"teamAusers"}, accepted=False)
    assert not found.passed
    assert "101 of 300 partitions were not looked at yet" in found.detail
    assert completeness_check(GOOD.direction, seen(101), {"teamBusers"}, accepted=False).passed


def lacks(*topics: str, far: tuple[str, ...] = (), gone: tuple[str, ...] = ()) -> Seen:
    """A look that finds topics missing on the target, and partitions far behind or gone."""
    source = (*GOOD.source, *topics)
    mirror = MirrorState(at=0, partitions=9, behind=far, far_behind=(*far, *gone), gone=gone)
    return but(source=source, mirror=mirror)


def test_what_only_the_later_of_two_looks_found_missing_stands_in_nobody_s_way() -> None:
    before = lacks("teamAnew", far=("teamAnew-0",), gone=("teamAold-0",))
    now = lacks("teamAnewer", far=("teamAnewer-0",), gone=("teamAolder-0",))
    seen = but_for_young(now, before)
    assert failed(seen) == {}
    assert lag_check(seen).passed
    assert list(gone_checks(seen)) == []


def test_what_both_found_missing_does() -> None:
    before = lacks("teamAnew", far=("teamAnew-0",), gone=("teamAold-0",))
    now = lacks("teamAnew", "teamAnewer", far=("teamAnew-0",), gone=("teamAold-0",))
    seen = but_for_young(now, before)
    assert "teamAnew is not on failover" in failed(seen)["topic_missing"]
    assert not lag_check(seen).passed
    assert [check.passed for check in gone_checks(seen)] == [False]
