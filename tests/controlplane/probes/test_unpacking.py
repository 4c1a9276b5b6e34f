"""Records are read as Kafka's own clients read them, whatever a broker has taken."""

from contextlib import suppress

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode

from controlplane.probes.committed_records import CommittedRecords
from controlplane.probes.fetch_requests import FetchedPartition
from controlplane.probes.raw_batches import OlderFormatError
from controlplane.probes.taking import NO_TIMESTAMP, LastRecord
from controlplane.probes.unpacking import (
    MOST_HEADERS,
    MOST_RECORDS,
    TooManyError,
    UnpackedRecords,
    text,
)
from tests.controlplane.probes.batches import CODECS, GZIP, Raw, batch
from tests.controlplane.probes.test_batch_headers import HISTORIES, fetched

BYTES = st.none() | st.binary(max_size=40)
NAMES = st.text(max_size=8).map(str.encode)
TIMES = st.integers(-(2**40), 2**40)
USUAL = st.builds(
    Raw, BYTES, BYTES, TIMES, st.lists(st.tuples(NAMES, BYTES), max_size=3).map(tuple)
)


def answer(batches: bytes) -> FetchedPartition:
    return FetchedPartition(TopicPartition("t", 0), ErrorCode.none, batches, ())


def told(records):
    return [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in records]


def expected(*raws: Raw):
    return [
        (at, r.timestamp, r.key, r.value, tuple((text(name), v) for name, v in r.headers))
        for at, r in enumerate(raws)
    ]


@given(records=st.lists(USUAL, min_size=1, max_size=5), codec=st.sampled_from(CODECS))
def test_what_the_library_reads_is_read_alike(records, codec):
    written = batch(*records, codec=codec)
    assert told(UnpackedRecords(written, (), 0)) == expected(*records)
    assert told(answer(written).records(0)) == expected(*records)


@given(history=HISTORIES, codec=st.sampled_from(CODECS))
def test_what_was_taken_back_and_markers_are_left_out(history, codec):
    found = fetched(history, codec=codec)
    unpacked = UnpackedRecords(found.batches, found.aborted, 0)
    library = found.records(0)
    assert told(unpacked) == told(library)
    assert unpacked.next_fetch_offset == library.next_fetch_offset


ODD = {
    "a name that is no text": Raw(b"v", headers=[(b"\xff\xfe", b"v"), (b"", None)]),
    "undefined attributes": Raw(b"v", attributes=0xFF),
    "numbers of too many bits": Raw(b"v", b"k", headers=[(b"h", None)], is_overlong=True),
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_the_library_refuses_is_read_and_nothing_before_it_twice(odd, codec):
    usual = [Raw(b"%d" % n, timestamp=n) for n in range(6)]
    written = (usual[0], usual[1], usual[2], odd, usual[3], usual[4])
    batches = batch(*written[:2]) + batch(*written[2:5], codec=codec, base_offset=2)
    records = answer(batches + batch(written[5], base_offset=5)).records(1)
    assert told(records) == expected(*written)[1:]
    assert records.next_fetch_offset == len(written)


def test_times_beyond_64_bits_go_on_from_the_other_end():
    late = 2**63 - 1
    records = told(UnpackedRecords(batch(Raw(b"a", timestamp=late)), (), 0))
    assert [at for _, at, *_ in records] == [late]
    # The second record's time is written as one more than the first one's.
    (second,) = told(UnpackedRecords(_second_after(late), (), 1))
    assert second[1] == -(2**63)


def _second_after(first: int) -> bytes:
    return batch(Raw(b"a", timestamp=first), Raw(b"b", timestamp=first + 1), newest=first)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (b"\xff", "\ufffd"),
        (b"a\xc3(", "a\ufffd("),
        (b"\xe2\x82", "\ufffd"),
        (b"\xe2\x82A", "\ufffdA"),
        (b"\xe0\x80\x80", "\ufffd\ufffd\ufffd"),
        (b"\xf0\x90\x80", "\ufffd"),
        (b"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"),
        (b"\xf5\x80", "\ufffd\ufffd"),
        # Halves of surrogate pairs, where Python alone would say U+FFFD two or three times.
        (b"\xed\xa0\x80", "\ufffd"),
        (b"\xed\xbf\xbfA", "\ufffdA"),
        (b"\xed\xa0", "\ufffd"),
        (b"\xed\x9f\xbf", "\ud7ff"),
    ],
)
def test_names_are_read_as_java_reads_them(name, read):
    """`new String(name, UTF_8)` of Java 17 says so."""
    assert text(name) == read


def test_a_record_with_a_name_that_is_no_text_and_its_copy_are_the_same():
    original = Raw(b"v", headers=[(b"caf\xe9", b"x")])
    copy = Raw(b"v", headers=[("caf\ufffd".encode(), b"x")])
    (ours,), (theirs,) = (list(answer(batch(raw)).records(0)) for raw in (original, copy))
    assert LastRecord.of(ours).digest == LastRecord.of(theirs).digest


def test_more_headers_than_are_read_one_by_one_are_named():
    records = UnpackedRecords(batch(Raw(b"v", headers=[(b"", None)] * (MOST_HEADERS + 1))), (), 0)
    with pytest.raises(TooManyError, match="a record has 10001 headers"):
        list(records)


def test_a_batch_that_takes_long_to_read_is_named_and_not_opened():
    records = UnpackedRecords(batch(Raw(b"v"), count=MOST_RECORDS + 1), (), 0)
    with pytest.raises(TooManyError, match="a batch has 50001 records"):
        list(records)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_large_is_read_and_of_many_headers_nothing_is_made(codec):
    """15 million of them, in 29 kilobytes, took three seconds and two gigabytes."""
    large = Raw(b"v" * (3 << 20))
    records = answer(batch(large, Raw(b"w"), codec=codec)).records(0)
    assert told(records) == expected(large, Raw(b"w"))
    bomb = Raw(b"v", headers=[(b"", None)] * 600_000)
    records = answer(batch(Raw(b"u"), bomb, codec=codec)).records(0)
    with pytest.raises(TooManyError, match="a record has 600000 headers"):
        list(records)
    assert records.next_fetch_offset == 1, "as far as it can be read"


@pytest.mark.parametrize("magic", [0, 1])
def test_older_formats_are_read_by_the_library(magic):
    builder = LegacyRecordBatchBuilder(magic, 0, 1000)
    builder.append(0, timestamp=7 if magic else None, key=None, value=b"v", headers=[])
    written = bytes(builder.build())
    (record,) = answer(written).records(0)
    assert LastRecord.of(record) == LastRecord(7 if magic else NO_TIMESTAMP, None, b"v", ())
    damaged = written[:-1] + b"w"
    with pytest.raises(CorruptRecordException):
        list(answer(damaged).records(0))


@given(data=st.binary(max_size=60), codec=st.sampled_from(CODECS))
def test_whatever_stands_in_a_batch_it_comes_to_an_end(data, codec):
    records = UnpackedRecords(batch(Raw(b"v"), codec=codec, body=data), (), 0)
    with suppress(CorruptRecordException, TooManyError):
        assert len(list(records)) <= 1


def test_what_is_no_batch_is_told_as_the_library_tells_it():
    written = bytearray(batch(Raw(b"v"), codec=GZIP))
    written[-1] ^= 1
    with pytest.raises(CorruptRecordException):
        list(CommittedRecords(TopicPartition("t", 0), bytes(written), (), 0))
    written[16] = 1
    with pytest.raises(OlderFormatError):
        list(UnpackedRecords(bytes(written), (), 0))
