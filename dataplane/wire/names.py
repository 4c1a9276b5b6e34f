"""Adding a prefix to a name, where the length is not one that generated code handles in place."""

from typing import Any

from dataplane.wire.errors import RefusedRequestError
from dataplane.wire.primitives import INT16, Buffer, encode_uvarint, unexpected_null, uvarint

_LONGEST_NAME = 32767


def rare_compact_name(
    frame: Buffer,
    at: int,
    view: Any,
    nullable: bool,  # noqa: FBT001 - generated code calls it, in one place
    empty_error: int,
) -> tuple[bytes, int, int]:
    """A compact name that is null, empty, or of 127 bytes or more.

    Returns what replaces the frame from `at` on, where the original goes on, and where it ends.
    """
    length, name_at = uvarint(frame, at)
    if length == 0:
        if not nullable:
            unexpected_null(at)
        return b"\0", name_at, name_at
    size = _prefixed_size(length - 1, view, empty_error)
    return encode_uvarint(size + 1) + view.prefix, name_at, name_at + length - 1


def rare_classic_name(
    frame: Buffer,
    at: int,
    view: Any,
    nullable: bool,  # noqa: FBT001 - generated code calls it, in one place
    empty_error: int,
) -> tuple[bytes, int, int]:
    """The same for a name with 2 bytes of length that is null, empty, or of 256 bytes or more."""
    (length,) = INT16.unpack_from(frame, at)
    if length < 0:
        if not nullable or length != -1:
            unexpected_null(at)
        return b"\xff\xff", at + 2, at + 2
    size = _prefixed_size(length, view, empty_error)
    return INT16.pack(size) + view.prefix, at + 2, at + 2 + length


def _prefixed_size(size: int, view: Any, empty_error: int) -> int:
    if size == 0:
        raise RefusedRequestError(empty_error, "an empty name")
    if size + len(view.prefix) > _LONGEST_NAME:
        raise RefusedRequestError(empty_error, f"a name of {size} bytes is too long")
    return size + len(view.prefix)
