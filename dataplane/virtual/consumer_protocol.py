"""Topic names inside the bytes that the members of a consumer group hand each other.

A subscription goes to the leader with JoinGroup, an assignment to each member with SyncGroup. The
broker stores both, and reads the subscriptions: it lets the offsets of topics that are not in them
expire (`ClassicGroup.computeSubscribedTopics`). So at the broker they name physical topics. Streams
sends the same bytes (KIP-429); those of Connect and others hold no topics and pass untouched.

Layout: int16 version, then `ConsumerProtocolSubscription` or `ConsumerProtocolAssignment`. Every
version begins with the fields of those before; whatever comes after is copied. User data stays as
it is: it means something to the group's own assignor alone.

What is put in is taken out again, or nothing is shown: a broker is sent no consumer's bytes that
cannot be read, as names in them would stay as they are, and a client gets none.
"""

import sys
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kio.schema.consumer_protocol_assignment.v0 import data as assignment_v0
from kio.schema.consumer_protocol_subscription.v0 import data as subscription_v0
from kio.schema.consumer_protocol_subscription.v1 import data as subscription_v1
from kio.serial import entity_reader
from kio.serial.errors import SerialError

from dataplane.wire.compiler import MOST_ELEMENTS, compile_program
from dataplane.wire.errors import ForeignNameError, MalformedFrameError, RefusedRequestError
from dataplane.wire.primitives import INT16, INT32
from dataplane.wire.schema import Field, struct_of
from dataplane.wire.treatments import AddPrefix, FieldTreatment, StripPrefix

CONSUMER: Final = b"consumer"
"""The protocol type whose bytes these are."""

_INVALID_TOPIC_EXCEPTION: Final = 17
INCONSISTENT_GROUP_PROTOCOL: Final = 23
REBALANCE_IN_PROGRESS: Final = 27
_VERSION_0: Final = INT16.pack(0)
_NOTHING_OF_0: Final = _VERSION_0 + INT32.pack(0) + INT32.pack(-1)
"""No topics and no user data: a subscription, or an assignment, of version 0."""
_NOTHING_OF_1: Final = INT16.pack(1) + _NOTHING_OF_0[INT16.size :] + INT32.pack(0)
"""The same, and no owned partitions."""
_TOPICS: Final = {"topics[]", "owned_partitions[].topic", "assigned_partitions[].topic"}
_Program: TypeAlias = Callable[[bytes, Any, None], tuple[list[bytes], int]]

_ANY_NUMBER: Final = sys.maxsize
_READ_TWICE: Final = 10
"""What a subscription costs more that is read by hand as well, and again."""


def physical_subscription(
    value: bytes | None, view: Any, protocol_type: Any
) -> tuple[bytes | None, int]:
    """A member's subscription as the broker is to see it, and how many elements were looked at.

    Raises:
        RefusedRequestError: it names an empty topic, or cannot be read to its end.
    """
    if not value or protocol_type != CONSUMER:
        return value, 0
    try:
        return _subscription(value, view, _PHYSICAL_SUBSCRIPTION)
    except MalformedFrameError as error:
        raise _unreadable(INCONSISTENT_GROUP_PROTOCOL, "subscription", error) from None


def logical_subscription(value: bytes | None, view: Any, protocol_type: Any) -> bytes | None:
    """A member's subscription as its group knows it, or an empty one.

    What cannot be read, or names what is not the virtual cluster's any more, shows nothing: an
    alias that is gone leaves its physical name behind in what the broker has stored.
    """
    if not value or protocol_type != CONSUMER:
        return value
    try:
        return _subscription(value, view, _LOGICAL_SUBSCRIPTION)[0]
    except MalformedFrameError:
        return _NOTHING_OF_0 if value[: INT16.size] <= _VERSION_0 else _NOTHING_OF_1


def physical_assignment(
    value: bytes | None, view: Any, protocol_type: Any
) -> tuple[bytes | None, int]:
    """A member's assignment as the broker is to see it, and how many elements were looked at.

    Without a protocol type it has to be a consumer's. If it is not, the leader is to join again:
    its JoinGroup says the type to the node that it speaks with then.

    Raises:
        RefusedRequestError: it names an empty topic, or cannot be read to its end.
    """
    if not value or protocol_type not in {None, CONSUMER}:
        return value, 0
    try:
        return _run(_PHYSICAL_ASSIGNMENT, value, view)
    except (MalformedFrameError, RefusedRequestError) as error:
        known = protocol_type == CONSUMER
        code = INCONSISTENT_GROUP_PROTOCOL if known else REBALANCE_IN_PROGRESS
        raise _unreadable(code, "assignment", error) from None


def logical_assignment(value: bytes | None, view: Any, protocol_type: Any) -> bytes | None:
    """A member's assignment as its group knows it, or an empty one.

    Without a protocol type what cannot be read passes: names were put only into what could be.
    Connect's bytes never can: where an assignment counts its topics they have an error code and a
    length, and then a name where the length of the first topic would stand.
    """
    if not value or protocol_type not in {None, CONSUMER}:
        return value
    try:
        return _run(_LOGICAL_ASSIGNMENT, value, view)[0]
    except MalformedFrameError:
        is_consumers = protocol_type == CONSUMER or _is_assignment(value, view)
        return _NOTHING_OF_0 if is_consumers else value


def _is_assignment(value: bytes, view: Any) -> bool:
    """Whether a value can be read as a consumer's assignment, whatever it names."""
    try:
        _run(_ANY_ASSIGNMENT, value, view)
    except MalformedFrameError:
        return False
    return True


def _compiled(
    entity: type[Any], treatment: FieldTreatment | None, most_elements: int = _ANY_NUMBER
) -> _Program:
    def classify(path: str, _field: Field) -> FieldTreatment | None:
        return treatment if path in _TOPICS else None

    schema = struct_of(entity)
    program = compile_program(
        "consumer_protocol", schema, "body", classify, most_elements=most_elements
    )
    run: _Program = program.run
    return run


_ADD: Final = AddPrefix(_INVALID_TOPIC_EXCEPTION, aliased=True)
_STRIP: Final = StripPrefix(aliased=True)
_PHYSICAL_SUBSCRIPTION: Final = (
    _compiled(subscription_v0.ConsumerProtocolSubscription, _ADD, MOST_ELEMENTS),
    _compiled(subscription_v1.ConsumerProtocolSubscription, _ADD, MOST_ELEMENTS),
)
_LOGICAL_SUBSCRIPTION: Final = (
    _compiled(subscription_v0.ConsumerProtocolSubscription, _STRIP),
    _compiled(subscription_v1.ConsumerProtocolSubscription, _STRIP),
)
_PHYSICAL_ASSIGNMENT: Final = _compiled(
    assignment_v0.ConsumerProtocolAssignment, _ADD, MOST_ELEMENTS
)
_LOGICAL_ASSIGNMENT: Final = _compiled(assignment_v0.ConsumerProtocolAssignment, _STRIP)
_ANY_ASSIGNMENT: Final = _compiled(assignment_v0.ConsumerProtocolAssignment, None)


def _subscription(
    value: bytes, view: Any, programs: tuple[_Program, _Program]
) -> tuple[bytes, int]:
    """Rewrite a subscription with the program of version 0, or that of all later ones.

    Returns it with the number of elements that were looked at.

    Raises:
        ForeignNameError: it names something of another virtual cluster.
        MalformedFrameError: it cannot be read to its end.
    """
    of_0, of_1 = programs
    if value[: INT16.size] <= _VERSION_0:
        return _run(of_0, value, view)
    try:
        return _run(of_1, value, view)
    except ForeignNameError:
        raise
    except MalformedFrameError:
        # Some clients say version 1 and write version 0's fields. Nothing may follow those: it
        # would be topics that cannot be read.
        rewritten, elements = _run(of_0, value, view)
        if INT16.size + _size_of_0(value) != len(value):
            raise
        return rewritten, _READ_TWICE * elements


def _size_of_0(value: bytes) -> int:
    """Bytes of version 0's fields."""
    try:
        _, size = entity_reader(subscription_v0.ConsumerProtocolSubscription)(value, INT16.size)
    except SerialError as error:
        raise MalformedFrameError(f"a subscription cannot be read: {error}") from error
    return size


def _run(program: _Program, value: bytes, view: Any) -> tuple[bytes, int]:
    if len(value) < INT16.size:
        raise MalformedFrameError(f"{len(value)} bytes are too few for a version")
    pieces, elements = program(value[INT16.size :], view, None)
    return value[: INT16.size] + b"".join(pieces), elements


def _unreadable(code: int, what: str, error: Exception) -> RefusedRequestError:
    return RefusedRequestError(code, f"the {what} cannot be read: {error}")
