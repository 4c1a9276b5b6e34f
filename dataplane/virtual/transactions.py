"""Requests about transactions, with the producer as the cluster that serves now knows it.

Three are not known there: whoever was fenced off by a later producer with the same transactional
id, before a switch; who had a transaction open that a switch aborted; and, after a forced switch,
everybody. The first must never write again. The others are to abort their transaction and to go on,
without a new process where the client's library can do that: the error codes are those with which
Java's client, librdkafka and others were seen to do it.
"""

import struct
from typing import Final, NamedTuple

from contract.producer_ids import FIRST_UNIQUE
from dataplane.virtual.heads import (
    ADD_OFFSETS_TO_TXN,
    ADD_PARTITIONS_TO_TXN,
    END_TXN,
    INIT_PRODUCER_ID,
    TXN_OFFSET_COMMIT,
    body_of,
    string_at,
)
from dataplane.virtual.identities import PRODUCER, Real, real_identity
from dataplane.virtual.view import View
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError
from dataplane.wire.header import peek
from dataplane.wire.primitives import INT32, Buffer

NAMES_PRODUCER: Final = frozenset(
    {INIT_PRODUCER_ID, ADD_PARTITIONS_TO_TXN, ADD_OFFSETS_TO_TXN, END_TXN, TXN_OFFSET_COMMIT}
)
"""API keys of the requests that name a producer by id and epoch, apart from Produce."""

_NONE: Final = 0
_ILLEGAL_GENERATION: Final = 22
_INVALID_PRODUCER_EPOCH: Final = 47
_UNKNOWN_PRODUCER_ID: Final = 59

_ABORT_AND_GO_ON: Final = {
    ADD_PARTITIONS_TO_TXN: _UNKNOWN_PRODUCER_ID,
    ADD_OFFSETS_TO_TXN: _UNKNOWN_PRODUCER_ID,
    END_TXN: _UNKNOWN_PRODUCER_ID,
    TXN_OFFSET_COMMIT: _ILLEGAL_GENERATION,
}
"""What makes a client abort its transaction and begin the next with a new epoch (KIP-360). With
UNKNOWN_PRODUCER_ID for TxnOffsetCommit clients would give up altogether."""

_ID_IN_INIT_SINCE: Final = 3
"""Version of InitProducerId from which on clients bring the id that they have."""
_NOBODY: Final = Real(-1, -1)


class _Head(NamedTuple):
    """Whose transaction a request is about."""

    transactional_id: str
    producer_id: int
    epoch: int
    at: int
    """Where the producer id stands in the frame."""


def with_real_producer(frame: Buffer, view: View) -> Buffer:
    """A request of one of these APIs as the cluster is to get it.

    Raises:
        MalformedFrameError: it cannot be read.
        RefusedRequestError: the answer to it, not always an error.
    """
    header = peek(frame)
    key = header.api_key
    if key == INIT_PRODUCER_ID and header.version < _ID_IN_INIT_SINCE:
        return frame
    try:
        head = _head(key, frame)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise MalformedFrameError(f"the producer cannot be read: {error}") from None
    if head.producer_id < FIRST_UNIQUE:
        return frame
    known = real_identity(head.producer_id, head.epoch, view)
    if known is None:
        known = _unknown(key, head, view)
    if known.is_aborted and key != INIT_PRODUCER_ID:
        raise _refusal(key, frame, head)
    after = head.at + PRODUCER.size
    return b"".join((frame[: head.at], known.packed, frame[after:]))


def _unknown(key: int, head: _Head, view: View) -> Real:
    """What becomes of a producer of which nothing is known here."""
    if view.identities.has(view.vcluster + head.transactional_id):
        raise RefusedRequestError(_INVALID_PRODUCER_EPOCH, "there is a newer producer with its id")
    return _NOBODY if key == INIT_PRODUCER_ID else _NOBODY._replace(is_aborted=True)


def _refusal(key: int, frame: Buffer, head: _Head) -> RefusedRequestError:
    """The answer to whoever goes on with a transaction that was aborted."""
    if key == END_TXN and not frame[head.at + PRODUCER.size]:
        return RefusedRequestError(_NONE, "it is aborted already")
    return RefusedRequestError(_ABORT_AND_GO_ON[key], "its transaction was aborted")


def _head(key: int, frame: Buffer) -> _Head:
    at, compact = body_of(frame)
    transactional_id, at = string_at(frame, at, compact)
    if key == TXN_OFFSET_COMMIT:
        _, at = string_at(frame, at, compact)  # the group
    elif key == INIT_PRODUCER_ID:
        at += INT32.size  # the transaction's timeout
    producer_id, epoch = PRODUCER.unpack_from(frame, at)
    if key == END_TXN and len(frame) <= at + PRODUCER.size:
        raise MalformedFrameError("it does not say whether to commit")
    return _Head(transactional_id, producer_id, epoch, at)
