"""The first fields of requests about groups, transactions and topics, read without the rest.

They come first in every version, so what may be a long list behind them costs nothing.
"""

import struct
from typing import Final, NamedTuple

from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import peek, request_is_tagged, response_is_tagged
from dataplane.wire.primitives import INT16, INT32, Buffer, skip_tags, uvarint

PRODUCE: Final = 0
PRODUCE_BY_ID_SINCE: Final = 13
"""The version of Produce from which on topics are named by id alone (KIP-516)."""
FETCH: Final = 1
METADATA: Final = 3
OFFSET_COMMIT: Final = 8
OFFSET_FETCH: Final = 9
INIT_PRODUCER_ID: Final = 22
ADD_PARTITIONS_TO_TXN: Final = 24
ADD_OFFSETS_TO_TXN: Final = 25
END_TXN: Final = 26
TXN_OFFSET_COMMIT: Final = 28
JOIN_GROUP: Final = 11
HEARTBEAT: Final = 12
SYNC_GROUP: Final = 14
CONSUMER_GROUP_HEARTBEAT: Final = 68
_REBALANCE_TIMEOUT_SINCE: Final = 1
_NO_GENERATION: Final = -1
_METADATA_WITH_IDS_SINCE: Final = 10
_UUID_SIZE: Final = 16


class Membership(NamedTuple):
    """Who speaks in JoinGroup, SyncGroup, Heartbeat, OffsetCommit or ConsumerGroupHeartbeat."""

    group: str
    member: str
    """Empty: one that is not in the group yet, or does not want to be."""
    generation: int
    """-1 in JoinGroup, and of whoever commits without being a member. Of a KIP-848 group the member
    epoch: 0 of whoever joins, below of whoever leaves."""
    session_timeout: float | None = None
    """Seconds; JoinGroup alone says it."""
    is_cooperative: bool = False
    """Whether, as far as its JoinGroup shows, it holds on to its partitions while it joins."""


def membership(frame: Buffer) -> Membership:
    """Who speaks in a request of one of these APIs. Raises MalformedFrameError."""
    try:
        return _membership(frame)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise MalformedFrameError(f"the group and member cannot be read: {error}") from None


def transactional_id(frame: Buffer) -> str:
    """Of a request that begins with it; empty if it is null. Raises MalformedFrameError.

    They are AddPartitionsToTxn (up to version 3), AddOffsetsToTxn, EndTxn, TxnOffsetCommit and
    InitProducerId.
    """
    try:
        return string_at(frame, *body_of(frame))[0]
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise MalformedFrameError(f"the transactional id cannot be read: {error}") from None


def topics_described(frame: Buffer, most: int) -> list[str]:
    """Names in a Metadata request, up to so many of them; none if it asks for all topics.

    Raises:
        MalformedFrameError: they cannot be read.
    """
    try:
        return _topics_described(frame, most)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise MalformedFrameError(f"the topics cannot be read: {error}") from None


def error_after_throttle(api_key: int, version: int, answer: Buffer) -> int:
    """The error code of an answer that begins with its throttle time. Raises MalformedFrameError.

    It may be one that kio does not know.
    """
    at = INT32.size
    if response_is_tagged(api_key, version):
        at = skip_tags(answer, at)
    at += INT32.size
    if len(answer) < at + INT16.size:
        raise MalformedFrameError(f"an answer of {len(answer)} bytes has no error code")
    (code,) = INT16.unpack_from(answer, at)
    return int(code)


def _membership(frame: Buffer) -> Membership:
    header = peek(frame)
    at, compact = body_of(frame)
    group, at = string_at(frame, at, compact)
    if header.api_key == CONSUMER_GROUP_HEARTBEAT:
        member, at = string_at(frame, at, compact)
        return Membership(group, member, INT32.unpack_from(frame, at)[0])
    (number,) = INT32.unpack_from(frame, at)
    at += INT32.size
    if header.api_key != JOIN_GROUP:
        return Membership(group, string_at(frame, at, compact)[0], number)
    if header.version >= _REBALANCE_TIMEOUT_SINCE:
        at += INT32.size
    member = string_at(frame, at, compact)[0]
    return Membership(group, member, _NO_GENERATION, number / 1000)


def _topics_described(frame: Buffer, most: int) -> list[str]:
    at, compact = body_of(frame)
    if compact:
        count, at = uvarint(frame, at)
        count -= 1
    else:
        (count,) = INT32.unpack_from(frame, at)
        at += INT32.size
    with_ids = peek(frame).version >= _METADATA_WITH_IDS_SINCE
    names: list[str] = []
    for _ in range(min(count, most)):
        name, at = string_at(frame, at + _UUID_SIZE if with_ids else at, compact)
        at = skip_tags(frame, at) if compact else at
        if name:
            names.append(name)
    return names


def body_of(frame: Buffer) -> tuple[int, bool]:
    """Where the body begins, and whether its strings are compact."""
    header = peek(frame)
    (client_id_size,) = INT16.unpack_from(frame, 8)
    at = 10 + max(client_id_size, 0)
    tagged = request_is_tagged(header.api_key, header.version)
    return (skip_tags(frame, at) if tagged else at), tagged


def string_at(frame: Buffer, at: int, compact: bool) -> tuple[str, int]:  # noqa: FBT001 - goes with `at`, as `body_of` returns them
    """A string, empty if it is null, and where the next field begins.

    Raises:
        MalformedFrameError: it ends beyond the frame.
        IndexError, struct.error, UnicodeDecodeError: the same, or it is no text.
    """
    if compact:
        size, at = uvarint(frame, at)
        size -= 1
    else:
        (size,) = INT16.unpack_from(frame, at)
        at += INT16.size
    end = at + max(size, 0)
    if end > len(frame):
        raise MalformedFrameError(f"a string of {size} bytes at byte {at} ends beyond the frame")
    return bytes(frame[at:end]).decode(), end
