"""How a partition of a target stands to its original."""

import pytest

from controlplane.domain.fingerprints import fingerprint
from controlplane.domain.numbering.runs import Placed
from controlplane.domain.replica import Anchor
from controlplane.probes.rows import Rows
from controlplane.probes.standing import Standing, is_behind, is_far_behind, standing_of_rows
from controlplane.probes.taking import LastOf, LastRecord, Tail

TOM = LastRecord(1000, None, b"tom", ())
LAURA = LastRecord(1000, None, b"laura", ())


@pytest.mark.parametrize(
    ("ours", "theirs", "behind"),
    [
        (None, None, False),
        (None, Tail(TOM, 1), False),
        (Tail(TOM, 1), None, True),
        (Tail(TOM, 1), Tail(TOM, 1), False),
        (Tail(TOM, 1), Tail(LAURA, 1), True),
        (Tail(TOM, 3), Tail(TOM, 2), True),
        (Tail(TOM, 2), Tail(TOM, 3), False),
    ],
)
def test_behind(ours, theirs, behind):
    assert is_behind(ours, theirs) == behind


def test_far_behind_is_a_matter_of_time():
    late = LastRecord(20_000, None, b"late", ())
    assert is_far_behind(Tail(late, 1), Tail(TOM, 1))
    assert not is_far_behind(Tail(LAURA, 1), Tail(TOM, 1))
    assert is_far_behind(Tail(TOM, 1), None)


def rows(theirs: int, *timestamps: int) -> Rows:
    """Of two that go on alike, the target with so many of the source's records."""
    placed = [Placed(n, fingerprint(at, b"%d" % n)) for n, at in enumerate(timestamps)]
    return Rows(
        LastOf(placed, is_all=False),
        LastOf(placed[:theirs], is_all=False),
        followed=Anchor(theirs - 1, theirs - 1),
    )


@pytest.mark.parametrize(
    ("read", "standing"),
    [
        (rows(2, 0, 1000), Standing(is_behind=False, is_far_behind=False)),
        (rows(1, 0, 60_000), Standing(is_behind=True, is_far_behind=False)),
        (rows(1, 0, 60_000, 71_000), Standing(is_behind=True, is_far_behind=True)),
        (rows(1, 0, -1, -1), Standing(is_behind=True, is_far_behind=False)),
    ],
)
def test_what_is_still_to_come_tells_how_far_behind_a_target_is(read, standing):
    assert standing_of_rows(read) == standing


def test_what_was_written_again_is_not_taken_for_its_first_copy():
    record, other = Placed(0, b"a"), Placed(1, b"b")
    again = LastOf([record, other, Placed(2, b"a")], is_all=False)
    one = Rows(again, LastOf([record], is_all=False), followed=Anchor(0, 0))
    assert one.is_behind
