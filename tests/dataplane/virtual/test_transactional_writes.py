"""Produce requests of transactional producers, in every version."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kio.schema.types import TopicName

from contract.producer_ids import producer_id_offset
from contract.records import FirstSequence, Identities, Identity
from dataplane.virtual.apis import APIS
from dataplane.virtual.identities import KnownIdentities
from dataplane.virtual.messages import blank, decode_request, element_of
from dataplane.virtual.own_topics import OwnTopics
from dataplane.virtual.producer_ids import TransactionalWriteError
from dataplane.virtual.programs import request_program
from dataplane.virtual.transactional_writes import TRANSACTION_ABORTABLE, with_real_writes
from dataplane.virtual.view import Alias
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import VIEW
from tests.dataplane.virtual.test_heads import frame

PRODUCE = 0
VERSIONS = APIS[PRODUCE].served
HELD = producer_id_offset(0, 0) + 7
FIRSTS = (
    FirstSequence(f"{VIEW.vcluster}orders", 1, 10),
    FirstSequence("lent", 0, 20),
    FirstSequence(f"{VIEW.vcluster}round", 0, 2**31 - 2),
)


IDS = {"orders": UUID(int=1), "round": UUID(int=2)}


def view(*, is_aborted: bool = False) -> Any:
    identity = Identity("tx", HELD, 0, 40, 5, is_aborted=is_aborted, firsts=FIRSTS)
    known = Identities(scope="main", epoch=2, part=0, identities=(identity,))
    aliases = (Alias("borrowed", "lent"),)
    own = OwnTopics()
    for name in ("orders", "round"):
        own.learn(IDS[name].bytes, f"{VIEW.vcluster}{name}".encode())
    made = replace(
        VIEW, epoch=2, aliases=aliases, identities=KnownIdentities([known]), own_topics=own
    )
    IDS["borrowed"] = UUID(bytes=made.topic_ids.shown_as(b"borrowed", UUID(int=3).bytes))
    return made


def name_of(topic: Any) -> str:
    if hasattr(topic, "name"):
        return str(topic.name)
    return next(name for name, id_ in IDS.items() if id_ == topic.topic_id)


NOW = view()


def batch(producer_id: int, sequence: int) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=1,
        producer_id=producer_id,
        producer_epoch=0,
        base_sequence=sequence,
        batch_size=1 << 20,
    )
    builder.append(0, 0, b"key", b"value", [])
    return bytes(builder.build())


def produce(version: int, written: dict[str, dict[int, bytes]]) -> bytes:
    request = entity_of(PRODUCE, version, "request")
    topic = element_of(request, "topic_data")
    partition = element_of(topic, "partition_data")
    topics = tuple(
        blank(
            topic,
            **({"name": TopicName(name)} if version < 13 else {"topic_id": IDS[name]}),
            partition_data=tuple(
                blank(partition, index=index, records=records)
                for index, records in partitions.items()
            ),
        )
        for name, partitions in written.items()
    )
    return frame(PRODUCE, version, transactional_id="tx", topic_data=topics)


def reaches(request: bytes) -> dict[tuple[str, int], DefaultRecordBatch]:
    """What the broker gets, by topic and partition, in the client's names."""
    body = decode_request(with_real_writes(request, NOW)).body
    return {
        (name_of(topic), partition.index): DefaultRecordBatch(partition.records)
        for topic in body.topic_data
        for partition in topic.partition_data
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cluster_finds_its_own_producer_and_counts_from_0(version: int) -> None:
    request = produce(
        version,
        {
            "orders": {0: batch(HELD, 3), 1: batch(HELD, 12)},
            "borrowed": {0: batch(HELD, 20)},
            "round": {0: batch(HELD, 1)},
        },
    )
    found = reaches(request)
    assert all(got.validate_crc() for got in found.values())
    assert {(got.producer_id, got.producer_epoch) for got in found.values()} == {(40, 5)}
    assert {place: got.base_sequence for place, got in found.items()} == {
        ("orders", 0): 3,
        ("orders", 1): 2,
        ("borrowed", 0): 0,
        ("round", 0): 3,
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_changed_goes_on_as_any_other(version: int) -> None:
    request = produce(version, {"orders": {1: batch(NOW.producer_id_offset + 9, 4)}})
    program = request_program(PRODUCE, version)
    with pytest.raises(TransactionalWriteError):
        program(request, NOW)
    pieces, _, _ = program(with_real_writes(request, NOW), NOW)
    body = decode_request(b"".join(pieces)).body
    got = DefaultRecordBatch(body.topic_data[0].partition_data[0].records)
    assert (got.producer_id, got.producer_epoch, got.base_sequence) == (9, 0, 4)


@pytest.mark.parametrize(("held_id", "serving"), [(HELD, view(is_aborted=True)), (HELD + 1, NOW)])
def test_what_cannot_be_committed_is_not_written(held_id: int, serving: Any) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        with_real_writes(produce(9, {"orders": {0: batch(held_id, 0)}}), serving)
    assert refused.value.error_code == TRANSACTION_ABORTABLE


def test_a_broken_batch_stays_visibly_broken() -> None:
    broken = bytearray(batch(HELD, 0))
    broken[-1] ^= 1
    request = produce(9, {"orders": {0: bytes(broken)}})
    assert with_real_writes(request, NOW) == request


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
def test_a_frame_that_ends_early_is_malformed(version: int) -> None:
    whole = produce(version, {"orders": {0: batch(HELD, 3)}})
    for size in range(20, whole.index(b"value")):
        with pytest.raises(MalformedFrameError):
            with_real_writes(whole[:size], NOW)
