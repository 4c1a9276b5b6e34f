"""Positions that Kafka does not know of, over switches between logs with different offsets."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from sandbox.process import wait_until
from tests.system.mirror import Mirror
from tests.system.operator import PATIENCE, Operator, end_of

pytestmark = [pytest.mark.environment, pytest.mark.timeout(240)]

TOPIC = "orders"
HERE = TopicPartition(TOPIC, 0)


class Writer:
    """Writes in transactions, every third of which is taken back."""

    def __init__(self, operator: Operator, vcluster: str) -> None:
        self._client = operator.client(vcluster)
        self.written: list[bytes] = []

    def write(self, transactions: int) -> None:
        producer = Producer({**self._client, "transactional.id": "writer"})
        producer.init_transactions(PATIENCE)
        for number in range(transactions):
            producer.begin_transaction()
            values = [b"%d" % (len(self.written) + n) for n in range(3)]
            for value in values:
                producer.produce(TOPIC, value, partition=0)
            producer.flush(PATIENCE)
            if number % 3 == 1:
                producer.abort_transaction(PATIENCE)
            else:
                producer.commit_transaction(PATIENCE)
                self.written += values


class Switches:
    """Switches there and back, with a mirror that copies what was not there before."""

    def __init__(self, operator: Operator, physical: str) -> None:
        self._operator = operator
        self._physical = physical
        self._start = 0

    def switch(self) -> list[dict[str, Any]]:
        """What the log says about offsets."""
        operator = self._operator
        seq = operator.events()[-1]["seq"]
        source = operator.cluster(operator.routing()["cluster"])
        to = operator.other_cluster()
        target = operator.cluster(to)
        with Mirror(source, target, self._physical, self._start):
            answer = operator.switch(to, wait="mirror")
            assert answer.json() == {"message": "Cluster switched"}, answer.text
        self._start = end_of(target, self._physical)
        return operator.events(after=seq, kind="switch.offsets_numbered")


@contextmanager
def consumer(operator: Operator, vcluster: str, **settings: Any) -> Iterator[Consumer]:
    """Out of range is an error for it, never a reason to begin elsewhere."""
    own = {
        "group.id": "own",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        **settings,
    }
    opened = Consumer(operator.client(vcluster, **own))
    try:
        yield opened
    finally:
        opened.close()


def read(reader: Consumer, count: int) -> list[tuple[int, bytes]]:
    """So many records, by what clients know them."""
    found: list[tuple[int, bytes]] = []
    give_up_at = time.monotonic() + PATIENCE
    while len(found) < count:
        assert time.monotonic() < give_up_at, f"only {len(found)} of {count} records came"
        for message in reader.consume(count - len(found), timeout=0.5):
            assert message.error() is None, message.error()
            offset, value = message.offset(), message.value()
            assert offset is not None
            assert value is not None
            found.append((offset, value))
    return found


class Kept:
    """Keeps its position in a file of its own, and opens a consumer only to read on."""

    def __init__(self, operator: Operator, vcluster: str) -> None:
        self._operator = operator
        self._vcluster = vcluster
        self.position = 0
        self.seen: list[bytes] = []

    def read(self, count: int) -> None:
        with consumer(self._operator, self._vcluster) as reader:
            reader.assign([TopicPartition(TOPIC, 0, self.position)])
            for offset, value in read(reader, count):
                self.seen.append(value)
                self.position = offset + 1


def test_nothing_is_read_twice_and_nothing_missed_from_any_position(
    operator: Operator, vcluster: str
):
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    writer = Writer(operator, vcluster)
    switches = Switches(operator, vcluster + TOPIC)
    kept, far_behind = Kept(operator, vcluster), Kept(operator, vcluster)
    with ExitStack() as reading:

        def opened(**settings: Any) -> Consumer:
            return reading.enter_context(consumer(operator, vcluster, **settings))

        assigned, lagging = (
            opened(),
            opened(
                **{
                    "group.id": "lagging",
                    "auto.offset.reset": "earliest",
                    "partition.assignment.strategy": "cooperative-sticky",
                }
            ),
        )
        assigned.assign([TopicPartition(TOPIC, 0, 0)])
        lagging.subscribe([TOPIC])
        writer.write(12)
        in_memory = [value for _, value in read(assigned, 24)]
        by_group = [value for _, value in read(lagging, 4)]
        lagging.commit(offsets=lagging.position([HERE]), asynchronous=False)
        kept.read(10)
        for more in (4, 7):
            numbered = switches.switch()
            assert [event["data"]["physical"] for event in numbered] == [vcluster + TOPIC]
            kept.read(5)
            by_group += [value for _, value in read(lagging, 4)]
            lagging.commit(offsets=lagging.position([HERE]), asynchronous=False)
            writer.write(more)
            in_memory += [
                value for _, value in read(assigned, len(writer.written) - len(in_memory))
            ]
        kept.read(len(writer.written) - len(kept.seen))
        by_group += [value for _, value in read(lagging, len(writer.written) - len(by_group))]
        assert in_memory == writer.written
        assert by_group == writer.written
        assert kept.seen == writer.written
    far_behind.read(len(writer.written))
    assert far_behind.seen == writer.written


def test_a_topic_that_is_made_anew_has_no_numbers_of_the_one_before(
    operator: Operator, vcluster: str
):
    """Its copy stood behind others' records, so that its offsets were not its numbers there."""
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    to, physical = operator.other_cluster(), vcluster + TOPIC
    write({"bootstrap.servers": operator.cluster(to).bootstrap_servers}, physical, [b"x"] * 5)
    client = operator.client(vcluster)
    write(client, TOPIC, [b"1", b"2", b"3"])
    Switches(operator, physical).switch()
    with consumer(operator, vcluster) as reader:
        reader.assign([TopicPartition(TOPIC, 0, 0)])
        assert read(reader, 3) == [(0, b"1"), (1, b"2"), (2, b"3")]
    admin = AdminClient(client)
    admin.delete_topics([TOPIC])[TOPIC].result(PATIENCE)
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(PATIENCE)

    def told() -> bool:
        mapped = operator.events(kind="topic.mapped", subject=f"topic/{vcluster}/{TOPIC}")
        return bool(mapped[-1]["data"]["anew"])

    wait_until(told, "the topic is known to be another one", PATIENCE)
    operator.wait_for_agreement()
    write(client, TOPIC, [b"4", b"5"])
    with consumer(operator, vcluster) as reader:
        assert reader.get_watermark_offsets(HERE, timeout=PATIENCE) == (0, 2)
        reader.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
        assert read(reader, 2) == [(0, b"4"), (1, b"5")]


def write(client: dict[str, Any], topic: str, values: list[bytes]) -> None:
    """One after the other."""
    producer = Producer(client)
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(PATIENCE) == 0


def test_what_a_client_asks_for_is_told_in_one_numbering(operator: Operator, vcluster: str):
    """Nothing is written after the switch: whoever waits at the end learns where that is now."""
    operator.create_topic(vcluster, TOPIC)
    operator.wait_for_agreement()
    writer = Writer(operator, vcluster)
    writer.write(6)
    begun_at = int(time.time() * 1000)  # noqa: TID251 - Kafka's timestamps are of this clock
    writer.write(2)
    with (
        consumer(operator, vcluster) as waiting,
        consumer(operator, vcluster, **{"group.id": "other"}) as other,
    ):
        _, end = waiting.get_watermark_offsets(HERE, timeout=PATIENCE)
        waiting.assign([TopicPartition(TOPIC, 0, end)])
        assert waiting.consume(1, timeout=1) == []
        source = operator.cluster(operator.routing()["cluster"])
        to = operator.other_cluster()
        with Mirror(source, operator.cluster(to), vcluster + TOPIC):
            answer = operator.switch(to, wait="mirror")
            assert answer.json() == {"message": "Cluster switched"}, answer.text
        low, high = other.get_watermark_offsets(HERE, timeout=PATIENCE)
        assert end < low < high
        assert high - low == len(writer.written)

        def told() -> bool:
            assert waiting.consume(1, timeout=0.2) == []
            return waiting.position([HERE])[0].offset == high

        wait_until(told, "who waits at the end knows where it is", PATIENCE)
        (found,) = other.offsets_for_times([TopicPartition(TOPIC, 0, begun_at)], timeout=PATIENCE)
        other.assign([found])
        assert [value for _, value in read(other, 3)] == writer.written[12:15]
        other.assign([TopicPartition(TOPIC, 0, low)])
        assert [value for _, value in read(other, 15)] == writer.written
        other.assign([TopicPartition(TOPIC, 0, high + 100)])
        with pytest.raises((AssertionError, KafkaException), match=r"OFFSET|range"):
            read(other, 1)
