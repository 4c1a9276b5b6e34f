"""Which topic is which after a switch: clients go on knowing it by the id that it was born with."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contract.records import TopicIds
from contract.topic_ids import packed, unpacked
from controlplane.domain.topic_ids import MOST_TOPICS, ids_after

IDS = st.integers(1, 2**64).map(lambda n: UUID(int=n))


def id_(number: int) -> UUID:
    return UUID(int=number)


def pairs_of(record: TopicIds | None) -> dict[UUID, UUID]:
    """Born id by the one on the cluster."""
    if record is None:
        return {}
    return {UUID(bytes=here): UUID(bytes=born) for born, here in unpacked(record.pairs)}


def shown(topics: dict[str, UUID], record: TopicIds | None) -> dict[str, UUID]:
    """What clients know topics of a cluster by."""
    born = pairs_of(record)
    return {name: born.get(here, here) for name, here in topics.items()}


def test_a_topic_that_moves_keeps_its_id_and_has_its_own_again_at_home():
    there, here = {"t": id_(1)}, {"t": id_(2)}
    moved = ids_after("main", 1, there, here, None)
    assert moved == TopicIds(scope="main", epoch=1, pairs=packed([(id_(1).bytes, id_(2).bytes)]))
    assert ids_after("main", 2, here, there, moved) is None


def test_a_topic_that_was_made_on_the_other_cluster_was_born_there():
    born_there = {"t": id_(2)}
    assert pairs_of(ids_after("main", 2, born_there, {"t": id_(3)}, None)) == {id_(3): id_(2)}


def test_a_topic_that_was_made_anew_is_another_one():
    moved = ids_after("main", 1, {"t": id_(1)}, {"t": id_(2)}, None)
    # Deleted and made again on the cluster that serves, so it has another id there.
    after = ids_after("main", 2, {"t": id_(7)}, {"t": id_(8)}, moved)
    assert pairs_of(after) == {id_(8): id_(7)}


def test_a_topic_that_is_not_on_both_sides_is_not_the_same_one():
    assert ids_after("main", 1, {"t": id_(1)}, {}, None) is None
    assert ids_after("main", 1, {}, {"t": id_(2)}, None) is None


def test_there_is_an_end_to_what_one_record_holds():
    source = {f"t{n}": id_(n + 1) for n in range(MOST_TOPICS + 5)}
    target = {name: id_(number.int + 1_000_000) for name, number in source.items()}
    record = ids_after("main", 1, source, target, None)
    assert record is not None
    assert len(record.pairs) == 32 * MOST_TOPICS


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), IDS, max_size=4), min_size=2, max_size=6))
def test_what_is_on_both_clusters_is_known_by_the_same_id_before_and_after(clusters):
    # No two topics of any cluster share an id: Kafka makes them at random.
    numbers = iter(range(1, 1000))
    clusters = [{name: id_(next(numbers)) for name in topics} for topics in clusters]
    record = None
    for epoch, (source, target) in enumerate(pairwise(clusters)):
        before = shown(source, record)
        record = ids_after("main", epoch + 1, source, target, record)
        after = shown(target, record)
        for name in source.keys() & target.keys():
            assert after[name] == before[name]
        assert len(set(after.values())) == len(after)
