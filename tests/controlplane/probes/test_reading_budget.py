"""One partition that is huge takes its own share, and nobody else's."""

import pytest
from aiokafka import TopicPartition

from controlplane.probes.reading_budget import OutOfShareError, ReadingBudget

HUGE, OTHER, SMALL = (TopicPartition(name, 0) for name in ("huge", "other", "small"))


def budget() -> ReadingBudget:
    return ReadingBudget(each=100, free=10, pot=150)


def test_a_partition_has_its_share_and_no_more():
    reading = budget()
    assert reading.left(HUGE) == 100
    reading.use(HUGE, 60)
    assert reading.left(HUGE) == 40
    reading.use(HUGE, 50)
    with pytest.raises(OutOfShareError):
        reading.left(HUGE)


def test_what_is_huge_leaves_to_the_small_what_they_need():
    reading = budget()
    reading.use(HUGE, 100)
    assert reading.left(OTHER) == 10 + 60
    reading.use(OTHER, 70)
    with pytest.raises(OutOfShareError):
        reading.left(OTHER)
    assert reading.left(SMALL) == 10
    reading.use(SMALL, 9)
    assert reading.left(SMALL) == 1


def test_what_is_small_takes_nothing_from_the_pot():
    reading = ReadingBudget(each=100, free=10, pot=90)
    for number in range(1000):
        reading.use(TopicPartition("small", number), 10)
    assert reading.left(HUGE) == 100


def test_it_says_how_much_was_read():
    reading = ReadingBudget()
    reading.use(HUGE, 40 << 20)
    with pytest.raises(OutOfShareError, match="ended after 40 MiB"):
        reading.left(HUGE)
