"""Kafka's lengths and tagged fields: what generated programs call for the rarer cases.

Programs read one-byte varints and non-negative lengths in place; these functions are for the rest,
so they check everything.
"""

import struct
from typing import Final, NoReturn, TypeAlias

from dataplane.wire.errors import MalformedFrameError

Buffer: TypeAlias = bytes | bytearray | memoryview

INT16: Final = struct.Struct(">h")
INT32: Final = struct.Struct(">i")
INT64: Final = struct.Struct(">q")
UINT32: Final = struct.Struct(">I")

NO_TAGS: Final = b"\0"
"""A section of tagged fields that has none."""

NULL_STRUCT: Final = b"\xff"
"""A struct that is null; one that is there begins with 1."""

LONGEST: Final = 2**31 - 1
"""The largest length that Kafka's protocol can carry."""


def uvarint(frame: Buffer, at: int) -> tuple[int, int]:
    """An unsigned varint of at most 5 bytes, and the position after it."""
    value = shift = 0
    while shift < 35:
        byte = frame[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > LONGEST:
                break
            return value, at
        shift += 7
    raise MalformedFrameError(f"no valid varint ends at byte {at}")


def encode_uvarint(value: int) -> bytes:
    """An unsigned varint."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def null_length(length: int, at: int) -> int:
    """0 for the -1 that means null; any other negative length is malformed."""
    if length == -1:
        return 0
    raise MalformedFrameError(f"a length of {length} at byte {at}")


MOST_TAGS: Final = 1000
"""Tagged fields in a header. Kafka knows none."""


def unexpected_null(at: int) -> NoReturn:
    """A null where the schema has none."""
    raise MalformedFrameError(f"null at byte {at}, where the schema allows none")


def too_many(at: int) -> NoReturn:
    """Refuse a frame whose arrays have more elements than may be looked at in one go."""
    raise MalformedFrameError(f"too many elements in one request, at byte {at}")


def beyond_end(count: int, at: int) -> NoReturn:
    """An array that cannot fit into what is left of the frame."""
    raise MalformedFrameError(f"an array of {count} at byte {at} does not fit into the frame")


def skip_tags(frame: Buffer, at: int) -> int:
    """The position after a section of tagged fields, of a header: there are few."""
    count, at = uvarint(frame, at)
    if count > MOST_TAGS or count > len(frame) - at:
        beyond_end(count, at)
    for _ in range(count):
        _, at = uvarint(frame, at)
        size, at = uvarint(frame, at)
        at += size
    return at


def only_tags(frame: Buffer, at: int, kept: frozenset[int]) -> tuple[bytes, int]:
    """A section of tagged fields with some of them alone, and the position after the original."""
    count, at = uvarint(frame, at)
    if count > len(frame) - at:
        beyond_end(count, at)
    fields = []
    for _ in range(count):
        start = at
        tag, at = uvarint(frame, at)
        size, at = uvarint(frame, at)
        at += size
        if at > len(frame):
            raise MalformedFrameError(f"tagged field {tag} at byte {start} ends beyond the frame")
        if tag in kept:
            fields.append(bytes(frame[start:at]))
    return encode_uvarint(len(fields)) + b"".join(fields), at


def classic_string(frame: Buffer, at: int) -> bytes:
    """The string with 2 bytes of length that begins here; empty for null."""
    (length,) = INT16.unpack_from(frame, at)
    return bytes(frame[at + 2 : at + 2 + max(0, length)])


def compact_string(frame: Buffer, at: int) -> bytes:
    """The compact string that begins here; empty for null."""
    length, at = uvarint(frame, at)
    return bytes(frame[at : at + max(0, length - 1)])


def encode_string(value: bytes | None, *, compact: bool) -> bytes:
    """A string with its length before it."""
    if compact:
        return b"\0" if value is None else encode_uvarint(len(value) + 1) + value
    return INT16.pack(-1) if value is None else INT16.pack(len(value)) + value


def encode_bytes(value: bytes | None, *, compact: bool) -> bytes:
    """A byte field with its length before it."""
    if compact:
        return encode_string(value, compact=True)
    return INT32.pack(-1) if value is None else INT32.pack(len(value)) + value


def encode_count(count: int, *, compact: bool) -> bytes:
    """The length of an array; -1 is null."""
    return encode_uvarint(count + 1) if compact else INT32.pack(count)
