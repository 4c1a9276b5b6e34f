"""Batches of records as their headers tell of them: their records stay packed.

Transactions that were taken back are left out, and so are markers, as aiokafka's `PartitionRecords`
does it with the records themselves. A header is believed if the checksum of its batch is right,
which covers everything that is read here but for the base offset, and that is the broker's own.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final, NamedTuple

from aiokafka.errors import CorruptRecordException
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch

_LENGTH: Final = Struct(">8xi")
"""Bytes of a batch behind this field, where its offset stands before it."""
_MAGIC_AT: Final = 16
_HEADER: Final = Struct(">q4x4xb4xhi8xq14xi")
"""Of format 2: base offset, magic, attributes, last offset delta, newest timestamp, records."""
_FORMAT: Final = 2


class OlderFormatError(Exception):
    """A batch of before Kafka 0.11, which does not say how many records it has."""


class PackedBatch(NamedTuple):
    """What a header says."""

    offset: int
    """Its first one."""
    end: int
    """The one behind its last."""
    records: int
    """How many are left of it, after compaction."""
    newest: int | None
    """Epoch milliseconds of the newest record; None if none has a time."""
    size: int
    """Bytes, as it came."""

    @property
    def is_whole(self) -> bool:
        """Whether it has a record at each of its offsets."""
        return self.records == self.end - self.offset


class PackedBatches:
    """Iterates over what an answer holds of one partition."""

    def __init__(self, batches: bytes, aborted: Sequence[tuple[int, int]], begin: int) -> None:
        """As FetchedPartition has them; `begin`: the first offset that is wanted."""
        self.next_fetch_offset = begin
        self._batches = _packed(self, memoryview(batches), aborted)

    def __iter__(self) -> Iterator[PackedBatch]:
        return self._batches


def _packed(
    told: PackedBatches, batches: memoryview, aborted: Sequence[tuple[int, int]]
) -> Iterator[PackedBatch]:
    waiting, taken_back = sorted(aborted, key=lambda one: one[1]), set[int]()
    for raw in _split(batches):
        batch = DefaultRecordBatch(bytes(raw))
        if not batch.validate_crc():
            raise CorruptRecordException("invalid CRC")
        while waiting and waiting[0][1] <= batch.base_offset:
            taken_back.add(waiting.pop(0)[0])
        if batch.is_control_batch:
            if ControlRecord.parse(next(batch).key or b"") == ABORT_MARKER:
                taken_back.discard(batch.producer_id)
        elif not (batch.is_transactional and batch.producer_id in taken_back):
            yield _header(raw)
        told.next_fetch_offset = batch.next_offset


def _header(raw: memoryview) -> PackedBatch:
    offset, _, _, delta, newest, records = _HEADER.unpack_from(raw)
    return PackedBatch(
        offset=offset,
        end=offset + delta + 1,
        records=records,
        newest=newest if newest >= 0 else None,
        size=len(raw),
    )


def _split(batches: memoryview) -> Iterator[memoryview]:
    """Each batch; the last one may have come in part, and is left out."""
    at = 0
    while at + _MAGIC_AT < len(batches):
        (length,) = _LENGTH.unpack_from(batches, at)
        end = at + _LENGTH.size + length
        if end > len(batches):
            return
        if batches[at + _MAGIC_AT] != _FORMAT:
            raise OlderFormatError(f"a batch of format {batches[at + _MAGIC_AT]}")
        if end - at < _HEADER.size:
            # aiokafka's parser would go on reading beyond it.
            raise CorruptRecordException("a batch that is shorter than its header")
        yield batches[at:end]
        at = end
