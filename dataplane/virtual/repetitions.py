"""A Produce request of which parts had been appended before the scope was switched.

Those are answered as the repetitions that they are, and the rest goes on.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

from dataplane.virtual.division import Ruling
from dataplane.virtual.last_writes import last_write_of
from dataplane.virtual.messages import (
    blank,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from dataplane.virtual.refusals import Refusal, mirrored, parts_of
from dataplane.virtual.view import View
from dataplane.wire.header import Peek
from dataplane.wire.primitives import Buffer
from dataplane.wire.schema import entity_of, struct_of

DUPLICATE_SEQUENCE_NUMBER: Final = 46
"""Clients take it for written, at an offset that is not known."""

_HEADER_SIZE: Final = 61


def without_repetitions(frame: Buffer, view: View) -> Ruling | None:
    """What becomes of a Produce request, as the client sent it; None if all of it goes on.

    Raises:
        MalformedFrameError: the frame is no request.
    """
    request = decode_request(frame)
    if not request.expects_answer:
        return None
    header, body = request
    going_on, repeated = [], []
    for topic in body.topic_data:
        kept, left = _parted(topic, view)
        if kept:
            going_on.append(replace(topic, partition_data=kept))
        if left:
            repeated.append(replace(topic, partition_data=left))
    if not repeated:
        return None
    told = told_repeated(header, repeated)
    if not going_on:
        response = entity_of(header.api_key, header.version, "response")
        return Ruling(answer=encode_response(header, blank(response, responses=told)))
    return Ruling(
        frame=encode_request(frame, replace(body, topic_data=tuple(going_on))),
        version=header.version,
        finish=lambda answer: _joined(header, answer, told),
    )


def _parted(topic: Any, view: View) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The partitions that go on, and those whose batch had been appended."""
    physical = view.physical_name(topic).decode()
    kept: list[Any] = []
    left: list[Any] = []
    for partition in topic.partition_data:
        batch = partition.records or b""
        repeated = len(batch) >= _HEADER_SIZE and view.last_writes.has(
            last_write_of(batch, 0), physical, partition.index
        )
        (left if repeated else kept).append(partition)
    return tuple(kept), tuple(left)


def told_repeated(header: Peek, repeated: list[Any]) -> tuple[Any, ...]:
    """The topics of an answer to a Produce request: these of its topics had been appended."""
    array, mirror = parts_of(header)
    response = struct_of(entity_of(header.api_key, header.version, "response"))
    struct = next(f.struct for f in response.fields if f.name == array)
    if struct is None:
        raise TypeError(f"{array} has no structs in it")
    source = SimpleNamespace(topic_data=tuple(repeated))
    return tuple(mirrored(struct, source, mirror, Refusal(DUPLICATE_SEQUENCE_NUMBER, None)))


def _joined(header: Peek, answer: bytes, told: tuple[Any, ...]) -> bytes:
    """One answer of both; a topic that is in both is named once."""
    body = decode_response(header.api_key, header.version, answer)
    partitions: dict[Any, list[Any]] = {_called(topic): [] for topic in (*body.responses, *told)}
    for topic in (*body.responses, *told):
        partitions[_called(topic)] += topic.partition_responses
    topics = {_called(topic): topic for topic in (*told, *body.responses)}
    responses = tuple(
        replace(topics[called], partition_responses=tuple(found))
        for called, found in partitions.items()
    )
    return encode_response(header, replace(body, responses=responses))


def _called(topic: Any) -> Any:
    """A topic's name, or its id."""
    return topic.name if hasattr(topic, "name") else topic.topic_id
