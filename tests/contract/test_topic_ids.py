"""Ids in pairs: what is packed is unpacked again."""

from hypothesis import given
from hypothesis import strategies as st

from contract.records import TopicIds, key_of
from contract.topic_ids import ID_SIZE, packed, unpacked

IDS = st.binary(min_size=ID_SIZE, max_size=ID_SIZE)


@given(st.lists(st.tuples(IDS, IDS)))
def test_pairs_come_back_as_they_were(pairs):
    assert list(unpacked(packed(pairs))) == pairs


def test_what_holds_now_stays_beside_what_is_to_hold_next():
    now, coming = (key_of(TopicIds(scope="main", epoch=epoch, pairs=b"")) for epoch in (4, 5))
    assert now != coming
    assert key_of(TopicIds(scope="main", epoch=6, pairs=b"")) == now
