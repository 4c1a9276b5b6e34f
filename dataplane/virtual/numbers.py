"""The numbers that clients know records by, where these are not the cluster's own offsets.

A batch's first offset stands outside its CRC, and those of its records are counted from it: 8 bytes
of each batch are exchanged, whatever is in it. That also holds for messages of the older formats,
except compressed ones of format 0: offsets inside these stay the cluster's.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from crc32c import crc32c

from contract.numbering import Numbering
from dataplane.wire.primitives import INT32, INT64, UINT32, Buffer

_LENGTH_AT: Final = 8
_BEFORE_LENGTH_ENDS: Final = 12
_CRC_FROM: Final = 21
_MARKER: Final = (
    b"\x20"  # 16 bytes, as varints are written
    b"\0\0\0"  # attributes; timestamp and offset, counted from the first
    b"\x08"  # 4 bytes of key:
    b"\0\0\0\1"  # version 0, a commit
    b"\x0c"  # 6 bytes of value:
    b"\0\0\0\0\0\0"  # version 0, coordinator epoch 0
    b"\0"  # no headers
)
_BODY: Final = (
    b"\0\x30"  # attributes: transactional, control
    + INT32.pack(0)  # last offset, counted from the first
    + INT64.pack(0) * 2  # first and highest timestamp
    + INT64.pack(-1)  # producer id
    + b"\xff\xff"  # producer epoch
    + INT32.pack(-1)  # first sequence number
    + INT32.pack(1)  # number of records
    + _MARKER
)
_HEAD: Final = (
    INT32.pack(_CRC_FROM - _BEFORE_LENGTH_ENDS + len(_BODY))
    + INT32.pack(-1)  # leader epoch
    + b"\2"  # magic
    + UINT32.pack(crc32c(_BODY))
)


class Numbers:
    """The numberings of one topic's partitions; those that are plain are left out."""

    def __init__(self, physical: bytes, partitions: Iterable[Numbering]) -> None:
        self.physical = physical
        self._partitions = {numbering.partition: numbering for numbering in partitions}

    def __bool__(self) -> bool:
        return bool(self._partitions)

    def of(self, partition: int) -> Numbering | None:
        """A partition's; None where numbers are the cluster's own offsets."""
        return self._partitions.get(partition)


NumbersOfTopics = Mapping[bytes, Numbers]
"""By name."""


def renumbered_batches(
    frame: Buffer, start: int, end: int, numbering: Numbering | None
) -> Sequence[tuple[int, bytes]]:
    """The first offset of each batch, as clients know it; the last batch may be cut off."""
    if numbering is None:
        return ()
    patches = []
    at = start
    while end - at >= _BEFORE_LENGTH_ENDS:
        (offset,) = INT64.unpack_from(frame, at)
        (length,) = INT32.unpack_from(frame, at + _LENGTH_AT)
        patches.append((at, INT64.pack(numbering.number(offset))))
        if length < 0:
            break
        at += _BEFORE_LENGTH_ENDS + length
    return patches


def signpost(goes_on: int) -> bytes:
    """A batch without records for applications, after which a client goes on at a number.

    It is a transaction's marker, of no transaction: clients step over these in every topic with
    transactions (`ControlRecordType`, `EndTransactionMarker`).
    """
    return INT64.pack(goes_on - 1) + _HEAD + _BODY
