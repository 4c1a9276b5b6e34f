"""Where the new direction begins: each record is copied once, whoever wrote it."""

from controlplane.domain.mirror.events import Position
from controlplane.domain.mirror.positions import grown_too_much, positions_at


def at(topic: str, offset: int | None, partition: int = 0) -> Position:
    return Position(topic=topic, partition=partition, offset=offset)


def seeded(cut, source_ends, governed=("t",), on_target=("t",)):
    return positions_at(cut, source_ends, governed, on_target)


def test_copying_begins_at_the_cut_whatever_was_written_since() -> None:
    assert seeded((("t-0", 5), ("t-1", 7)), (("t-0", 9), ("t-1", 7))) == (
        at("t", 4),
        at("t", 6, 1),
    )


def test_a_partition_that_was_empty_at_the_cut_begins_at_its_start() -> None:
    assert seeded((("t-0", 0),), (("t-0", 9),)) == (at("t", None),)


def test_a_topic_that_was_created_after_the_commit_is_copied_from_its_start() -> None:
    assert seeded((), (("t-0", 9),)) == (at("t", None),)


def test_a_topic_that_was_deleted_and_made_anew_is_copied_from_its_start() -> None:
    assert seeded((("t-0", 50),), (("t-0", 3),)) == (at("t", None),)


def test_a_topic_that_nobody_governs_begins_where_it_is() -> None:
    assert seeded((), (("u-0", 9),), on_target=("u",)) == (at("u", 8),)
    assert seeded((), (("u-0", 9),), on_target=()) == (at("u", None),)


def test_topics_that_are_never_mirrored_have_no_position() -> None:
    internal = ("__consumer_offsets", "mm2-offsets.main.internal", "heartbeats", "main.heartbeats")
    ends = tuple((f"{topic}-0", 3) for topic in internal)
    assert seeded((), ends) == ()


class TestGrowth:
    POSITIONS = (at("t", 4),)

    def grown(self, target_now: int, source_now: int) -> tuple[str, ...]:
        return grown_too_much(
            self.POSITIONS, (("t-0", 20),), (("t-0", target_now),), (("t-0", source_now),)
        )

    def test_what_was_written_since_the_cut_may_arrive(self) -> None:
        assert self.grown(20, 5) == ()
        assert self.grown(23, 8) == ()
        assert self.grown(20, 8) == ()

    def test_more_than_that_was_copied_back(self) -> None:
        assert self.grown(21, 5) == ("t-0",)
        assert self.grown(24, 8) == ("t-0",)

    def test_a_topic_that_the_target_did_not_have_may_grow_to_the_whole(self) -> None:
        positions = (at("t", None),)
        assert grown_too_much(positions, (), (("t-0", 8),), (("t-0", 8),)) == ()
        assert grown_too_much(positions, (), (("t-0", 9),), (("t-0", 8),)) == ("t-0",)


def test_a_topic_that_is_filled_again_is_copied_whole():
    cut = (("t-0", 5), ("u-0", 5))
    ends = (("t-0", 9), ("u-0", 9))
    offsets = [p.offset for p in positions_at(cut, ends, {"t", "u"}, {"t", "u"}, {"t"})]
    assert offsets == [None, 4]
