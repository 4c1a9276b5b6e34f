"""Reads the committed records of an answer, by aiokafka's compiled parser for as long as it can."""

from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED as WITHOUT_ABORTED
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.memory_records import MemoryRecords

from controlplane.probes.raw_batches import OlderFormatError
from controlplane.probes.unpacking import UnpackedRecords
from upstream.decompressing import LIBRARY_BYTES, TooLargeError, install

install()  # all records are decompressed within a limit


class CommittedRecords:
    """Iterates over them, from an offset on; each is decoded when its turn has come.

    Where that parser raises something, or would get much at once, the rest of the answer is read as
    Kafka's own clients read it. What comes of both is the same where both can.
    """

    def __init__(
        self,
        partition: TopicPartition,
        batches: bytes,
        aborted: Sequence[tuple[int, int]],
        begin: int,
    ) -> None:
        """As FetchedPartition has them; `begin`: the first offset that is wanted.

        Iterating raises whatever aiokafka's parser or a codec raises of bytes that are no record,
        of a checksum that is wrong or a codec that nobody knows; that is laid down nowhere.
        """
        self._partition, self._batches, self._aborted = partition, batches, aborted
        # Then it is one batch: so much is asked for at most.
        is_large = len(batches) > LIBRARY_BYTES
        self._read: Any = self._unpacked(begin) if is_large else self._parsed(begin)

    def _parsed(self, begin: int) -> PartitionRecords:
        return PartitionRecords(
            self._partition,
            MemoryRecords(self._batches),
            self._aborted,
            begin,
            None,
            None,
            check_crcs=True,
            isolation_level=WITHOUT_ABORTED,
        )

    def _unpacked(self, begin: int) -> UnpackedRecords:
        return UnpackedRecords(self._batches, self._aborted, begin)

    @property
    def next_fetch_offset(self) -> int:
        """How far it came."""
        return int(self._read.next_fetch_offset)

    @next_fetch_offset.setter
    def next_fetch_offset(self, offset: int) -> None:
        self._read.next_fetch_offset = offset

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._read
        except TooLargeError:
            raise
        except Exception as error:  # noqa: BLE001 - what a library raises of bytes is laid down nowhere
            self._read = self._unpacked(self.next_fetch_offset)
            try:
                yield from self._read
            except OlderFormatError:
                raise error from None
