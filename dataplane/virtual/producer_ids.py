"""Producer ids that are unique over clusters and over switches.

Two clusters hand out the same small producer ids, and a broker that sees an id it knows takes a
batch for a repetition and acknowledges it without writing it, or refuses it as out of order. So an
idempotent or transactional producer gets an id that no cluster ever hands out:

    bits 62 to 56   index of the cluster that handed it out, plus one
    bits 55 to 40   generation: epoch of the scope when it was handed out, modulo 65536
    bits 39 to 0    the cluster's own number

A broker takes an id that it does not know with any first sequence number (seen on Kafka 4.3.1), but
after a switch there and back it does know it, and sees a gap. So in a later generation the batches
of that producer go out under the same id with the present generation: new to every broker again,
with the sequence numbers running on. Only the batch header changes, and its CRC with it.

A transactional producer is known to its cluster by its transactional id, so there the cluster's own
id has to stand in its batches: see `transactional_writes`.

The layout of a batch is that of Kafka's `DefaultRecordBatch`, magic 2.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from crc32c import crc32c

from contract.producer_ids import FIRST_UNIQUE, GENERATION
from dataplane.virtual.last_writes import LastWrites, RepeatedWriteError, last_write_of
from dataplane.wire.primitives import INT16, INT32, INT64, UINT32, Buffer

_LENGTH_AT: Final = 8
_BEFORE_LENGTH_ENDS: Final = 12
_MAGIC_AT: Final = 16
_CRC_AT: Final = 17
_CRC_FROM: Final = 21
_ATTRIBUTES_AT: Final = 21
_PRODUCER_ID_AT: Final = 43
_HEADER_SIZE: Final = 61
_MAGIC: Final = 2
_TRANSACTIONAL: Final = 1 << 4


class TransactionalWriteError(Exception):
    """A Produce request is part of a transaction: see `transactional_writes`."""


class Epochal(Protocol):
    """A view, as far as producer ids go."""

    @property
    def producer_id_offset(self) -> int:
        """What is added to the ids that its cluster hands out."""
        ...

    @property
    def last_writes(self) -> LastWrites:
        """What producers had written before the scope was switched."""
        ...


def renewed_producer_ids(
    frame: Buffer, start: int, end: int, view: Epochal
) -> Sequence[tuple[int, bytes]]:
    """What changes in the batches of one partition so that the cluster takes them for new.

    Nothing, for idempotent producers of the present generation, for ids of clusters, and for bytes
    that are no sound batch: those are the broker's to refuse.

    Raises:
        RepeatedWriteError: the cluster before may have appended the batch already.
        TransactionalWriteError: it is part of a transaction.
    """
    generation = view.producer_id_offset & GENERATION
    patches: list[tuple[int, bytes]] = []
    at = start
    while end - at >= _HEADER_SIZE and frame[at + _MAGIC_AT] == _MAGIC:
        (producer_id,) = INT64.unpack_from(frame, at + _PRODUCER_ID_AT)
        (length,) = INT32.unpack_from(frame, at + _LENGTH_AT)
        after = at + _BEFORE_LENGTH_ENDS + length
        if not at + _HEADER_SIZE <= after <= end:
            break
        if producer_id >= FIRST_UNIQUE and _is_transactional(frame, at):
            raise TransactionalWriteError
        if producer_id >= FIRST_UNIQUE and producer_id & GENERATION != generation:
            renewed = INT64.pack((producer_id & ~GENERATION) | generation)
            changed = renewed_batch(frame, at, after, renewed)
            if changed and view.last_writes.may_have(last_write_of(frame, at), frame, start, end):
                raise RepeatedWriteError
            patches += changed
        at = after
    return patches


def _is_transactional(frame: Buffer, at: int) -> bool:
    """Whether the batch that begins there is part of a transaction."""
    (attributes,) = INT16.unpack_from(frame, at + _ATTRIBUTES_AT)
    return bool(attributes & _TRANSACTIONAL)


def renewed_batch(frame: Buffer, at: int, after: int, producer: bytes) -> list[tuple[int, bytes]]:
    """The patches of the batch that begins at `at` and ends before `after`.

    `producer` stands where its producer id does from now on, with what follows if there is more.
    None if the batch's CRC is wrong, which must stay visible.
    """
    view = memoryview(frame)
    after_producer = at + _PRODUCER_ID_AT + len(producer)
    before = crc32c(view[at + _CRC_FROM : at + _PRODUCER_ID_AT])
    rest = view[after_producer:after]
    old = view[at + _PRODUCER_ID_AT : after_producer]
    (claimed,) = UINT32.unpack_from(frame, at + _CRC_AT)
    if crc32c(rest, crc32c(old, before)) != claimed:
        return []
    renewed = crc32c(rest, crc32c(producer, before))
    return [(at + _CRC_AT, UINT32.pack(renewed)), (at + _PRODUCER_ID_AT, producer)]
