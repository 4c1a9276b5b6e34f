"""Producer ids over clusters and switches."""

from dataclasses import dataclass

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from contract.producer_ids import producer_id_offset
from dataplane.virtual.last_writes import NOTHING_WRITTEN, LastWrites
from dataplane.virtual.producer_ids import TransactionalWriteError, renewed_producer_ids


@dataclass(frozen=True)
class Serving:
    """What a view says of producer ids."""

    producer_id_offset: int
    last_writes: LastWrites = NOTHING_WRITTEN


def _serving(epoch: int, index: int = 0) -> Serving:
    return Serving(producer_id_offset(index, epoch))


def _batch(producer_id: int, sequence: int = 7, *, transactional: int = 0, size: int = 3) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=transactional,
        producer_id=producer_id,
        producer_epoch=0,
        base_sequence=sequence,
        batch_size=1 << 20,
    )
    for offset in range(size):
        builder.append(offset, offset, b"key", b"value%d" % offset, [])
    return bytes(builder.build())


def _patched(records: bytes, view: Serving) -> bytes:
    patched = bytearray(records)
    for at, new in renewed_producer_ids(records, 0, len(records), view):
        patched[at : at + len(new)] = new
    return bytes(patched)


def test_ids_of_two_clusters_and_of_two_generations_never_meet() -> None:
    offsets = {producer_id_offset(index, epoch) for index in range(5) for epoch in range(200)}
    assert len(offsets) == 1000
    assert min(b - a for a, b in zip(sorted(offsets), sorted(offsets)[1:], strict=False)) >= 2**40
    assert max(offsets) + 2**40 < 2**63


def test_a_producer_of_this_generation_is_left_alone() -> None:
    now = _serving(3)
    batch = _batch(now.producer_id_offset + 17)
    assert renewed_producer_ids(batch, 0, len(batch), now) == []


@pytest.mark.parametrize("producer_id", [-1, 0, 17, 999_999])
def test_ids_of_a_cluster_are_left_alone(producer_id: int) -> None:
    batch = _batch(producer_id, transactional=1)
    assert renewed_producer_ids(batch, 0, len(batch), _serving(3)) == []


@given(st.integers(0, 70_000), st.integers(0, 70_000), st.integers(0, 5), st.integers(0, 2**40 - 1))
def test_an_older_producer_gets_the_present_generation(
    born: int, epoch: int, index: int, number: int
) -> None:
    batch = _batch(producer_id_offset(index, born) + number)
    renewed = DefaultRecordBatch(_patched(batch, _serving(epoch)))
    assert renewed.validate_crc()
    assert renewed.producer_id == producer_id_offset(index, epoch) + number
    assert (renewed.base_sequence, renewed.producer_epoch) == (7, 0)
    assert [r.value for r in renewed] == [b"value0", b"value1", b"value2"]


def test_every_batch_of_a_partition_is_renewed() -> None:
    old = _serving(1).producer_id_offset
    records = _batch(old + 1) + _batch(old + 2)
    patched = _patched(records, _serving(2))
    half = len(records) // 2
    for part, number in ((patched[:half], 1), (patched[half:], 2)):
        batch = DefaultRecordBatch(part)
        assert batch.validate_crc()
        assert batch.producer_id == _serving(2).producer_id_offset + number


def test_a_broken_batch_stays_visibly_broken() -> None:
    batch = bytearray(_batch(_serving(1).producer_id_offset + 1))
    batch[-1] ^= 1
    assert _patched(bytes(batch), _serving(2)) == bytes(batch)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_batch_are_left_alone(noise: bytes) -> None:
    for at, new in renewed_producer_ids(noise, 0, len(noise), _serving(1)):
        assert at + len(new) <= len(noise)


def test_a_length_beyond_the_end_is_left_to_the_broker() -> None:
    batch = bytearray(_batch(_serving(1).producer_id_offset + 1))
    batch[8:12] = (2**31 - 1).to_bytes(4, "big")
    assert renewed_producer_ids(bytes(batch), 0, len(batch), _serving(2)) == []


def test_what_is_written_in_a_transaction_goes_another_way() -> None:
    batch = _batch(_serving(1).producer_id_offset + 17, transactional=1)
    for epoch in (1, 2):
        with pytest.raises(TransactionalWriteError):
            _patched(batch, _serving(epoch))
