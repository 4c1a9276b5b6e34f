"""What a connection knows of the groups that it joins."""

import struct

import pytest

from dataplane.gateway.protocol_types import ProtocolTypes
from dataplane.virtual.programs import request_program
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError
from tests.dataplane.virtual.instances import VIEW
from tests.dataplane.virtual.test_heads import frame

JOIN_GROUP, SYNC_GROUP = 11, 14
SR = b'{"error":0,"master":"sr-1"}'


def joined(types: ProtocolTypes, group: str, protocol_type: str) -> None:
    request = frame(JOIN_GROUP, 5, group_id=group, protocol_type=protocol_type)
    _, fact, _ = request_program(JOIN_GROUP, 5)(request, VIEW)
    types.joins(request, fact)


def synced(version: int, assignment: bytes = SR) -> bytes:
    text = struct.pack(">h1s", 1, b"m") + struct.pack(">i", len(assignment)) + assignment
    begins = frame(SYNC_GROUP, version, group_id="g", member_id="m")
    return begins[:-4] + struct.pack(">i", 1) + text


def test_a_sync_group_that_does_not_say_its_type_has_that_of_the_join_group():
    types = ProtocolTypes()
    assert types.of(synced(3)) is None
    joined(types, "g", "sr")
    joined(types, "other", "consumer")
    pieces, fact, _ = request_program(SYNC_GROUP, 3)(synced(3), VIEW, types.of(synced(3)))
    assert SR in b"".join(pieces)
    assert fact == b"sr"
    joined(types, "g", "consumer")
    with pytest.raises(RefusedRequestError):
        request_program(SYNC_GROUP, 3)(synced(3), VIEW, types.of(synced(3)))


def test_of_very_many_groups_the_latest_are_remembered():
    types = ProtocolTypes()
    for number in range(300):
        joined(types, f"g{number}", "sr")
    known = [n for n in range(300) if types.of(frame(SYNC_GROUP, 3, group_id=f"g{n}"))]
    assert known == list(range(44, 300))


def test_what_cannot_be_read_is_malformed():
    with pytest.raises(MalformedFrameError):
        ProtocolTypes().of(synced(3)[:14])
