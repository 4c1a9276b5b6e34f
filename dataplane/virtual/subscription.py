"""Topic names inside a consumer's JoinGroup bytes.

A broker reads the topics from the subscriptions of a group and lets the offsets of others expire
(`ClassicGroup.computeSubscribedTopics`), so there they must be physical. Layout: int16 version,
then `ConsumerProtocolSubscription`. Every version begins with version 0's fields, and from version
1 on `owned_partitions` follow; whatever comes after is copied. User data stays as it is: only
members of the same virtual cluster read it.
"""

from typing import Any, Literal, TypeAlias

from kio.schema.consumer_protocol_subscription.v0 import data as v0
from kio.schema.consumer_protocol_subscription.v1 import data as v1

from dataplane.wire.compiler import compile_program
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.primitives import INT16
from dataplane.wire.schema import Field, struct_of
from dataplane.wire.treatments import AddPrefix, FieldTreatment, StripPrefix

CONSUMER = b"consumer"
"""The protocol type whose bytes are subscriptions."""

_INVALID_TOPIC_EXCEPTION = 17
_TOPICS = {"topics[]", "owned_partitions[].topic"}
_Way: TypeAlias = Literal["physical", "logical"]


def physical_subscription(value: bytes | None, view: Any, protocol_type: Any) -> bytes | None:
    """A member's bytes as the broker is to see them; what is no subscription passes untouched."""
    return _rewritten(value, view, protocol_type, "physical")


def logical_subscription(value: bytes | None, view: Any, protocol_type: Any) -> bytes | None:
    """A member's bytes as the members of its group know them."""
    return _rewritten(value, view, protocol_type, "logical")


def _compiled(entity: type[Any], treatment: FieldTreatment) -> Any:
    def classify(path: str, _field: Field) -> FieldTreatment | None:
        return treatment if path in _TOPICS else None

    return compile_program("subscription", struct_of(entity), "body", classify).run


_ADD = AddPrefix(_INVALID_TOPIC_EXCEPTION)
_STRIP = StripPrefix()
_PROGRAMS = {
    "physical": (
        _compiled(v0.ConsumerProtocolSubscription, _ADD),
        _compiled(v1.ConsumerProtocolSubscription, _ADD),
    ),
    "logical": (
        _compiled(v0.ConsumerProtocolSubscription, _STRIP),
        _compiled(v1.ConsumerProtocolSubscription, _STRIP),
    ),
}


def _rewritten(value: bytes | None, view: Any, protocol_type: Any, way: _Way) -> bytes | None:
    if protocol_type != CONSUMER or value is None or len(value) < INT16.size:
        return value
    (version,) = INT16.unpack_from(value)
    programs = _PROGRAMS[way]
    # Some clients say version 1 and write version 0's fields, so that is tried as well.
    for program in reversed(programs[: 1 + (version > 0)]):
        try:
            return value[: INT16.size] + b"".join(program(value[INT16.size :], view, None))
        except MalformedFrameError:
            continue
    return value
