"""Metadata requests that create no topic.

A broker creates topics that somebody asks the metadata of, with its own defaults. Below version 4 a
client cannot say that it does not want that, so there the request goes out as version 4, and the
answer is written again in the client's version.
"""

from dataclasses import replace
from typing import Any, Final

from dataplane.virtual.division import Ruling
from dataplane.virtual.effects import METADATA
from dataplane.virtual.messages import (
    DecodedRequest,
    blank,
    decode_response,
    element_of,
    encode_request,
    encode_response,
)
from dataplane.wire.header import Peek
from dataplane.wire.primitives import Buffer
from dataplane.wire.schema import entity_of, struct_of

_WITH_A_SAY: Final = 4
"""The first version in which a client says whether topics may be created."""


def quiet(frame: Buffer, request: DecodedRequest) -> Ruling | None:
    """A Metadata request without the creation of topics; None if it asks for none."""
    header, body = request
    if header.version >= _WITH_A_SAY:
        if not body.allow_auto_topic_creation:
            return None
        asked = replace(body, allow_auto_topic_creation=False)
        return Ruling(frame=encode_request(frame, asked), version=header.version)
    newer = entity_of(METADATA, _WITH_A_SAY, "request")
    element = element_of(newer, "topics")
    topics = tuple(element(name=topic.name) for topic in body.topics or ())
    everything = body.topics is None or (header.version == 0 and not topics)
    asked = newer(topics=None if everything else topics, allow_auto_topic_creation=False)
    return Ruling(
        frame=encode_request(frame, asked),
        version=_WITH_A_SAY,
        finish=lambda answer: _older(header, answer),
    )


def _older(header: Peek, answer: bytes) -> bytes:
    """The answer of version 4 in the client's version."""
    body = decode_response(METADATA, _WITH_A_SAY, answer)
    return encode_response(header, _as(entity_of(METADATA, header.version, "response"), body))


def _as(entity: type[Any], body: Any) -> Any:
    """The fields that an older version has, of those of a newer one."""
    given = {}
    for field in struct_of(entity).fields:
        value = getattr(body, field.name)
        if field.struct is not None and field.array:
            value = tuple(_as(field.struct.entity, element) for element in value)
        given[field.name] = value
    return blank(entity, **given)
