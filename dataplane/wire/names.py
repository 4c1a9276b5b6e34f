"""Names that generated code does not handle in place: of rare lengths, and those of aliases."""

from typing import Any, Final, NoReturn

from dataplane.wire.errors import NamedByIdError, ReadOnlyTopicError, RefusedRequestError
from dataplane.wire.primitives import INT16, Buffer, encode_uvarint, unexpected_null, uvarint

_LONGEST_NAME = 32767
_TOPIC_AUTHORIZATION_FAILED: Final = 29
_UNKNOWN_TOPIC_ID: Final = 100


def named_by_id() -> NoReturn:
    """Raises NamedByIdError."""
    raise NamedByIdError(_UNKNOWN_TOPIC_ID, "no topic has the id")


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


def rare_compact_topic(  # noqa: PLR0917 - generated code calls it, in one place
    frame: Buffer,
    at: int,
    view: Any,
    nullable: bool,  # noqa: FBT001
    empty_error: int,
    written: bool = False,  # noqa: FBT001, FBT002
) -> tuple[bytes, int, int]:
    """A compact topic name that may be an alias. What the others return."""
    length, name_at = uvarint(frame, at)
    physical = _behind_alias(frame, name_at, length - 1, view, written=written)
    if physical is None:
        return rare_compact_name(frame, at, view, nullable, empty_error)
    after = name_at + length - 1
    return encode_uvarint(len(physical) + 1) + physical, after, after


def rare_classic_topic(  # noqa: PLR0917 - generated code calls it, in one place
    frame: Buffer,
    at: int,
    view: Any,
    nullable: bool,  # noqa: FBT001
    empty_error: int,
    written: bool = False,  # noqa: FBT001, FBT002
) -> tuple[bytes, int, int]:
    """The same for a name with 2 bytes of length."""
    (length,) = INT16.unpack_from(frame, at)
    physical = _behind_alias(frame, at + 2, length, view, written=written)
    if physical is None:
        return rare_classic_name(frame, at, view, nullable, empty_error)
    after = at + 2 + length
    return INT16.pack(len(physical)) + physical, after, after


def _behind_alias(frame: Buffer, at: int, size: int, view: Any, *, written: bool) -> bytes | None:
    """The physical topic behind an alias; None for a name that is none.

    Raises:
        ReadOnlyTopicError: it is for reading only.
    """
    if size <= 0 or not view.physical_of:
        return None
    logical = bytes(frame[at : at + size])
    physical: bytes | None = view.physical_of.get(logical)
    if physical is not None and written and logical in view.read_only_aliases:
        raise ReadOnlyTopicError(
            _TOPIC_AUTHORIZATION_FAILED, f"topic {logical.decode()} is an alias for reading only"
        )
    return physical


def _prefixed_size(size: int, view: Any, empty_error: int) -> int:
    if size == 0:
        raise RefusedRequestError(empty_error, "an empty name")
    if size + len(view.prefix) > _LONGEST_NAME:
        raise RefusedRequestError(empty_error, f"a name of {size} bytes is too long")
    return size + len(view.prefix)
