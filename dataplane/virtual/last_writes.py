"""How far idempotent producers had written when a scope was switched: what they need not repeat.

A broker finds a repetition by the producer's id, epoch and sequence number. The cluster that is
switched to knows none of these, so what the one before it knew is recorded with the switch.

The layout of a batch is that of Kafka's `DefaultRecordBatch`, magic 2; what is computed with
sequence numbers is that of its `DefaultRecordBatch.incrementSequence`.
"""

from collections import defaultdict
from collections.abc import Iterable
from struct import Struct
from typing import Final, NamedTuple

from contract.producer_ids import lineage
from contract.records import Producers
from dataplane.wire.primitives import INT16, INT32, Buffer

_LAST_OFFSET_DELTA_AT: Final = 23
_PRODUCER_AT: Final = 43
_PRODUCER: Final = Struct(">qhi")
"""Producer id, producer epoch, base sequence."""

_SEQUENCES: Final = 1 << 31
"""Sequence numbers begin again at 0 after the last one below."""
_FAR: Final = 1 << 22
"""So far before the last sequence number nothing is repeated: at most five batches are in flight,
and one that was given up is sent no more. A producer that went round all numbers is not far off."""

_VERSION_AT: Final = 2
_FLEXIBLE_SINCE: Final = 9
"""The version of Produce from which on the length of a batch is a varint."""
_VARINT_BITS: Final = 7

_KEPT_S: Final = 3600.0
"""A producer gives up on a write after minutes; clocks may differ by less than the rest."""


class RepeatedWriteError(Exception):
    """A Produce request may hold a batch that the cluster before had appended: look into it."""


class Write(NamedTuple):
    """The end of one batch of an idempotent producer."""

    producer: int
    """Its id without the generation."""
    epoch: int
    last_sequence: int


class _LastWrite(NamedTuple):
    physical: str
    epoch: int
    last_sequence: int

    def covers(self, write: Write) -> bool:
        """Whether the batch was part of what had been written."""
        behind = (self.last_sequence - write.last_sequence) % _SEQUENCES
        return write.epoch == self.epoch and behind < _FAR


class LastWrites:
    """Those of one scope."""

    def __init__(self, recorded: Iterable[Producers] = (), wall_ahead_s: float = 0.0) -> None:
        """Take in the control records.

        Args:
            recorded: what the control plane has noted, by the wall clock.
            wall_ahead_s: how many seconds that is ahead of the monotonic clock.
        """
        self._known: dict[tuple[int, int], list[_LastWrite]] = defaultdict(list)
        newest = 0
        for producers in recorded:
            newest = max(newest, producers.recorded_at)
            for writer in producers.writers:
                last = _LastWrite(producers.physical, writer.producer_epoch, writer.last_sequence)
                self._known[writer.producer, writer.partition].append(last)
        self.good_until = newest / 1000 + _KEPT_S - wall_ahead_s if newest else float("-inf")
        """Monotonic second after which no producer repeats what was written then. A wall clock that
        is set meanwhile changes nothing."""

    def may_have(self, write: Write, frame: Buffer, start: int, end: int) -> bool:
        """Whether a batch of a Produce request may have been appended, to whichever topic.

        `start` and `end` are those of the records of one partition in the frame.
        """
        if not self._known:
            return False
        known = self._known.get((write.producer, _partition_before(frame, start, end)), ())
        return any(last.covers(write) for last in known)

    def has(self, write: Write, physical: str, partition: int) -> bool:
        """Whether a batch had been appended to that partition."""
        known = self._known.get((write.producer, partition), ())
        return any(last.physical == physical and last.covers(write) for last in known)


NOTHING_WRITTEN: Final = LastWrites()


def last_write_of(frame: Buffer, at: int) -> Write:
    """The end of the batch that begins there."""
    producer_id, epoch, base = _PRODUCER.unpack_from(frame, at + _PRODUCER_AT)
    (last_offset_delta,) = INT32.unpack_from(frame, at + _LAST_OFFSET_DELTA_AT)
    return Write(lineage(producer_id), epoch, (base + last_offset_delta) % _SEQUENCES)


def _partition_before(frame: Buffer, start: int, end: int) -> int:
    """The partition's index, which stands before the length of its records."""
    (version,) = INT16.unpack_from(frame, _VERSION_AT)
    length_size = INT32.size
    if version >= _FLEXIBLE_SINCE:
        length_size = -(-(end - start + 1).bit_length() // _VARINT_BITS)
    (partition,) = INT32.unpack_from(frame, start - length_size - INT32.size)
    return int(partition)
