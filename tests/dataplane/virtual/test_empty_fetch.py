"""Fetch answered as if nothing were new."""

from uuid import UUID

import pytest

from dataplane.virtual.apis import APIS
from dataplane.virtual.empty_fetch import empty_fetch
from dataplane.virtual.messages import blank, decode_response
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.schema import entity_of, struct_of
from tests.dataplane.virtual.test_heads import frame

VERSIONS = APIS[1].served
BY_ID_SINCE = 13
ID = UUID(int=1)


def fetch(version: int) -> bytes:
    topics = next(
        f for f in struct_of(entity_of(1, version, "request")).fields if f.name == "topics"
    )
    assert topics.struct is not None
    inner = next(f for f in topics.struct.fields if f.name == "partitions")
    assert inner.struct is not None
    partitions = tuple(blank(inner.struct.entity, partition=n) for n in (0, 3))
    named = {"topic": "users"} if version < BY_ID_SINCE else {"topic_id": ID}
    topic = blank(topics.struct.entity, **named, partitions=partitions)
    return frame(1, version, topics=(topic,))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_partition_is_answered_without_records(version: int) -> None:
    body = decode_response(1, version, empty_fetch(fetch(version)))
    (topic,) = body.responses
    partitions = topic.partitions
    assert (topic.topic if version < BY_ID_SINCE else topic.topic_id) in {"users", ID}
    assert [p.partition_index for p in partitions] == [0, 3]
    assert {(p.error_code.value, p.high_watermark, p.records) for p in partitions} == {(0, -1, b"")}


def test_nothing_else_is_answered_so() -> None:
    with pytest.raises(MalformedFrameError):
        empty_fetch(frame(12, 4, group_id="g", member_id="m"))
