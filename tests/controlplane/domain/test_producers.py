"""What is recorded of producers at a switch, and for how long."""

from contract.producer_ids import FIRST_UNIQUE, NUMBER_BITS
from contract.records import Producers, Writer
from controlplane.domain.producers import GIVEN_UP_AFTER_MS, SeenProducers, recorded
from controlplane.domain.switch import events
from tests.controlplane.domain.switch.ways import REQUESTED, to_the_commit
from tests.controlplane.histories import OPEN, facts_of

NOW = 10_000_000
ID = FIRST_UNIQUE + 5


def seen(
    producer_id: int = ID, last: int = 7, *, at: int = NOW, partition: int = 0
) -> SeenProducers:
    return SeenProducers("orders", partition, producer_id, 1, last, at)


def writers(*described: SeenProducers, known: tuple[Producers, ...] = ()) -> tuple[Writer, ...]:
    (found,) = recorded(described, known, "main", NOW)
    return found.writers


def test_only_producers_of_ours_that_wrote():
    assert writers(seen(), seen(17), seen(ID + 1, last=-1)) == (Writer(0, ID, 1, 7, NOW),)


def test_of_two_generations_the_newer_one():
    later = ID + (2 << NUMBER_BITS)
    assert writers(seen(later, 9), seen(ID, 7)) == (Writer(0, ID, 1, 9, NOW),)


def test_what_was_recorded_before_is_kept_until_its_producer_writes_or_gives_up():
    def before(age: int) -> tuple[Producers, ...]:
        old = (Writer(0, ID, 1, 3, NOW - age), Writer(1, ID, 1, 4, NOW - age))
        return (Producers(scope="main", physical="orders", recorded_at=NOW - age, writers=old),)

    assert writers(seen(), known=before(5)) == (
        Writer(0, ID, 1, 7, NOW),
        Writer(1, ID, 1, 4, NOW - 5),
    )
    assert writers(seen(), known=before(GIVEN_UP_AFTER_MS + 1)) == (Writer(0, ID, 1, 7, NOW),)
    assert writers(known=before(GIVEN_UP_AFTER_MS + 1)) == ()


def test_timestamps_are_the_applications_so_some_old_ones_are_kept_too():
    old = [seen(ID + n, at=n) for n in range(300)]
    recent = [seen(ID + 1000 + n) for n in range(2500)]
    assert len(writers(*old)) == 100
    assert {w.written_at for w in writers(*old, *recent)} == {NOW}
    assert len(writers(*old, *recent)) == 2000


def test_a_record_goes_when_nothing_is_left_to_say():
    facts = facts_of(OPEN, REQUESTED, *to_the_commit("s"), noted(Writer(0, ID, 1, 7, NOW)))
    assert [p.physical for p in facts.control.of(Producers)] == ["orders"]
    facts = facts_of(
        OPEN,
        REQUESTED,
        *to_the_commit("s"),
        noted(Writer(0, ID, 1, 7, NOW)),
        noted(),
    )
    assert list(facts.control.of(Producers)) == []


def noted(*writers: Writer) -> events.ProducersRecorded:
    return events.ProducersRecorded(
        switch_id="s", scope="main", physical="orders", recorded_at=NOW, writers=writers
    )
