"""Folding control records (invariant I12)."""

from hypothesis import given
from hypothesis import strategies as st

from contract.codec import decode, encode
from contract.fold import ControlState
from contract.records import Face, Record, Routing, TopicMapping, VirtualCluster, key_of


def _routing(seq: int, cluster: str) -> Record:
    state = Routing(scope="main", cluster=cluster, epoch=seq, state="serving", term=0)
    return Record(log="log", seq=seq, key=key_of(state), state=state)


def _vcluster(seq: int, name: str, *, gone: bool = False) -> Record:
    state = VirtualCluster(name=name, scope="main", cluster_id="x")
    return Record(log="log", seq=seq, key=key_of(state), state=None if gone else state)


HISTORY = [
    _routing(1, "main"),
    _vcluster(2, "teamA"),
    _vcluster(3, "teamB"),
    _routing(4, "failover"),
    _vcluster(5, "teamB", gone=True),
]


def _fold(records: list[Record]) -> ControlState:
    state = ControlState()
    for record in records:
        state.apply(record)
    return state


@given(st.permutations(HISTORY * 2))
def test_order_and_repetition_do_not_matter(records: list[Record]) -> None:
    assert _fold(records).digest() == _fold(HISTORY).digest()
    assert _fold(records).seq == 5


def test_an_older_record_does_not_win() -> None:
    state = _fold(HISTORY)
    assert not state.apply(_routing(1, "main"))
    routing = state.get("routing/main")
    assert isinstance(routing, Routing)
    assert routing.cluster == "failover"


def test_a_tombstone_keeps_a_late_record_out() -> None:
    state = _fold([_vcluster(5, "teamB", gone=True), _vcluster(3, "teamB")])
    assert state.get("vcluster/teamB") is None


def test_another_log_starts_the_fold_over() -> None:
    state = _fold(HISTORY)
    state.apply(Record(log="other", seq=1, key="vcluster/x", state=None))
    assert state.records()[0].log == "other"
    assert len(state.records()) == 1


def test_the_fence_is_the_newest_routing_record() -> None:
    assert _fold(HISTORY).fence_seq() == 4


def test_records_survive_their_encoding() -> None:
    for record in HISTORY:
        assert decode(encode(record)) == record


def test_the_order_inside_a_state_does_not_matter() -> None:
    there = Face(slots=3, api_versions={0: (0, 12), 1: (4, 12)})
    back = Face(slots=3, api_versions={1: (4, 12), 0: (0, 12)})
    records = [Record(log="log", seq=1, key="face", state=state) for state in (there, back)]
    assert _fold(records[:1]).digest() == _fold(records[1:]).digest()
    assert encode(records[0]) == encode(records[1])
    assert decode(encode(records[0])) == records[0]


def _digest_of(records: list[Record]) -> str:
    """As it is worked out from nothing."""
    return _fold(records).digest()


@given(st.lists(st.sampled_from(HISTORY), max_size=12))
def test_what_is_kept_up_is_what_would_be_found_from_nothing(records: list[Record]) -> None:
    state = ControlState()
    for number, record in enumerate(records, 1):
        state.apply(record)
        seen = records[:number]
        assert state.digest() == _digest_of(seen)
        present = {r.key: r for r in sorted(seen, key=lambda r: r.seq)}
        assert [t.name for t in state.of(VirtualCluster)] == sorted(
            r.state.name for r in present.values() if isinstance(r.state, VirtualCluster)
        )
        for seq in range(6):
            newer = sorted((r for r in present.values() if r.seq > seq), key=lambda r: r.seq)
            assert state.records_after(seq) == newer
        assert state.fence_seq() == max(
            (r.seq for r in present.values() if isinstance(r.state, Routing)), default=0
        )


def test_a_digest_tells_states_apart_that_differ_in_a_number_alone() -> None:
    digests = {_digest_of([_vcluster(seq, "teamA")]) for seq in range(1, 9)}
    assert len(digests) == 8
    assert _digest_of([]) == _digest_of([_vcluster(3, "teamA", gone=True)])


def _topic(seq: int, vcluster: str, logical: str, *, gone: bool = False) -> Record:
    state = TopicMapping(
        vcluster=vcluster,
        logical=logical,
        physical=vcluster + logical,
        partitions=1,
        replication_factor=1,
        configs={},
        created_at=0,
    )
    return Record(log="log", seq=seq, key=key_of(state), state=None if gone else state)


OWNERS = ["teamA", "teamA-b", "teamB"]
CHANGES = st.tuples(st.sampled_from(OWNERS), st.sampled_from(["x", "y/z", "a"]), st.booleans())


@given(st.lists(CHANGES))
def test_what_belongs_to_one_is_what_there_is_of_it(changes: list[tuple[str, str, bool]]) -> None:
    state = ControlState()
    for seq, (vcluster, logical, gone) in enumerate(changes, 1):
        state.apply(_topic(seq, vcluster, logical, gone=gone))
        present = list(state.of(TopicMapping))
        assert [key_of(topic) for topic in present] == sorted(
            record.key for record in state.records() if record.state is not None
        )
        for owner in OWNERS:
            owned = [topic for topic in present if topic.vcluster == owner]
            assert list(state.of_owner(TopicMapping, owner)) == owned
            assert state.count(TopicMapping, owner) == len(owned)
