"""Splits what a broker answers into its batches, of which it says which ones are committed.

Transactions that were taken back, and markers, are told apart as aiokafka's `PartitionRecords` does
it. Format 2 alone (`DefaultRecordBatch.java`, since Kafka 0.11).
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
_HEADER: Final = Struct(">q4x4xx4xhiqq14xi")
_FORMAT: Final = 2


class OlderFormatError(Exception):
    """A batch of before Kafka 0.11, which does not say how many records it has."""


class BatchHeader(NamedTuple):
    """What stands before the records of a batch."""

    base_offset: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    """Epoch milliseconds, like the next."""
    newest: int
    """Of the newest record; what all have, where the broker sets it."""
    records: int


class RawBatch(NamedTuple):
    """A batch whose checksum is right."""

    bytes: memoryview
    header: BatchHeader
    is_committed: bool
    """False: a marker, or taken back with its transaction."""

    @property
    def end(self) -> int:
        """The offset behind its last one."""
        return self.header.base_offset + self.header.last_offset_delta + 1

    @property
    def body(self) -> memoryview:
        """Its records, compressed as they came."""
        return self.bytes[_HEADER.size :]


def raw_batches(batches: memoryview, aborted: Sequence[tuple[int, int]]) -> Iterator[RawBatch]:
    """Each batch of an answer; the last one may have come in part, and is left out.

    Args:
        batches: as the broker sent them.
        aborted: producer ids of transactions that were taken back, and where each begins.

    Raises:
        OlderFormatError: one is of another format.
        CorruptRecordException: one is not as it was written.
    """
    waiting, taken_back = sorted(aborted, key=lambda one: one[1]), set[int]()
    for raw in _split(batches):
        batch = DefaultRecordBatch(bytes(raw))
        if not batch.validate_crc():
            raise CorruptRecordException("invalid CRC")
        while waiting and waiting[0][1] <= batch.base_offset:
            taken_back.add(waiting.pop(0)[0])
        is_committed = not batch.is_control_batch
        if batch.is_control_batch:
            if ControlRecord.parse(next(batch).key or b"") == ABORT_MARKER:
                taken_back.discard(batch.producer_id)
        elif batch.is_transactional and batch.producer_id in taken_back:
            is_committed = False
        yield RawBatch(raw, BatchHeader(*_HEADER.unpack_from(raw)), is_committed)


def _split(batches: memoryview) -> Iterator[memoryview]:
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
