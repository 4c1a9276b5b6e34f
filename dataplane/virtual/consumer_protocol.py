"""Topic names inside the bytes that the members of a consumer group hand each other.

A subscription goes to the leader with JoinGroup, an assignment to each member with SyncGroup. The
broker stores both, and reads the subscriptions: it lets the offsets of topics that are not in them
expire (`ClassicGroup.computeSubscribedTopics`). So at the broker they name physical topics. Streams
sends the same bytes (KIP-429); those of Connect and others hold no topics and pass untouched.

Layout: int16 version, then `ConsumerProtocolSubscription` or `ConsumerProtocolAssignment`. Every
version begins with the fields of those before; whatever comes after is copied. User data stays as
it is: it means something to the group's own assignor alone.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kio.schema.consumer_protocol_assignment.v0 import data as assignment_v0
from kio.schema.consumer_protocol_subscription.v0 import data as subscription_v0
from kio.schema.consumer_protocol_subscription.v1 import data as subscription_v1

from dataplane.wire.compiler import compile_program
from dataplane.wire.errors import ForeignNameError, MalformedFrameError, RefusedRequestError
from dataplane.wire.primitives import INT16, INT32
from dataplane.wire.schema import Field, struct_of
from dataplane.wire.treatments import AddPrefix, FieldTreatment, StripPrefix

CONSUMER: Final = b"consumer"
"""The protocol type whose bytes these are."""

_INVALID_TOPIC_EXCEPTION: Final = 17
_NOTHING_OF_0: Final = INT32.pack(0) + INT32.pack(-1)
"""No topics and no user data: a subscription, or an assignment, of version 0."""
_NOTHING_OF_1: Final = _NOTHING_OF_0 + INT32.pack(0)
"""The same, and no owned partitions."""
_TOPICS: Final = {"topics[]", "owned_partitions[].topic", "assigned_partitions[].topic"}
_Program: TypeAlias = Callable[[bytes, Any, None], list[bytes]]


def physical_subscription(value: bytes | None, view: Any, protocol_type: Any) -> bytes | None:
    """A member's subscription as the broker is to see it.

    Raises:
        RefusedRequestError: it names an empty topic.
    """
    return _subscription(value, view, protocol_type, _PHYSICAL_SUBSCRIPTION)


def logical_subscription(value: bytes | None, view: Any, protocol_type: Any) -> bytes | None:
    """A member's subscription as its group knows it."""
    return _subscription(value, view, protocol_type, _LOGICAL_SUBSCRIPTION)


def physical_assignment(value: bytes | None, view: Any, protocol_type: Any) -> bytes | None:
    """A member's assignment as the broker is to see it."""
    return _assignment(value, view, protocol_type, _PHYSICAL_ASSIGNMENT)


def logical_assignment(value: bytes | None, view: Any, protocol_type: Any) -> bytes | None:
    """A member's assignment as its group knows it."""
    return _assignment(value, view, protocol_type, _LOGICAL_ASSIGNMENT)


def _compiled(entity: type[Any], treatment: FieldTreatment) -> _Program:
    def classify(path: str, _field: Field) -> FieldTreatment | None:
        return treatment if path in _TOPICS else None

    run: _Program = compile_program("consumer_protocol", struct_of(entity), "body", classify).run
    return run


_ADD: Final = AddPrefix(_INVALID_TOPIC_EXCEPTION, aliased=True)
_STRIP: Final = StripPrefix(aliased=True)
_PHYSICAL_SUBSCRIPTION: Final = (
    _compiled(subscription_v0.ConsumerProtocolSubscription, _ADD),
    _compiled(subscription_v1.ConsumerProtocolSubscription, _ADD),
)
_LOGICAL_SUBSCRIPTION: Final = (
    _compiled(subscription_v0.ConsumerProtocolSubscription, _STRIP),
    _compiled(subscription_v1.ConsumerProtocolSubscription, _STRIP),
)
_PHYSICAL_ASSIGNMENT: Final = _compiled(assignment_v0.ConsumerProtocolAssignment, _ADD)
_LOGICAL_ASSIGNMENT: Final = _compiled(assignment_v0.ConsumerProtocolAssignment, _STRIP)


def _subscription(
    value: bytes | None, view: Any, protocol_type: Any, programs: tuple[_Program, _Program]
) -> bytes | None:
    if protocol_type != CONSUMER or value is None or len(value) < INT16.size:
        return value
    (version,) = INT16.unpack_from(value)
    # Some clients say version 1 and write version 0's fields, so that is tried as well.
    foreign = False
    for program in reversed(programs[: 1 + (version > 0)]):
        try:
            return _run(program, value, view)
        except MalformedFrameError as error:
            foreign = isinstance(error, ForeignNameError)
    # An alias that is gone leaves its physical name behind in what the broker has stored.
    nothing = _NOTHING_OF_1 if version > 0 else _NOTHING_OF_0
    return value[: INT16.size] + nothing if foreign else value


def _assignment(
    value: bytes | None, view: Any, protocol_type: Any, program: _Program
) -> bytes | None:
    """Before version 5 SyncGroup does not say the protocol type: then what fits is an assignment.

    Connect's bytes never fit: where an assignment counts its topics they have an error code and a
    length, and then a name where the length of the first topic would stand.
    """
    if protocol_type not in {None, CONSUMER} or value is None or len(value) < INT16.size:
        return value
    try:
        return _run(program, value, view)
    except ForeignNameError:
        return value[: INT16.size] + _NOTHING_OF_0 if protocol_type == CONSUMER else value
    except (MalformedFrameError, RefusedRequestError):
        return value


def _run(program: _Program, value: bytes, view: Any) -> bytes:
    return value[: INT16.size] + b"".join(program(value[INT16.size :], view, None))
