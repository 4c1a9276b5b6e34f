"""What had been appended before a switch is answered, and not written again."""

from typing import Any
from uuid import UUID

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from contract.producer_ids import FIRST_UNIQUE, lineage, producer_id_offset
from contract.records import Producers, Writer
from dataplane.virtual.division import Ruling, followed
from dataplane.virtual.heads import PRODUCE_BY_ID_SINCE
from dataplane.virtual.last_writes import LastWrites, RepeatedWriteError, Write
from dataplane.virtual.messages import blank, decode_response, element_of, encode_response
from dataplane.virtual.own_topics import OwnTopics
from dataplane.virtual.programs import request_program
from dataplane.virtual.repetitions import DUPLICATE_SEQUENCE_NUMBER, without_repetitions
from dataplane.virtual.view import Alias, Listener, View
from dataplane.wire.header import peek
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import request_frame

VERSIONS = (3, 8, 9, 12, 13)
IDS = {"orders": UUID(int=1), "users": UUID(int=2), "theirs": UUID(int=3)}
NAMES = {id_: name for name, id_ in IDS.items()}
OLD_ID = producer_id_offset(0, 0) + 17
LAST = 2**31 - 2
"""The last sequence number that was written: the next batch but one begins again at 0."""


def view(*writers: Writer, topic: str = "teamAorders") -> View:
    recorded = Producers(scope="main", physical=topic, recorded_at=0, writers=writers)
    own = OwnTopics()
    for name in ("orders", "users"):
        own.learn(IDS[name].bytes, f"teamA{name}".encode())
    return View(
        own_topics=own,
        vcluster="teamA",
        cluster_id="x",
        listeners=(Listener("localhost", 1),),
        brokers=(1,),
        cluster_index=1,
        epoch=1,
        aliases=(Alias("theirs", "teamBorders"),),
        last_writes=LastWrites([recorded]),
    )


def test_what_was_written_is_known_for_an_hour_by_the_clock_that_nobody_sets():
    recorded = Producers(scope="main", physical="t", recorded_at=7_000_000, writers=())
    assert LastWrites([recorded], wall_ahead_s=6_990.0).good_until == 3600.0 + 10.0


def wrote(last: int, partition: int = 0, epoch: int = 3) -> Writer:
    return Writer(partition, lineage(OLD_ID), epoch, last, 0)


def batch(sequence: int, *, epoch: int = 3, producer_id: int = OLD_ID, size: int = 3) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=producer_id,
        producer_epoch=epoch,
        base_sequence=sequence,
        batch_size=1 << 20,
    )
    for offset in range(size):
        builder.append(offset, offset, b"key", b"value", [])
    return bytes(builder.build())


def produce(version: int, topics: dict[str, dict[int, bytes]], acks: int = -1) -> bytes:
    request = entity_of(0, version, "request")
    topic = element_of(request, "topic_data")
    partition = element_of(topic, "partition_data")
    data = tuple(
        blank(
            topic,
            **called(version, name),
            partition_data=tuple(
                blank(partition, index=index, records=records)
                for index, records in partitions.items()
            ),
        )
        for name, partitions in topics.items()
    )
    return request_frame(0, version, blank(request, topic_data=data, acks=acks))


def called(version: int, name: str) -> dict[str, str | UUID]:
    """How a topic is named in a version."""
    return {"name": name} if version < PRODUCE_BY_ID_SINCE else {"topic_id": IDS[name]}


def name_of(topic: Any) -> str:
    name: str = topic.name if hasattr(topic, "name") else NAMES[topic.topic_id]
    return name


def told(version: int, answer: bytes) -> dict[str, dict[int, int]]:
    """Topic to partition to error code."""
    body = decode_response(0, version, answer)
    return {
        name_of(topic): {p.index: p.error_code.value for p in topic.partition_responses}
        for topic in body.responses
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_repeated_batch_is_answered_and_goes_nowhere(version: int) -> None:
    at, frame = view(wrote(12)), produce(version, {"orders": {0: batch(10)}})
    with pytest.raises(RepeatedWriteError):
        request_program(0, version)(frame, at)
    ruling = without_repetitions(frame, at)
    assert ruling is not None
    assert ruling.frame is None
    assert ruling.answer is not None
    assert told(version, ruling.answer) == {"orders": {0: DUPLICATE_SEQUENCE_NUMBER}}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "records",
    [
        batch(11),
        batch(13),
        batch(10, epoch=4),
        batch(10, epoch=2),
        batch(10, producer_id=OLD_ID + 1),
        batch(10, producer_id=producer_id_offset(0, 1) + 17),
        batch(10, producer_id=17),
    ],
)
def test_what_is_new_goes_on(version: int, records: bytes) -> None:
    request_program(0, version)(produce(version, {"orders": {0: records}}), view(wrote(12)))


@pytest.mark.parametrize("version", VERSIONS)
def test_other_partitions_of_the_request_go_on(version: int) -> None:
    at = view(wrote(12), wrote(5, partition=2))
    frame = produce(
        version, {"orders": {0: batch(10), 1: batch(10), 2: batch(6)}, "users": {0: batch(10)}}
    )
    ruling = without_repetitions(frame, at)
    assert ruling is not None
    assert ruling.frame is not None
    assert ruling.finish is not None
    request = entity_of(0, version, "request")
    left = produce(version, {"orders": {1: batch(10), 2: batch(6)}, "users": {0: batch(10)}})
    assert bytes(ruling.frame) == left
    assert request.__version__ == ruling.version
    answer = ruling.finish(answered(version, {"orders": (1, 2), "users": (0,)}))
    assert told(version, answer) == {
        "orders": {0: DUPLICATE_SEQUENCE_NUMBER, 1: 0, 2: 0},
        "users": {0: 0},
    }


def answered(version: int, topics: dict[str, tuple[int, ...]]) -> bytes:
    """What a broker answers."""
    response = entity_of(0, version, "response")
    topic = element_of(response, "responses")
    partition = element_of(topic, "partition_responses")
    responses = tuple(
        blank(
            topic,
            **called(version, name),
            partition_responses=tuple(blank(partition, index=i, base_offset=9) for i in indexes),
        )
        for name, indexes in topics.items()
    )
    header = peek(produce(version, {}))
    return encode_response(header, blank(response, responses=responses))


def test_the_topic_counts_too_by_its_physical_name() -> None:
    at = view(wrote(12), topic="teamBorders")
    assert without_repetitions(produce(9, {"orders": {0: batch(10)}}), at) is None
    assert without_repetitions(produce(9, {"theirs": {0: batch(10)}}), at) is not None


def test_a_write_that_expects_no_answer_goes_on() -> None:
    assert (
        without_repetitions(produce(9, {"orders": {0: batch(10)}}, acks=0), view(wrote(12))) is None
    )


def test_a_batch_with_a_wrong_checksum_is_the_brokers_to_refuse() -> None:
    broken = bytearray(batch(10))
    broken[-1] ^= 1
    frame = produce(9, {"orders": {0: bytes(broken)}})
    request_program(0, 9)(frame, view(wrote(12)))


@pytest.mark.parametrize(
    ("last", "sequence", "repeated"),
    [
        (LAST, LAST - 2, True),
        (LAST, LAST + 1, False),
        (1, LAST - 2, True),
        (1, 2**31 - 1, True),
        (1, 0, False),
        (LAST, 0, False),
        (2**30, 5, False),
    ],
)
def test_sequence_numbers_begin_again(last: int, sequence: int, *, repeated: bool) -> None:
    known = view(wrote(last)).last_writes
    end = (sequence + 2) % 2**31
    assert known.has(Write(lineage(OLD_ID), 3, end), "teamAorders", 0) is repeated


def test_two_rulings_one_after_the_other() -> None:
    def adds(mark: bytes) -> Ruling:
        return Ruling(frame=b"rest", version=9, finish=lambda answer: answer + mark)

    both = followed(adds(b" refused"), adds(b" repeated"))
    assert both is not None
    assert both.finish is not None
    assert both.finish(b"answer") == b"answer repeated refused"
    whole = followed(adds(b" refused"), Ruling(answer=b"repeated"))
    assert whole == Ruling(answer=b"repeated refused")
    assert followed(None, None) is None


def test_ids_of_clusters_are_never_known() -> None:
    assert lineage(FIRST_UNIQUE) == FIRST_UNIQUE
