"""What a target has too much, and what is said of what was done about it."""

from contract.mirror import Direction
from controlplane.domain.parity.configs import Change, Difference
from controlplane.domain.parity.groups import forgotten
from controlplane.domain.parity.keys import Keys
from controlplane.domain.parity.made import Parity, Trimmed
from controlplane.domain.parity.topics import surplus, unexplained
from controlplane.domain.positions import Committed
from controlplane.domain.switch.parity import parity_checks, told

BETWEEN = Direction(source="main", target="failover")
LEFT = Difference(name="orders:min.insync.replicas", detail="it differs")


class Record:
    def __init__(self, key: bytes | None, value: bytes | None) -> None:
        self.key, self.value = key, value


def keys(*records: tuple[bytes | None, bytes | None]) -> Keys:
    found = Keys()
    for record in records:
        found.take(Record(*record))
    return found


class TestTopics:
    def test_what_the_log_knows_to_be_deleted_is_told_apart(self) -> None:
        found = surplus({"a", "b", "c"}, {"a"}, deleted={"b", "a"})
        assert (found.deleted, found.unexplained) == (("b",), ("c",))

    def test_nothing_is_too_much_that_the_source_has(self) -> None:
        assert surplus({"a"}, {"a", "b"}, deleted={"a"}).deleted == ()

    def test_what_nobody_deleted_is_named(self) -> None:
        (left,) = unexplained(BETWEEN, ["c"])
        assert left.name == "c"
        assert not left.harmless
        assert "nobody deleted it through the gateway" in left.detail


class TestGroups:
    def test_positions_and_groups_that_the_source_lacks_are_forgotten(self) -> None:
        found = forgotten(
            [Committed("g", "t", 0, 5)],
            [Committed("g", "t", 0, 5), Committed("g", "t", 1, 3), Committed("old", "t", 0, 1)],
            groups=["g"],
            their_groups=["g", "old"],
            topics=["t"],
        )
        assert found.groups == ("old",)
        assert found.places == (("g", "t", 1),)

    def test_positions_in_topics_of_others_stay(self) -> None:
        there = [Committed("g", "elsewhere", 0, 1)]
        assert forgotten([], there, ["g"], ["g"], topics=["t"]).places == ()


class TestKeys:
    def test_what_was_cleaned_away_is_found(self) -> None:
        theirs = keys((b"tom", b"1"), (b"eve", b"2"), (b"sam", b"3"))
        ours = keys((b"eve", b"2"), (b"sam", None))
        assert list(theirs.cleaned_away(ours)) == [b"tom"], "that sam is gone the mirror brings"

    def test_what_is_deleted_already_needs_no_second_word(self) -> None:
        assert list(keys((b"tom", b"1"), (b"tom", None)).cleaned_away(keys())) == []

    def test_a_key_that_came_back_is_there(self) -> None:
        theirs = keys((b"tom", b"1"), (b"tom", None), (b"tom", b"2"))
        assert list(theirs.cleaned_away(keys())) == [b"tom"]


class TestParity:
    def test_only_harm_that_nobody_waived_is_refused(self) -> None:
        harmless = Difference(name="orders:segment.ms", detail="it differs", harmless=True)
        parity = Parity(left=(LEFT, harmless))
        assert parity.refused(()) == (LEFT,)
        assert parity.refused([LEFT.name]) == ()

    def test_what_was_done_adds_up_and_what_is_left_does_not(self) -> None:
        first = Parity(topics=1, topics_deleted=("a",), positions_deleted=1, left=(LEFT,))
        later = Parity(topics=2, topics_deleted=("b",), positions_deleted=2)
        both = first + later
        assert (both.topics, both.topics_deleted, both.positions_deleted) == (2, ("a", "b"), 3)
        assert both.left == ()

    def test_it_is_told_by_name(self) -> None:
        parity = Parity(
            topics=3,
            carried=(Change("orders", "retention.ms", "-1"),),
            trimmed=(Trimmed(partition="orders-0", before=100),),
            groups_deleted=("g1", "g2", "g3", "g4"),
            positions_deleted=2,
        )
        assert told(parity) == (
            "3 topics compared; 1 configs carried over (orders:retention.ms);"
            " 1 partitions without their first records (orders-0);"
            " 4 groups deleted (g1, g2, g3 and 1 more); 2 positions of groups deleted"
        )

    def test_a_plan_says_how_to_go_on_all_the_same(self) -> None:
        first, left = parity_checks(BETWEEN, Parity(left=(LEFT,)), ())
        assert first.passed
        assert not left.passed
        assert left.detail.endswith("(--waive orders:min.insync.replicas)")
        _, waived = parity_checks(BETWEEN, Parity(left=(LEFT,)), [LEFT.name])
        assert waived.passed
