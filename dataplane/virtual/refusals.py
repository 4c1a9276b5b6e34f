"""Error answers to requests that are not sent on: each topic, partition or group gets the error.

Clients find the things they asked for only in an answer that names them, so the request is decoded
and mirrored into the answer, in the names that the client used.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kio.schema.errors import ErrorCode

from dataplane.virtual.apis import APIS
from dataplane.virtual.messages import blank, decode_request, encode_response
from dataplane.wire.primitives import Buffer
from dataplane.wire.schema import Struct, entity_of, struct_of

_PRODUCE: Final = 0
_NO_ANSWER: Final = 0
"""The acks of a producer that does not wait."""
_FETCH: Final = 1
_FETCH_SESSIONS_SINCE: Final = 7


@dataclass(frozen=True, slots=True)
class Mirror:
    """How an array of the answer follows from an array of the request."""

    source: str
    names: dict[str, str] = field(default_factory=dict)
    """Field of the answer's element to field of the request's; `""` is the element itself."""
    arrays: dict[str, "Mirror"] = field(default_factory=dict)
    """Arrays inside the element."""


def _names(source: str, name: str = "name", *, of: str | None = None) -> Mirror:
    """An array of elements with one name."""
    return Mirror(source, {name: name if of is None else of})


def _partitions(source: str, index: str, array: str = "partitions") -> Mirror:
    """Topics with an array of partitions, whose elements have only their index in common."""
    return Mirror(
        source, {"name": "name"}, {array: Mirror("partitions", {"partition_index": index})}
    )


_INDEXES: Final = Mirror("partition_indexes", {"partition_index": ""})
_TOPICS: Final = _partitions("topics", "partition_index")
_FETCHED: Final = Mirror("topics", {"name": "name"}, {"partitions": _INDEXES})
_RESOURCES: Final = Mirror(
    "resources", {"resource_type": "resource_type", "resource_name": "resource_name"}
)

_MIRRORS: Final[dict[int, dict[str, Mirror]]] = {
    0: {
        "responses": Mirror(
            "topic_data",
            {"name": "name"},
            {"partition_responses": Mirror("partition_data", {"index": "index"})},
        )
    },
    1: {
        "responses": Mirror(
            "topics",
            {"topic": "topic"},
            {"partitions": Mirror("partitions", {"partition_index": "partition"})},
        )
    },
    2: {"topics": _TOPICS},
    3: {"topics": _names("topics")},
    8: {"topics": _TOPICS},
    9: {
        "topics": _FETCHED,
        "groups": Mirror("groups", {"group_id": "group_id"}, {"topics": _FETCHED}),
    },
    10: {"coordinators": _names("coordinator_keys", "key", of="")},
    15: {"groups": _names("groups", "group_id", of="")},
    19: {"topics": _names("topics")},
    20: {"responses": _names("topic_names", of="")},
    21: {"topics": _TOPICS},
    24: {
        "results_by_topic_v3_and_below": Mirror(
            "v3_and_below_topics",
            {"name": "name"},
            {"results_by_partition": Mirror("partitions", {"partition_index": ""})},
        )
    },
    28: {"topics": _TOPICS},
    32: {"results": _RESOURCES},
    33: {"responses": _RESOURCES},
    37: {"results": _names("topics")},
    42: {"results": _names("groups_names", "group_id", of="")},
    44: {"responses": _RESOURCES},
    47: {"topics": _TOPICS},
    61: {"topics": _FETCHED},
    65: {"transaction_states": _names("transactional_ids", "transactional_id", of="")},
}
"""By API key. APIs that are not here have one error code for the whole answer."""


def busy(frame: Buffer) -> bytes | None:
    """The answer to a request that had to wait too long: try again. See `refusal`."""
    return refusal(frame, APIS[decode_request(frame).header.api_key].busy_error)


def refusal(frame: Buffer, error_code: int) -> bytes | None:
    """The answer to a request frame, as the client sent it, with one error everywhere.

    None if the client expects no answer (Produce with acks=0): then the connection is closed, as a
    broker would.

    Raises:
        MalformedFrameError: the frame is no request.
    """
    header, body = decode_request(frame)
    if header.api_key == _PRODUCE and body.acks == _NO_ANSWER:
        return None
    response = struct_of(entity_of(header.api_key, header.version, "response"))
    answer = _filled(response, body, _MIRRORS.get(header.api_key, {}), error_code)
    if header.api_key == _FETCH and header.version >= _FETCH_SESSIONS_SINCE:
        # Clients take an error of the whole answer for one of the session, and look no further.
        answer = replace(answer, error_code=ErrorCode.none)
    return encode_response(header, answer)


def _filled(struct: Struct, source: Any, mirrors: dict[str, Mirror], error_code: int) -> Any:
    given: dict[str, Any] = {
        f.name: ErrorCode(error_code) for f in struct.fields if f.kind == "error_code"
    }
    for f in struct.fields:
        mirror = mirrors.get(f.name)
        if mirror is not None and f.struct is not None:
            given[f.name] = tuple(_mirrored(f.struct, source, mirror, error_code))
    return blank(struct.entity, **given)


def _mirrored(struct: Struct, source: Any, mirror: Mirror, error_code: int) -> Iterator[Any]:
    for element in getattr(source, mirror.source) or ():
        filled = _filled(struct, element, mirror.arrays, error_code)
        named = {
            name: element if of == "" else getattr(element, of) for name, of in mirror.names.items()
        }
        yield replace(filled, **named)
