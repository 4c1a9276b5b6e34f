"""What a record is known by on two clusters: a digest of its content, and its timestamp.

A mirror keeps a record's timestamp, key, value and headers, but for one case: a record that has no
timestamp (-1, or less) gets one from the mirror's own producer. Such a record and its copy are
known by their content alone. On the way back it is the copy that was first and the other side that
has no timestamp: so where either side has a record without one, all that have its content are
compared without theirs. All others are compared by both.
"""

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import Final

_CONTENT_SIZE: Final = 16
_TIMESTAMP: Final = Struct(">q")
_NEGATIVE: Final = 0x80


def fingerprint(timestamp: int, content: bytes) -> bytes:
    """Of a record.

    Args:
        timestamp: epoch milliseconds; negative for none.
        content: key, value and headers, packed so that what differs is packed differently.
    """
    return blake2b(content, digest_size=_CONTENT_SIZE).digest() + _TIMESTAMP.pack(timestamp)


def comparable(
    ours: Sequence[bytes], theirs: Sequence[bytes]
) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Fingerprints of two clusters, made equal where the records may be the same.

    Args:
        ours: of the one, in any order.
        theirs: of the other one.
    """
    timeless = {_content(print_) for row in (ours, theirs) for print_ in row if is_timeless(print_)}
    if not timeless:
        return ours, theirs
    return _without_timestamps(ours, timeless), _without_timestamps(theirs, timeless)


def is_timeless(print_: bytes) -> bool:
    """Whether a record has no timestamp."""
    return len(print_) > _CONTENT_SIZE and bool(print_[_CONTENT_SIZE] & _NEGATIVE)


def timestamp_of(print_: bytes) -> int | None:
    """The epoch milliseconds of a record; None if it has none, or is compared without."""
    if len(print_) <= _CONTENT_SIZE or is_timeless(print_):
        return None
    (timestamp,) = _TIMESTAMP.unpack_from(print_, _CONTENT_SIZE)
    return int(timestamp)


def _without_timestamps(row: Sequence[bytes], timeless: set[bytes]) -> list[bytes]:
    return [content if (content := _content(p)) in timeless else p for p in row]


def _content(print_: bytes) -> bytes:
    return print_[:_CONTENT_SIZE]
