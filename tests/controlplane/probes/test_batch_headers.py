"""Headers tell the same as the records would, and nothing of what is not right."""

from contextlib import suppress
from struct import pack

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException
from hypothesis import example, given
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode

from controlplane.probes.batch_headers import PackedBatches
from controlplane.probes.fetch_requests import FetchedPartition
from controlplane.probes.raw_batches import OlderFormatError
from tests.controlplane.probes.batches import CODECS, PLAIN, Raw, batch

TRANSACTIONAL, CONTROL = 0x10, 0x20
WRITES = st.tuples(st.just("write"), st.sampled_from([-1, 1, 2]), st.integers(1, 4))
ENDS = st.tuples(st.sampled_from(["commit", "abort"]), st.sampled_from([1, 2]), st.just(1))
HISTORIES = st.lists(st.one_of(WRITES, ENDS), max_size=12)


def fetched(history: list[tuple[str, int, int]], *, codec: int) -> FetchedPartition:
    """As a broker answers: batches, and where transactions that were taken back begin."""
    batches, at = b"", 0
    begun: dict[int, int] = {}
    aborted = []
    for what, producer_id, count in history:
        if what == "write":
            records = [Raw(b"v", timestamp=1000 + at + n) for n in range(count)]
            is_transactional = producer_id >= 0
            if is_transactional:
                begun.setdefault(producer_id, at)
            attributes = TRANSACTIONAL if is_transactional else 0
        else:
            key = pack(">hh", 0, 1 if what == "commit" else 0)
            records, attributes = [Raw(pack(">hi", 0, 0), key=key)], TRANSACTIONAL | CONTROL
            if (first := begun.pop(producer_id, None)) is not None and what == "abort":
                aborted.append((producer_id, first))
        batches += batch(
            *records,
            codec=codec if what == "write" else PLAIN,
            attributes=attributes,
            producer_id=producer_id,
            base_offset=at,
        )
        at += len(records)
    return FetchedPartition(TopicPartition("t", 0), ErrorCode.none, batches, aborted)


@given(history=HISTORIES, codec=st.sampled_from(CODECS))
def test_they_tell_of_the_records_that_can_be_read(history, codec):
    found = fetched(history, codec=codec)
    packed, unpacked = found.packed(0), found.records(0)
    told = [
        (offset, batch_.newest)
        for batch_ in packed
        for offset in range(batch_.offset, batch_.end)
        if batch_.is_whole
    ]
    read = [(record.offset, record.timestamp) for record in unpacked]
    assert [offset for offset, _ in told] == [offset for offset, _ in read]
    assert all(at <= newest for (_, newest), (_, at) in zip(told, read, strict=True))
    assert packed.next_fetch_offset == unpacked.next_fetch_offset


def test_the_newest_time_is_that_of_a_record_and_none_is_none():
    (one,) = PackedBatches(batch(Raw(b"a", timestamp=7), Raw(b"b", timestamp=3)), (), 0)
    assert (one.offset, one.end, one.records, one.newest) == (0, 2, 2, 7)
    (one,) = PackedBatches(batch(Raw(b"a", timestamp=-1)), (), 0)
    assert one.newest is None


def test_a_checksum_that_is_wrong_is_not_believed():
    bytes_ = bytearray(batch(Raw(b"a"), Raw(b"b")))
    bytes_[60] += 1  # the number of records
    with pytest.raises(CorruptRecordException):
        list(PackedBatches(bytes(bytes_), (), 0))


def test_what_came_in_part_is_left_to_the_next_answer():
    whole = batch(Raw(b"a"))
    packed = PackedBatches(whole + batch(Raw(b"b"), base_offset=1)[:-1], (), 0)
    assert [one.offset for one in packed] == [0]
    assert packed.next_fetch_offset == 1


def test_older_formats_do_not_say_how_many_records_there_are():
    bytes_ = bytearray(batch(Raw(b"a")))
    bytes_[16] = 1
    with pytest.raises(OlderFormatError):
        list(PackedBatches(bytes(bytes_), (), 0))


@given(data=st.binary(max_size=300))
@example(data=pack(">qiibI", 0, -12, 0, 2, 0) + bytes(50))
@example(data=pack(">qiibI", 0, -1, 0, 2, 0) + bytes(50))
def test_whatever_the_bytes_are_it_comes_to_an_end(data):
    packed = PackedBatches(data, (), 0)
    told = []
    with suppress(CorruptRecordException, OlderFormatError, ValueError, IndexError):
        told = list(packed)
    assert sum(one.size for one in told) <= len(data)
