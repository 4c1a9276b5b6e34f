"""Two logs of one partition, compared: letters are records, positions are offsets."""

from contract.mirror import Direction
from controlplane.coordinator.diverging import divergence_checks
from controlplane.domain.mirror.divergence import Divergence, compare_partition
from controlplane.domain.numbering.runs import Placed

FAILBACK = Direction(source="failover", target="main")


def log(letters: str, first: int = 0) -> list[Placed]:
    return [Placed(first + n, letter.encode()) for n, letter in enumerate(letters)]


def compared(serving: str, other: str, *, complete: bool = True) -> Divergence:
    return compare_partition("t-0", log(serving), log(other), complete=complete)


def test_the_same_is_the_same() -> None:
    found = compared("abc", "abc")
    assert (found.on_serving.count, found.on_other.count, found.common_end) == (0, 0, 3)


def test_a_tail_that_was_lost_and_what_was_written_instead() -> None:
    found = compared("abXY", "abc")
    assert found.on_other.ranges == ((2, 2),)
    assert found.on_serving.ranges == ((2, 3),)
    assert found.common_end == 2
    assert found.within == 0


def test_what_stands_before_common_records_is_not_on_its_way() -> None:
    found = compared("aXbYY", "ab")
    assert (found.on_serving.count, found.within, found.common_end) == (3, 1, 3)


def test_a_record_that_is_there_twice_is_there_once_too_often() -> None:
    found = compared("ab", "abb")
    assert found.on_other.ranges == ((2, 2),)


def test_the_order_does_not_matter() -> None:
    assert compared("ba", "ab").on_other.count == 0


def test_what_was_deleted_on_one_side_by_age_does_not_count() -> None:
    found = compare_partition("t-0", log("cd", 2), log("abcd"), complete=False)
    assert (found.on_serving.count, found.on_other.count) == (0, 0)
    assert compare_partition("t-0", log("cd", 2), log("abcd"), complete=True).on_other.count == 2


def test_nothing_in_common() -> None:
    found = compared("XY", "")
    assert (found.on_serving.count, found.within, found.common_end) == (2, 0, None)


class TestChecks:
    def checks(self, *found: Divergence, accepted: bool = False):
        return divergence_checks(list(found), FAILBACK, accepted=accepted)

    def test_records_that_clients_never_saw_keep_a_switch_back_from_happening(self) -> None:
        (check,) = self.checks(compared("abXY", "abc"))
        assert not check.passed
        assert "main holds 1 records that failover never had (t-0)" in check.detail
        assert "--accept-loss" in check.detail

    def test_unless_that_is_accepted(self) -> None:
        (check,) = self.checks(compared("abXY", "abc"), accepted=True)
        assert check.passed

    def test_records_on_their_way_do_not(self) -> None:
        (check,) = self.checks(compared("abXY", "ab"))
        assert check.passed

    def test_records_that_were_passed_over_do(self) -> None:
        (check,) = self.checks(compared("aXb", "ab"))
        assert not check.passed
        assert "lacks 1 records" in check.detail
