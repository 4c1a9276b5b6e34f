"""A request of which some parts are refused: the rest goes on, and one answer tells of both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from dataplane.virtual.messages import (
    DecodedRequest,
    blank,
    decode_response,
    encode_request,
    encode_response,
)
from dataplane.virtual.refusals import Mirror, Refusal, mirrored, parts_of, refusal
from dataplane.wire.header import Peek
from dataplane.wire.primitives import Buffer
from dataplane.wire.schema import entity_of, struct_of

Finish = Callable[[bytes], bytes]
"""Makes the client's answer of the rewritten one that a broker gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What becomes of a request that was looked into."""

    answer: bytes | None = None
    """The whole answer: nothing is sent on."""
    frame: Buffer | None = None
    """What is sent in the request's place. Without this and without an answer the connection ends,
    as there is an error and nowhere to say it (Produce with acks=0)."""
    version: int = -1
    """Its version, which need not be the client's."""
    finish: Finish | None = None


def followed(first: Ruling | None, second: Ruling | None) -> Ruling | None:
    """Both: the second is about what the first one sends on."""
    if first is None or second is None:
        return first or second
    outer, inner = first.finish, second.finish
    if outer is None:
        return second
    if second.answer is not None:
        return Ruling(answer=outer(second.answer))
    return replace(second, finish=lambda answer: outer(inner(answer) if inner else answer))


def refused(frame: Buffer, error_code: int, text: str) -> Ruling:
    """The whole request, with one error everywhere. Raises MalformedFrameError."""
    return Ruling(answer=refusal(frame, error_code, text))


def divided(
    frame: Buffer,
    request: DecodedRequest,
    treat: Callable[[Any], Any | Refusal],
    untried: int | None = None,
) -> Ruling | None:
    """Go through the parts of a request; None if all of them go on as they are.

    Args:
        frame: the request as the client sent it.
        request: the same, decoded.
        treat: makes of a part what goes on in its place, or why it does not.
        untried: if one part is refused, the others are too, with this error code.
    """
    array, mirror = parts_of(request.header)
    (source,) = mirror.sources
    asked = getattr(request.body, source)
    treated = [(part, treat(part)) for part in asked]
    faults = [(part, found) for part, found in treated if isinstance(found, Refusal)]
    if faults and untried is not None:
        others = Refusal(untried, "not tried, as another part was refused")
        faults = [(p, f if isinstance(f, Refusal) else others) for p, f in treated]
    going_on = tuple(f for _, f in treated if not isinstance(f, Refusal))
    if going_on == asked:
        return None
    told = _told(request.header, array, mirror, faults)
    if asked and len(faults) == len(asked):
        return Ruling(answer=_answer_of(request.header, array, told))
    body = replace(request.body, **{source: going_on})
    sent = encode_request(frame, body)
    if not faults:
        return Ruling(frame=sent, version=request.header.version)
    return Ruling(
        frame=sent,
        version=request.header.version,
        finish=lambda answer: _joined(request.header, array, answer, told),
    )


def _told(
    header: Peek, array: str, mirror: Mirror, faults: list[tuple[Any, Refusal]]
) -> tuple[Any, ...]:
    """The parts of the answer that tell of what was refused."""
    (source,) = mirror.sources
    response = struct_of(entity_of(header.api_key, header.version, "response"))
    struct = next(f.struct for f in response.fields if f.name == array)
    if struct is None:
        raise TypeError(f"{array} has no structs in it")
    return tuple(
        told
        for part, fault in faults
        for told in mirrored(struct, SimpleNamespace(**{source: (part,)}), mirror, fault)
    )


def _answer_of(header: Peek, array: str, told: tuple[Any, ...]) -> bytes:
    response = entity_of(header.api_key, header.version, "response")
    return encode_response(header, blank(response, **{array: told}))


def _joined(header: Peek, array: str, answer: bytes, told: tuple[Any, ...]) -> bytes:
    body = decode_response(header.api_key, header.version, answer)
    return encode_response(header, replace(body, **{array: (*getattr(body, array), *told)}))
