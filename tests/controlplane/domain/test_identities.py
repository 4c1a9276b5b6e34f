"""Who transactional producers are, over switches."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.producer_ids import producer_id_offset
from contract.records import FirstSequence, Identities, Identity
from controlplane.domain.identities import Era, Producer, after_aborts, after_switch
from controlplane.domain.producers import SeenProducers

FIRST = Era("main", 0, 0)
SECOND = Era("main", 1, 1)
THIRD = Era("main", 2, 0)
BORN = producer_id_offset(0, 0)


def part(era: Era, *identities: Identity, number: int = 0) -> Identities:
    return Identities(scope=era.scope, epoch=era.epoch, part=number, identities=identities)


def test_a_producer_is_held_by_what_its_cluster_gave_out_in_that_epoch():
    (record,) = after_switch([Producer("tx", 7, 3)], {"tx": Producer("tx", 40, 0)}, [], [], FIRST)
    assert record == part(SECOND, Identity("tx", BORN + 7, 3, 40, 0))


def test_it_stays_who_it_is_for_its_client_over_switches():
    known = part(SECOND, Identity("tx", BORN + 7, 3, 40, 0))
    there, given_ = [Producer("tx", 40, 0)], {"tx": Producer("tx", 7, 4)}
    (record,) = after_switch(there, given_, [], [known], SECOND)
    assert record == part(THIRD, Identity("tx", BORN + 7, 3, 7, 4))


def test_whoever_began_anew_has_what_it_was_given_then():
    known = part(SECOND, Identity("tx", BORN + 7, 3, 40, 0))
    there, given_ = [Producer("tx", 40, 1)], {"tx": Producer("tx", 7, 4)}
    (record,) = after_switch(there, given_, [], [known], SECOND)
    held = producer_id_offset(1, 1) + 40
    assert record == part(THIRD, Identity("tx", held, 1, 7, 4))


def test_who_was_aborted_is_so_until_it_begins_anew():
    aborted = {"tx": (Producer("tx", 7, 3), Producer("tx", 7, 4))}
    now = part(FIRST, Identity("tx", BORN + 7, 3, 7, 4, is_aborted=True))
    assert after_aborts(aborted, [], FIRST) == (now,)
    assert after_aborts(aborted, [now], FIRST) == ()
    given_ = {"tx": Producer("tx", 40, 0)}
    (record,) = after_switch([Producer("tx", 7, 4)], given_, [], [now], FIRST)
    assert record == part(SECOND, Identity("tx", BORN + 7, 3, 40, 0, is_aborted=True))
    (record,) = after_switch([Producer("tx", 7, 5)], given_, [], [now], FIRST)
    assert record == part(SECOND, Identity("tx", BORN + 7, 5, 40, 0))


def test_the_others_stay_who_they_are_when_one_is_aborted():
    others = part(SECOND, Identity("other", BORN + 1, 0, 41, 0), Identity("tx", BORN + 7, 3, 40, 0))
    aborted = {"tx": (Producer("tx", 40, 0), Producer("tx", 40, 1))}
    (record,) = after_aborts(aborted, [others], SECOND)
    assert record.identities == (
        Identity("other", BORN + 1, 0, 41, 0),
        Identity("tx", BORN + 7, 3, 40, 1, is_aborted=True),
    )


def test_whom_the_new_cluster_refuses_is_not_known_there():
    assert after_switch([Producer("tx", 7, 3)], {}, [], [], FIRST) == ()


def test_records_of_the_epoch_that_ends_stay_and_all_others_go():
    one = Identity("tx", BORN + 7, 3, 40, 0)
    known = [
        part(FIRST, one),
        part(SECOND, one),
        part(THIRD, one),
        part(THIRD, one, number=1),
        replace(part(THIRD, one), scope="other"),
    ]
    found = after_switch([Producer("tx", 40, 0)], {"tx": Producer("tx", 7, 4)}, [], known, SECOND)
    told = {(record.scope, record.epoch, record.part): record.identities for record in found}
    assert told == {
        ("main", 0, 0): (),
        ("main", 2, 0): (replace(one, real_id=7, real_epoch=4),),
        ("main", 2, 1): (),
    }


def written(producer: Producer, topic: str, last_sequence: int) -> SeenProducers:
    return SeenProducers(topic, 0, producer.producer_id, producer.epoch, last_sequence, 0)


def test_sequence_numbers_begin_anew_on_every_cluster():
    main, failover, again = Producer("tx", 7, 3), Producer("tx", 40, 0), Producer("tx", 7, 4)
    seen = [written(main, "a", 9), written(main, "b", -1), written(failover, "a", 99)]
    known = after_switch([main], {"tx": failover}, seen, [], FIRST)
    (identity,) = known[0].identities
    assert identity.firsts == (FirstSequence("a", 0, 10), FirstSequence("b", 0, 0))
    seen = [written(failover, "a", 4), written(failover, "c", 2**31 - 1), written(main, "a", 9)]
    (record,) = after_switch([failover], {"tx": again}, seen, known, SECOND)
    assert record.identities[0].firsts == (
        FirstSequence("a", 0, 15),
        FirstSequence("b", 0, 0),
        FirstSequence("c", 0, 0),
    )


@settings(max_examples=20)
@given(st.integers(0, 6000), st.integers(0, 3))
def test_no_record_grows_beyond_a_message(number: int, topics: int):
    there = [Producer(f"tx-{n}", n, 0) for n in range(number)]
    seen = [written(p, f"t{t}", 5) for p in there for t in range(topics)]
    given_ = {p.transactional_id: p for p in there}
    records = after_switch(there, given_, seen, [], FIRST)
    assert [record.part for record in records] == list(range(len(records)))
    assert sum(len(record.identities) for record in records) == number
    for record in records:
        assert sum(1 + len(i.firsts) for i in record.identities) <= 5000
