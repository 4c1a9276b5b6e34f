"""Records that speak against what was applied are told from old and new ones."""

from hypothesis import given
from hypothesis import strategies as st

from contract.codec import LAYOUT
from contract.fold import ControlState
from contract.records import Beacon, Record, Routing, State, VirtualCluster, key_of
from dataplane.node.contradiction import of_answer, of_record


def record(seq: int, state: State) -> Record:
    return Record(log="log", seq=seq, key=key_of(state), state=state)


def tenant(name: str, scope: str = "main") -> VirtualCluster:
    return VirtualCluster(name=name, scope=scope, cluster_id="x")


def routing(cluster: str, epoch: int) -> Routing:
    return Routing(scope="main", cluster=cluster, epoch=epoch, state="serving", term=0)


def fold(*records: Record) -> ControlState:
    state = ControlState()
    for one in records:
        state.apply(one)
    return state


APPLIED = fold(
    record(4, tenant("a")),
    record(7, routing("failover", 1)),
    record(9, Beacon(seq=9, digest="d", layout="l")),
)


def test_what_is_new_may_be_applied():
    assert of_record(APPLIED, 9, record(10, tenant("b"))) is None
    assert of_record(APPLIED, 9, record(10, routing("main", 2))) is None
    assert of_record(ControlState(), 0, record(1, tenant("a"))) is None


def test_what_is_old_or_the_same_says_nothing_new():
    assert of_record(APPLIED, 9, record(4, tenant("a"))) is None
    assert of_record(APPLIED, 9, record(3, routing("main", 0))) is None


def test_another_state_under_the_same_number_is_refused():
    found = of_record(APPLIED, 9, record(4, tenant("a", "other")))
    assert found is not None
    assert "another under number 4" in found


def test_a_number_that_was_given_out_before_is_refused():
    found = of_record(APPLIED, 9, record(8, tenant("b")))
    assert found is not None
    assert "under number 8" in found


def test_a_beacon_may_come_after_what_it_stands_for():
    """Over HTTP records come at once; the topic's beacon says later that these were all."""
    applied = fold(record(4, tenant("a")))
    same = Beacon(seq=8, digest=applied.digest(), layout=LAYOUT)
    assert of_record(applied, 8, record(8, same)) is None
    assert of_record(applied, 20, record(8, same)) is None
    other = Beacon(seq=8, digest="d", layout=LAYOUT)
    found = of_record(applied, 8, record(8, other))
    assert found is not None
    assert "the state as of event 8" in found
    assert of_record(applied, 8, record(8, Beacon(seq=8, digest="d", layout="l"))) is None
    newer = fold(record(4, tenant("a")), record(12, tenant("b")))
    assert of_record(newer, 20, record(8, other)) is None, "nobody knows what it was then"


def test_who_signed_a_beacon_makes_no_difference():
    signed = Beacon(seq=9, digest="d", layout="l", hash="h", signature="s")
    assert of_record(APPLIED, 9, record(9, signed)) is None


def test_an_epoch_that_goes_back_is_refused():
    found = of_record(APPLIED, 9, record(30, routing("main", 0)))
    assert found is not None
    assert "back from epoch 1 to 0" in found


def test_another_cluster_in_the_same_epoch_is_refused():
    assert of_record(APPLIED, 9, record(30, routing("main", 1))) is not None


def test_digests_of_other_releases_are_not_compared():
    other = record(9, Beacon(seq=9, digest="e", layout="m"))
    assert of_record(APPLIED, 9, other) is None
    assert of_record(APPLIED, 9, record(9, Beacon(seq=9, digest="e", layout="l"))) is not None


def test_a_log_that_ends_before_what_was_applied_is_refused():
    assert of_answer("log", 29, "log", 10) is not None
    assert of_answer("log", 29, None, 10) is not None
    assert of_answer("log", 29, "other", 40) is not None
    assert of_answer("log", 29, "log", 29) is None
    assert of_answer(None, 0, "log", 0) is None


_names = st.sampled_from("abc")
_changes = st.lists(st.tuples(_names, st.sampled_from(["main", "other"])), min_size=1, max_size=12)


@given(_changes, st.data())
def test_no_record_of_the_same_log_is_refused_in_whatever_order_and_however_often(changes, data):
    """Both channels, answers that are late, and a topic that is read again from its beginning."""
    log = [record(seq, tenant(*change)) for seq, change in enumerate(changes, 1)]
    state, applied_seq = ControlState(), 0
    for _ in range(6):
        after = data.draw(st.integers(0, applied_seq))
        head = data.draw(st.integers(after, len(log)))
        newest = fold(*log[:head])
        for one in [r for r in newest.records() if r.seq > after]:
            assert of_record(state, applied_seq, one) is None
            state.apply(one)
        applied_seq = max(applied_seq, head)


@given(_changes, _changes, st.data())
def test_a_node_never_mixes_two_logs_that_part(common, lost, data):
    """It has applied all of one; of the other, which parts from it, nothing below that gets in."""
    other = data.draw(_changes)
    start = len(common) + 1
    truth = [record(seq, tenant(*change)) for seq, change in enumerate([*common, *lost], 1)]
    state = fold(*truth)
    before = state.digest()
    for seq, change in enumerate(other[: len(lost)], start):
        said = record(seq, tenant(*change))
        if of_record(state, len(truth), said) is None:
            state.apply(said)
    assert state.digest() == before
