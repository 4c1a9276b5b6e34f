import pytest

from dataplane.virtual.view import Listener, View


def view(*, slots=3, brokers=(103, 101, 102), index=0):
    return View(
        vcluster="teamA",
        cluster_id="shown",
        listeners=tuple(Listener("gate", 6969 + slot) for slot in range(slots)),
        brokers=brokers,
        cluster_index=index,
    )


def ids(*values):
    return b"".join(value.to_bytes(4, signed=True) for value in values)


def test_slots_are_brokers_in_ascending_order():
    assert [view().broker_of(slot) for slot in range(3)] == [101, 102, 103]
    assert [view().slot_of(broker) for broker in (101, 102, 103)] == [0, 1, 2]


def test_more_slots_than_brokers_share_them():
    small = view(slots=3, brokers=(7,))
    assert [small.broker_of(slot) for slot in range(3)] == [7, 7, 7]
    assert small.slot_of(7) == 0


def test_more_brokers_than_slots_are_all_reachable():
    wide = view(slots=2, brokers=(1, 2, 3, 4))
    assert [wide.slot_of(broker) for broker in (1, 2, 3, 4)] == [0, 1, 0, 1]


def test_runs_of_ids_are_translated_at_once():
    assert view().slots(ids(102, 103, -1, 101)) == ids(1, 2, -1, 0)
    assert view().broker_ids(ids(2, 0)) == ids(103, 101)


def test_unknown_ids_become_none():
    assert view().slots(ids(55)) == ids(-1)
    assert view().broker_ids(ids(3, -2)) == ids(-1, -1)


def test_an_endpoint_is_the_listener_of_the_slot():
    assert view().endpoint(ids(2)) == (b"gate", ids(6971))
    assert view().endpoint(ids(-1)) == (b"", ids(-1))


def test_producer_ids_of_two_clusters_cannot_meet():
    assert view(index=0).producer_id_offset == 2**56
    assert view(index=1).producer_id_offset == 2**57


def test_lengths_are_ready_made():
    made = view()
    assert made.grown_compact[4] == b"\x09teamA"  # 3 bytes and 5, plus 1
    assert made.grown_classic[3] == b"\x00\x08teamA"
    assert made.count_compact(300) == b"\xad\x02"
    assert made.count_classic(3) == b"\x00\x03"


@pytest.mark.parametrize("lacking", [{"slots": 0}, {"brokers": ()}])
def test_a_view_of_nothing_cannot_be_made(lacking):
    with pytest.raises(ValueError, match="at least one"):
        view(**lacking)
