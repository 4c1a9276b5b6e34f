"""Produce requests of transactional producers, as the cluster that serves now is to get them.

The cluster's own producer id, epoch and sequence numbers take the places of those that the client
counts with, in the header of every batch, and its CRC follows. Nothing changes its length.

The layout of a batch is that of Kafka's `DefaultRecordBatch`, magic 2.
"""

import struct
from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from contract.producer_ids import FIRST_UNIQUE
from contract.topic_ids import ID_SIZE
from dataplane.virtual.heads import PRODUCE_BY_ID_SINCE, body_of, string_at
from dataplane.virtual.identities import real_identity
from dataplane.virtual.producer_ids import renewed_batch
from dataplane.virtual.view import View
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError
from dataplane.wire.header import peek
from dataplane.wire.primitives import INT16, INT32, Buffer, skip_tags, uvarint

TRANSACTION_ABORTABLE: Final = 120
"""What is written in a transaction that cannot be committed any more (KIP-890)."""

_LENGTH_AT: Final = 8
_BEFORE_LENGTH_ENDS: Final = 12
_MAGIC_AT: Final = 16
_PRODUCER_AT: Final = 43
_HEADER_SIZE: Final = 61
_MAGIC: Final = 2
_PRODUCER: Final = Struct(">qhi")
"""Producer id, producer epoch, base sequence."""
_SEQUENCES: Final = 1 << 31
"""Sequence numbers begin again at 0 after the last one below."""


class _Records(NamedTuple):
    """Where the records of one partition stand in a frame."""

    topic: bytes
    """Physical."""
    partition: int
    start: int
    end: int


def with_real_writes(frame: Buffer, view: View) -> bytes:
    """A Produce request, from version 3 on, with the producer that the cluster knows.

    Raises:
        MalformedFrameError: it cannot be read.
        RefusedRequestError: its transaction cannot be committed any more.
    """
    changed = bytearray(frame)
    try:
        for records in _all_records(frame, view):
            for at, new in _patches(frame, records, view):
                changed[at : at + len(new)] = new
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise MalformedFrameError(f"what it writes cannot be read: {error}") from None
    return bytes(changed)


def _patches(frame: Buffer, records: _Records, view: View) -> Iterator[tuple[int, bytes]]:
    """What changes in the batches of one partition."""
    place = (records.topic, records.partition)
    at = records.start
    while records.end - at >= _HEADER_SIZE and frame[at + _MAGIC_AT] == _MAGIC:
        held_id, epoch, sequence = _PRODUCER.unpack_from(frame, at + _PRODUCER_AT)
        (length,) = INT32.unpack_from(frame, at + _LENGTH_AT)
        after = at + _BEFORE_LENGTH_ENDS + length
        if not at + _HEADER_SIZE <= after <= records.end:
            break
        if held_id >= FIRST_UNIQUE:
            real = real_identity(held_id, epoch, view)
            if real is None or real.is_aborted:
                raise RefusedRequestError(TRANSACTION_ABORTABLE, "its transaction was aborted")
            counted = (sequence - real.firsts.get(place, 0)) % _SEQUENCES
            producer = _PRODUCER.pack(real.producer_id, real.epoch, counted)
            yield from renewed_batch(frame, at, after, producer)
        at = after


def _all_records(frame: Buffer, view: View) -> Iterator[_Records]:
    at, compact = body_of(frame)
    is_by_id = peek(frame).version >= PRODUCE_BY_ID_SINCE
    _, at = string_at(frame, at, compact)  # the transactional id
    at += INT16.size + INT32.size  # acks, timeout
    topics, at = _length(frame, at, compact)
    for _ in range(topics):
        topic, at = _topic(frame, at, compact, view, is_by_id=is_by_id)
        partitions, at = _length(frame, at, compact)
        for _ in range(partitions):
            (partition,) = INT32.unpack_from(frame, at)
            size, start = _length(frame, at + INT32.size, compact)
            at = start + max(size, 0)
            if at > len(frame):
                raise MalformedFrameError(f"records of {size} bytes end beyond the frame")
            yield _Records(topic, partition, start, at)
            at = skip_tags(frame, at) if compact else at
        at = skip_tags(frame, at) if compact else at


def _topic(
    frame: Buffer,
    at: int,
    compact: bool,  # noqa: FBT001 - as above
    view: View,
    *,
    is_by_id: bool,
) -> tuple[bytes, int]:
    """A topic's physical name, and where what is written to it begins."""
    if is_by_id:
        after = at + ID_SIZE
        return view.topic_ids.named(bytes(frame[at:after])) or b"", after
    name, after = string_at(frame, at, compact)
    return view.physical_of.get(name.encode()) or view.prefix + name.encode(), after


def _length(frame: Buffer, at: int, compact: bool) -> tuple[int, int]:  # noqa: FBT001 - goes with `at`, as `body_of` returns them
    """A length, -1 for null, and where what is so long begins."""
    if compact:
        size, at = uvarint(frame, at)
        return size - 1, at
    (size,) = INT32.unpack_from(frame, at)
    return size, at + INT32.size
