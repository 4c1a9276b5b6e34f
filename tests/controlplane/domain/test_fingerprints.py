"""Records are known by timestamp and content, and by content alone where there is no timestamp."""

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.completeness import hole
from controlplane.domain.fingerprints import comparable, fingerprint, is_timeless
from controlplane.domain.mirror.divergence import compare_partition
from controlplane.domain.numbering.runs import Placed, comparable_rows, runs_of
from controlplane.domain.positions import Alignment, Imprint, found_by_time
from controlplane.domain.replica import Anchor, align

records = st.tuples(st.sampled_from([-(2**63), -5, -1, 0, 7, 2**63 - 1]), st.binary(max_size=2))
logs = st.lists(records, min_size=1, max_size=30)


def placed(log: list[tuple[int, bytes]]) -> list[Placed]:
    return [Placed(at, fingerprint(*record)) for at, record in enumerate(log)]


def copied(log: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """As a mirror does: it gives the present time to what has none."""
    return [(1000 + at if at_ < 0 else at_, content) for at, (at_, content) in enumerate(log)]


@given(logs, st.booleans())
def test_a_copy_is_as_good_as_its_original_in_both_directions(log, back):
    sides = (log, copied(log)) if not back else (copied(log), log)
    ours, theirs = comparable_rows(*map(placed, sides))
    assert [p.digest for p in ours] == [p.digest for p in theirs]
    assert hole("t-0", ours, theirs, whole=True) is None
    assert runs_of(ours, theirs, from_the_beginning=True)[0].count == len(log)
    assert align(ours, theirs) in {None, Anchor(len(log) - 1, len(log) - 1)}
    found = compare_partition("t-0", *map(placed, sides), complete=True)
    assert (found.on_serving.count, found.on_other.count) == (0, 0)
    mine, other = ([Imprint(p.offset, 0, p.digest) for p in placed(side)] for side in sides)
    alignment = Alignment(mine, other, len(log))
    assert [alignment.position(at).offset for at in range(len(log))] == list(range(len(log)))
    assert found_by_time(mine[-1], mine[:-1], other) == len(log) - 1


@given(logs, st.data())
def test_what_is_missing_is_missing_without_a_timestamp_too(log, data):
    gone = data.draw(st.integers(0, len(log) - 1))
    content = log[gone][1]
    there = [record for at, record in enumerate(copied(log)) if at != gone]
    found = compare_partition("t-0", placed(log), placed(there), complete=True)
    assert found.on_serving.count == 1
    last = max(at for at, record in enumerate(log) if record[1] == content)
    assert gone <= found.on_serving.ranges[0][0] <= last


@given(st.lists(records.filter(lambda record: record[0] >= 0)))
def test_all_others_are_told_apart_by_their_timestamps(log):
    prints = [fingerprint(*record) for record in log]
    assert comparable(prints, prints) == (prints, prints)
    assert len(set(prints)) == len(set(log))
    assert not any(map(is_timeless, prints))


def test_a_timestamp_counts_again_for_what_has_another_content():
    ours = [fingerprint(-1, b"a"), fingerprint(5, b"b")]
    theirs = [fingerprint(9, b"a"), fingerprint(6, b"b")]
    mine, other = comparable(ours, theirs)
    assert (mine[0] == other[0], mine[1] == other[1]) == (True, False)
