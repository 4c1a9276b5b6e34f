"""The answer to a Fetch when there is nothing new, as a broker gives it once the wait is over."""

from dataclasses import replace
from typing import Final

from kio.static.primitive import i64

from dataplane.virtual.messages import decode_request, decode_response, encode_response
from dataplane.virtual.refusals import refusal
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.primitives import Buffer

_FETCH: Final = 1
_UNKNOWN: Final = i64(-1)


def empty_fetch(frame: Buffer) -> bytes:
    """No records and no error for every partition of a Fetch request; offsets stay untold.

    Raises:
        MalformedFrameError: the frame is no Fetch request.
    """
    header = decode_request(frame).header
    without_error = refusal(frame, 0)
    if header.api_key != _FETCH or without_error is None:
        raise MalformedFrameError(f"API {header.api_key} is not Fetch")
    body = decode_response(_FETCH, header.version, without_error)
    topics = tuple(
        replace(
            topic,
            partitions=tuple(
                replace(partition, high_watermark=_UNKNOWN) for partition in topic.partitions
            ),
        )
        for topic in body.responses
    )
    return encode_response(header, replace(body, responses=topics))
