"""Answers that tell a client how long it is not listened to (KIP-124, KIP-219)."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from dataplane.virtual.messages import decode_response, encode_response
from dataplane.wire.header import Peek, response_is_tagged
from dataplane.wire.primitives import INT32, Buffer, skip_tags

PRODUCE: Final = 0
FETCH: Final = 1

_TOLD_SINCE: Final = {PRODUCE: 1, FETCH: 1}
"""The first version of each answer that has a place for it."""

_SURELY_THERE: Final = 256
"""Bytes within which a Fetch answer's header ends, and the field after it."""


def throttled(header: Peek, answer: list[Buffer], seconds: float) -> list[Buffer]:
    """The answer with `throttle_time_ms` raised to so many seconds; a broker's longer one stays.

    Of a Produce answer it stands at the end, so that one is decoded, being small. Of a Fetch answer
    it comes first, and the records stay where they are.
    """
    if header.version < _TOLD_SINCE[header.api_key]:
        return answer
    milliseconds = round(seconds * 1000)
    if header.api_key == FETCH:
        return _patched(header, answer, milliseconds)
    body = decode_response(header.api_key, header.version, b"".join(answer))
    longest = max(body.throttle_time, timedelta(milliseconds=milliseconds))
    return [encode_response(header, replace(body, throttle_time=longest))]


def _patched(header: Peek, answer: list[Buffer], milliseconds: int) -> list[Buffer]:
    """Pieces are cut anywhere, so the first ones are joined until they hold the field."""
    taken = 1
    begun = bytearray(answer[0])
    while len(begun) < _SURELY_THERE and taken < len(answer):
        begun += answer[taken]
        taken += 1
    at = skip_tags(begun, 4) if response_is_tagged(header.api_key, header.version) else 4
    (told,) = INT32.unpack_from(begun, at)
    INT32.pack_into(begun, at, max(told, milliseconds))
    return [begun, *answer[taken:]]
