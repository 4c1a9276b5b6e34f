"""Batches of records as their headers tell of them: their records stay packed.

A header is believed if the checksum of its batch is right, which covers everything that is read
here but for the base offset, and that is the broker's own.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from controlplane.probes.raw_batches import RawBatch, raw_batches


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
    for raw in raw_batches(batches, aborted):
        if raw.is_committed:
            yield _told_by(raw)
        told.next_fetch_offset = raw.end


def _told_by(raw: RawBatch) -> PackedBatch:
    header = raw.header
    return PackedBatch(
        offset=header.base_offset,
        end=raw.end,
        records=header.records,
        newest=header.newest if header.newest >= 0 else None,
        size=len(raw.bytes),
    )
