"""Whole messages as kio's dataclasses, for the few that are read or written by hand.

Not for the hot path: decoding costs some hundred times what a program costs.
"""

import io
from dataclasses import MISSING
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from kio.schema.errors import ErrorCode
from kio.serial import entity_reader, entity_writer
from kio.serial.errors import SerialError

from dataplane.wire.compiler import Program, compile_program
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import (
    Peek,
    peek,
    request_is_tagged,
    response_header,
    response_is_tagged,
)
from dataplane.wire.primitives import INT16, Buffer, skip_tags
from dataplane.wire.schema import Direction, Field, entity_of, message, struct_of

MOST_ELEMENTS: Final = 10_000
"""Topics, partitions, groups and so on in one request that is read by hand, all together: each of
them costs some 30 microseconds until it is answered, in which nobody else is served."""

_PRODUCE: Final = 0
_NO_ANSWER: Final = 0
"""The acks of a producer that does not wait."""


_BY_HAND: Final = 15
"""Elements that a program passes in the time that it takes to read and answer one by hand."""

_LEAST_SIZE: Final = 3
"""Bytes of the smallest element: a name of one character, or an index."""


def elements_by_hand(frame: Buffer) -> int:
    """So many elements could a program have passed while a request is read and answered by hand.

    As many as it can have at its size, as those are not counted that are read. Not of Produce,
    whose size is that of its records.
    """
    return _BY_HAND * min(len(frame) // _LEAST_SIZE, MOST_ELEMENTS)


class DecodedRequest(NamedTuple):
    """A decoded request."""

    header: Peek
    body: Any
    """kio's dataclass of the API and version."""

    @property
    def expects_answer(self) -> bool:
        """Whether there is one: not to Produce with acks=0."""
        return self.header.api_key != _PRODUCE or self.body.acks != _NO_ANSWER


def decode_request(frame: Buffer, most_elements: int = MOST_ELEMENTS) -> DecodedRequest:
    """Read a request frame, header included.

    Raises:
        MalformedFrameError: the bytes are no request, of an API or version that is not known, or
            of more elements than that.
    """
    header = peek(frame)
    tagged = _known(header.api_key, header.version)
    pieces, _, elements = _checker(header.api_key, header.version, "request").run(frame, None)
    if elements > most_elements:
        raise MalformedFrameError(f"too many elements: {elements}, and at most {most_elements}")
    frame = b"".join(pieces)
    (client_id_size,) = INT16.unpack_from(frame, 8)
    at = 10 + max(client_id_size, 0)
    body_at = skip_tags(frame, at) if tagged else at
    return DecodedRequest(header, _decoded(entity_of(*header[:2], "request"), frame, body_at))


def encode_request(frame: Buffer, body: Any) -> bytes:
    """A request with the header of another and this body, of whatever version of the same API."""
    (client_id_size,) = INT16.unpack_from(frame, 8)
    key, version = peek(frame).api_key, body.__version__
    written = io.BytesIO()
    written.write(INT16.pack(key) + INT16.pack(version))
    written.write(bytes(frame[4 : 10 + max(client_id_size, 0)]))
    written.write(b"\0" * request_is_tagged(key, version))
    entity_writer(type(body))(written, body)
    return written.getvalue()


def decode_response(api_key: int, version: int, frame: Buffer) -> Any:
    """Read a response frame, header included, as kio's dataclass. Raises MalformedFrameError."""
    _known(api_key, version)
    frame = b"".join(_checker(api_key, version, "response").run(frame, None, None))
    body_at = skip_tags(frame, 4) if response_is_tagged(api_key, version) else 4
    return _decoded(entity_of(api_key, version, "response"), frame, body_at)


def encode_response(header: Peek, body: Any) -> bytes:
    """An answer to the request with this header, as a frame."""
    written = io.BytesIO()
    written.write(response_header(header.api_key, body.__version__, header.correlation_id))
    entity_writer(type(body))(written, body)
    return written.getvalue()


def _known(api_key: int, version: int) -> bool:
    try:
        return request_is_tagged(api_key, version)
    except KeyError:
        raise MalformedFrameError(f"API {api_key} version {version} is not known") from None


@cache
def _checker(api_key: int, version: int, direction: Direction) -> Program:
    """A program that drops the tagged fields that the schema does not know, and changes nothing.

    kio reads none of those, and believes lengths, so they are checked before it reads.
    """
    is_tagged = request_is_tagged if direction == "request" else response_is_tagged
    return compile_program(
        f"check_{direction}",
        message(api_key, version, direction),
        direction,
        lambda _path, _field: None,
        tagged_header=is_tagged(api_key, version),
        most_elements=MOST_ELEMENTS if direction == "request" else None,
        counts_skipped=True,
    )


def _decoded(entity: type[Any], frame: Buffer, at: int) -> Any:
    try:
        body, _ = entity_reader(entity)(bytes(frame), at)
    except (SerialError, KeyError, ValueError) as error:  # unknown tags and error codes
        raise MalformedFrameError(f"{entity.__name__}: {error}") from None
    return body


def element_of(entity: type[Any], array: str) -> type[Any]:
    """The dataclass of the elements of an array field."""
    fields = {field.name: field for field in struct_of(entity).fields}
    struct = fields[array].struct
    if struct is None:
        raise TypeError(f"{array} of {entity.__name__} has no structs in it")
    return struct.entity


def blank(entity: type[Any], /, **given: Any) -> Any:
    """An entity with the given fields; in all others Kafka's default, or null, empty, -1, no error.

    A plain int is taken for an error code.
    """
    struct = struct_of(entity)
    values: dict[str, Any] = {
        field.name: given.pop(field.name, _NOT_GIVEN) for field in (*struct.fields, *struct.tagged)
    }
    if given:
        raise TypeError(f"{entity.__name__} has no {', '.join(given)}")
    if isinstance(values.get("error_code"), int):
        values["error_code"] = ErrorCode(values["error_code"])
    for field in struct.fields:
        has_default = entity.__dataclass_fields__[field.name].default is not MISSING
        if values[field.name] is _NOT_GIVEN and not has_default:
            values[field.name] = _nothing(field)
    return entity(**{name: value for name, value in values.items() if value is not _NOT_GIVEN})


_NOT_GIVEN: Final = object()
_NOTHING: Final[dict[str, Any]] = {
    "string": "",
    "bytes": b"",
    "records": b"",
    "bool": False,
    "error_code": ErrorCode.none,
    "int8": 0,
    "int16": -1,
    "int32": -1,
    "int64": -1,
    "datetime_i64": datetime.fromtimestamp(0, UTC),
    "timedelta_i32": timedelta(),
    "timedelta_i64": timedelta(),
}


def _nothing(field: Field) -> Any:
    if field.array:
        return ()  # Kafka's own default, also where null may stand
    if field.kind == "records":
        return b""  # the same: clients take null records for a broken answer
    if field.nullable:
        return None
    return blank(field.struct.entity) if field.struct is not None else _NOTHING[field.kind]
