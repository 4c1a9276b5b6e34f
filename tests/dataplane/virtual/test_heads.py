"""The first fields of group and transaction requests, of every version, as kio writes them."""

import io
from typing import Any

import pytest
from kio.serial import entity_writer

from dataplane.virtual.apis import APIS
from dataplane.virtual.heads import (
    JOIN_GROUP,
    METADATA,
    membership,
    topics_described,
    transactional_id,
)
from dataplane.virtual.messages import blank
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import request_is_tagged
from dataplane.wire.schema import entity_of
from tests.dataplane.equivalence import scene

GROUP_APIS = (8, 11, 12, 14, 68)
TRANSACTION_APIS = (22, 24, 25, 26, 28)


def versions(keys: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(k, v) for k in keys for v in range(APIS[k].lowest, APIS[k].highest + 1)]


def frame(key: int, version: int, correlation_id: int = 7, **fields: Any) -> bytes:
    entity = entity_of(key, version, "request")
    known = {name: value for name, value in fields.items() if name in entity.__annotations__}
    written = io.BytesIO()
    written.write(key.to_bytes(2) + version.to_bytes(2) + correlation_id.to_bytes(4) + b"\0\4test")
    written.write(b"\0" * request_is_tagged(key, version))
    entity_writer(entity)(written, blank(entity, **known))
    return written.getvalue()


@pytest.mark.parametrize(("key", "version"), versions(GROUP_APIS))
def test_who_speaks(key: int, version: int) -> None:
    said = membership(
        frame(
            key,
            version,
            group_id="gr\u00fcppe" * 20,
            member_id="member",
            generation_id=7,
            generation_id_or_member_epoch=7,
            member_epoch=7,
        )
    )
    assert (said.group, said.member) == ("gr\u00fcppe" * 20, "member")
    assert said.generation == (-1 if key == JOIN_GROUP else 7)
    assert (said.session_timeout is not None) == (key == JOIN_GROUP)


@pytest.mark.parametrize(("key", "version"), versions(TRANSACTION_APIS))
def test_whose_transaction_it_is(key: int, version: int) -> None:
    fields = {"transactional_id": "tx", "v3_and_below_transactional_id": "tx"}
    assert transactional_id(frame(key, version, **fields)) == "tx"


@pytest.mark.parametrize(("key", "version"), versions((METADATA,)))
def test_which_topics_are_asked_for(key: int, version: int) -> None:
    names = ["orders", "gr\u00fc\u00dfe", "payments"]
    asked = scene.made(key, version, topics=[{"name": name} for name in names])[2].topics
    assert topics_described(frame(METADATA, version, topics=asked), 10) == names
    assert topics_described(frame(METADATA, version, topics=asked), 2) == names[:2]
    assert topics_described(frame(METADATA, version, topics=()), 10) == []


@pytest.mark.parametrize(("key", "version"), versions(GROUP_APIS))
def test_a_frame_that_ends_early_is_malformed(key: int, version: int) -> None:
    whole = frame(key, version, group_id="group", member_id="member")
    end = whole.index(b"member") + 3
    for size in range(10, end):
        with pytest.raises(MalformedFrameError):
            membership(whole[:size])
