"""Headers of frames. A frame here is the payload, without the 4 bytes of length before it.

Request: API key, version, correlation id, client id, and tagged fields in header version 2.
Response: correlation id, and tagged fields in header version 1. Which of them goes with which
message is in kio's schema; the answer to ApiVersions always has header version 0 (KIP-511).
"""

import struct
from functools import cache
from typing import NamedTuple

from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.schema import entity_of

_PEEK = struct.Struct(">hhi").unpack_from
_CORRELATION_ID = struct.Struct(">i")


class Peek(NamedTuple):
    """What every request begins with."""

    api_key: int
    version: int
    correlation_id: int


def peek(frame: bytes | bytearray | memoryview) -> Peek:
    """API key, version and correlation id of a request frame.

    Raises:
        MalformedFrameError: the frame is shorter than that.
    """
    try:
        # As the class itself would, but for a Python call: this is done for each request.
        return tuple.__new__(Peek, _PEEK(frame))
    except struct.error:
        raise MalformedFrameError(
            f"a request of {len(frame)} bytes is too short for a header"
        ) from None


@cache
def request_is_tagged(api_key: int, version: int) -> bool:
    """Whether the request header is version 2, with tagged fields."""
    return bool(entity_of(api_key, version, "request").__header_schema__.__version__ == 2)


@cache
def response_is_tagged(api_key: int, version: int) -> bool:
    """Whether the response header is version 1, with tagged fields."""
    return bool(entity_of(api_key, version, "response").__header_schema__.__version__ == 1)


def response_header(api_key: int, version: int, correlation_id: int) -> bytes:
    """The header of an answer that the gateway writes itself."""
    correlation = _CORRELATION_ID.pack(correlation_id)
    return correlation + b"\0" if response_is_tagged(api_key, version) else correlation
