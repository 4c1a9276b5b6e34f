"""Error answers to requests that are not sent on: each topic, partition or group gets the error.

Clients find the things they asked for only in an answer that names them, so the request is decoded
and mirrored into the answer, in the names that the client used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeAlias

from kio.schema.errors import ErrorCode

from dataplane.virtual.apis import APIS
from dataplane.virtual.messages import blank, decode_request, encode_response
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import Peek
from dataplane.wire.primitives import Buffer
from dataplane.wire.schema import Struct, entity_of, struct_of

UNKNOWN_TOPIC_ID: Final = 100

_FETCH: Final = 1
_FETCH_SESSIONS_SINCE: Final = 7
_METADATA: Final = 3
_METADATA_TELLS_SINCE: Final = 13
_MESSAGE: Final = "error_message"

DENIED_LIMIT: Final = 1024 * 1024
"""Bytes of a request that is denied: reading it whole costs time that all connections share."""
REFUSED_LIMIT: Final = 3_000
"""Elements of a request that is answered with an error: each takes some 15 microseconds, in which
nobody else is served. With more the connection ends, which its client takes for the same."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """How an array of the answer follows from an array of the request."""

    sources: tuple[str, ...]
    """Arrays, all in a row; a path leads through arrays: `dirs.topics` are the topics of all."""
    names: dict[str, str] = field(default_factory=dict)
    """Field of the answer's element to field of the request's; `""` is the element itself."""
    arrays: "Mirrors" = field(default_factory=dict)
    """Arrays inside the element."""
    unless_told: bool = False
    """Only where the struct around it has no error code of its own that says it all."""

    def elements(self, body: Any) -> Iterator[Any]:
        """The elements of the request that the answer has one for, too."""
        for source in self.sources:
            found = [body]
            for step in source.split("."):
                found = [inner for outer in found for inner in getattr(outer, step) or ()]
            yield from found


Mirrors: TypeAlias = dict[str, Mirror]
"""By the name of the answer's array."""


def _mirror(
    sources: str, names: dict[str, str] | None = None, arrays: "Mirrors | None" = None
) -> Mirror:
    """A row of the table; several sources are separated by spaces."""
    return Mirror(tuple(sources.split()), names or {}, arrays or {})


def _names(sources: str, name: str = "name", *, of: str | None = None) -> Mirror:
    """An array of elements with one name."""
    return _mirror(sources, {name: name if of is None else of})


def _partitions(source: str, index: str, array: str = "partitions") -> Mirror:
    """Topics with an array of partitions, whose elements have only their index in common."""
    return _mirror(
        source, {"name": "name"}, {array: _mirror("partitions", {"partition_index": index})}
    )


def _unless_told(mirror: Mirror) -> Mirror:
    return replace(mirror, unless_told=True)


_INDEXES: Final = _mirror("partition_indexes", {"partition_index": ""})
_NAMES_AND_IDS: Final = _mirror("topics", {"name": "name", "topic_id": "topic_id"})
_TOPICS: Final = _partitions("topics", "partition_index")
_TOPICS_BY_EITHER: Final = replace(_TOPICS, names={"name": "name", "topic_id": "topic_id"})
_FETCHED: Final = _mirror("topics", {"name": "name"}, {"partitions": _INDEXES})
_RESOURCES: Final = _mirror(
    "resources", {"resource_type": "resource_type", "resource_name": "resource_name"}
)

_MIRRORS: Final[dict[int, Mirrors]] = {
    0: {
        "responses": _mirror(
            "topic_data",
            {"name": "name", "topic_id": "topic_id"},
            {"partition_responses": _mirror("partition_data", {"index": "index"})},
        )
    },
    1: {
        "responses": _mirror(
            "topics",
            {"topic": "topic", "topic_id": "topic_id"},
            {"partitions": _mirror("partitions", {"partition_index": "partition"})},
        )
    },
    2: {"topics": _TOPICS},
    3: {"topics": _NAMES_AND_IDS},
    8: {"topics": _TOPICS_BY_EITHER},
    9: {
        "topics": _unless_told(_FETCHED),
        "groups": _names("groups", "group_id"),
    },
    10: {"coordinators": _names("coordinator_keys", "key", of="")},
    15: {"groups": _names("groups", "group_id", of="")},
    19: {"topics": _names("topics")},
    20: {"responses": _names("topic_names", of="")},
    21: {"topics": _TOPICS},
    24: {
        "results_by_topic_v3_and_below": _mirror(
            "v3_and_below_topics",
            {"name": "name"},
            {"results_by_partition": _mirror("partitions", {"partition_index": ""})},
        )
    },
    27: {
        "markers": _mirror(
            "markers",
            {"producer_id": "producer_id"},
            {"topics": _mirror("topics", {"name": "name"}, {"partitions": _INDEXES})},
        )
    },
    28: {"topics": _TOPICS},
    30: {"results": _mirror("creations")},
    31: {"filter_results": _mirror("filters")},
    32: {"results": _RESOURCES},
    33: {"responses": _RESOURCES},
    34: {
        "results": _mirror(
            "dirs.topics",
            {"topic_name": "name"},
            {"partitions": _mirror("partitions", {"partition_index": ""})},
        )
    },
    37: {"results": _names("topics")},
    42: {"results": _names("groups_names", "group_id", of="")},
    43: {
        "replica_election_results": _mirror(
            "topic_partitions",
            {"topic": "topic"},
            {"partition_result": _mirror("partitions", {"partition_id": ""})},
        )
    },
    44: {"responses": _RESOURCES},
    45: {"responses": _TOPICS},
    46: {"topics": _mirror("topics", {"name": "name"}, {"partitions": _INDEXES})},
    49: {
        "entries": _mirror(
            "entries",
            arrays={
                "entity": _mirror(
                    "entity", {"entity_type": "entity_type", "entity_name": "entity_name"}
                )
            },
        )
    },
    50: {"results": _mirror("users")},
    51: {"results": _names("deletions upsertions", "user", of="name")},
    61: {"topics": _FETCHED},
    65: {"transaction_states": _names("transactional_ids", "transactional_id", of="")},
    69: {"groups": _names("group_ids", "group_id", of="")},
    75: {"topics": _names("topics")},
}
"""By API key. APIs that are not here have one error code for the whole answer."""

_RESHAPED: Final[dict[tuple[int, int], Mirrors]] = {(20, 6): {"responses": _NAMES_AND_IDS}}
"""The same for versions whose requests have another shape than those before them."""

_PRESET: Final[dict[int, dict[str, Any]]] = {
    9: {"metadata": ""},
    48: {"entries": None},
    65: {"producer_id": 0, "producer_epoch": 0},
    68: {"member_epoch": 0},
    69: {"group_epoch": 0, "assignment_epoch": 0},
}
"""By API key: what brokers put into fields of an answer with an error, where it is not what `blank`
takes for nothing."""

_WORDS: Final = {
    7: "The request timed out.",
    15: "The coordinator is not available.",
}
"""Kafka's own for the errors that an API of `_WORDY` is put off with."""

_WORDY: Final = frozenset({10, 32})
"""APIs whose answers always have a message beside an error."""


def busy(frame: Buffer) -> bytes | None:
    """The answer to a request that had to wait too long: try again. See `refusal`."""
    return refusal(frame, APIS[decode_request(frame).header.api_key].busy_error)


def denial(frame: Buffer) -> bytes:
    """The answer to a request of an API that is denied: its error, and the reason of its row.

    Raises:
        MalformedFrameError: the frame is no request, or too large to be looked at.
    """
    if len(frame) > DENIED_LIMIT:
        raise MalformedFrameError(f"{len(frame)} bytes are too many for a request that is denied")
    header, body = decode_request(frame, REFUSED_LIMIT)
    api = APIS[header.api_key]
    message = f"{api.name} is not for virtual clusters: {api.reason}"
    return encode_response(header, _answer(header, body, Refusal(api.denied_with, message)))


def parts_of(header: Peek) -> tuple[str, Mirror]:
    """The array of an answer that follows from the request, and how.

    Raises:
        LookupError: the API has one error code for the whole answer.
    """
    return next(iter(_mirrors(header).items()))


def _mirrors(header: Peek) -> Mirrors:
    reshaped = _RESHAPED.get((header.api_key, header.version))
    return reshaped or _MIRRORS.get(header.api_key, {})


def refusal(frame: Buffer, error_code: int, message: str | None = None) -> bytes | None:
    """The answer to a request frame, as the client sent it, with one error everywhere.

    The message stands beside it, in the APIs and versions that have a place for one.

    None if the client expects no answer (Produce with acks=0): then the connection is closed, as a
    broker would.

    Raises:
        MalformedFrameError: the frame is no request, or has more elements than are answered one by
            one.
    """
    request = decode_request(frame, REFUSED_LIMIT)
    if not request.expects_answer:
        return None
    header, body = request
    if message is None and header.api_key in _WORDY:
        message = _WORDS.get(error_code)
    answer = _answer(header, body, Refusal(error_code, message))
    if _is_of_parts(header, error_code):
        answer = replace(answer, error_code=ErrorCode.none)
    return encode_response(header, answer)


def _is_of_parts(header: Peek, error_code: int) -> bool:
    """Whether the whole answer, which could have an error code, has none."""
    if header.api_key == _FETCH:
        # Clients take an error of the whole answer for one of the session, and look no further.
        return header.version >= _FETCH_SESSIONS_SINCE
    is_told = header.api_key == _METADATA and header.version >= _METADATA_TELLS_SINCE
    return is_told and error_code == UNKNOWN_TOPIC_ID


class Refusal(NamedTuple):
    """What every part of an answer says."""

    error_code: int
    message: str | None
    """None: clients show their own words for the code."""

    def of(self, struct: Struct) -> dict[str, Any]:
        """The fields of a struct that say it."""
        said: dict[str, Any] = {}
        for known in struct.fields:
            if known.kind == "error_code":
                said[known.name] = ErrorCode(self.error_code)
            elif known.name == _MESSAGE and self.message is not None:
                said[known.name] = self.message
        return said


def _answer(header: Peek, body: Any, refusal: Refusal) -> Any:
    response = struct_of(entity_of(header.api_key, header.version, "response"))
    return _filled(response, body, _mirrors(header), refusal)


def _filled(struct: Struct, source: Any, mirrors: Mirrors, refusal: Refusal) -> Any:
    given = refusal.of(struct)
    preset = _PRESET.get(struct.entity.__api_key__, {})
    given |= {field.name: preset[field.name] for field in struct.fields if field.name in preset}
    is_told = "error_code" in given
    for array in struct.fields:
        mirror = mirrors.get(array.name)
        if mirror is None or (mirror.unless_told and is_told):
            continue
        if array.struct is not None:
            given[array.name] = tuple(mirrored(array.struct, source, mirror, refusal))
    return blank(struct.entity, **given)


def mirrored(struct: Struct, source: Any, mirror: Mirror, refusal: Refusal) -> Iterator[Any]:
    """The elements of an answer's array for those of the request's."""
    return _parts_for(struct, mirror, refusal)(source)


def _parts_for(struct: Struct, mirror: Mirror, refusal: Refusal) -> Callable[[Any], Iterator[Any]]:
    """Makes those elements. There may be thousands: what is alike in all of them is made once."""
    alike = _filled(struct, None, {}, refusal)
    is_told = "error_code" in refusal.of(struct)
    named = [
        (f.name, of, f.nullable)
        for f in struct.fields
        if (of := mirror.names.get(f.name)) is not None
    ]
    arrays = {
        f.name: _parts_for(f.struct, inner, refusal)
        for f in struct.fields
        if f.struct is not None
        and (inner := mirror.arrays.get(f.name)) is not None
        and not (inner.unless_told and is_told)
    }

    def parts(source: Any) -> Iterator[Any]:
        for element in mirror.elements(source):
            inside = {name: tuple(found(element)) for name, found in arrays.items()}
            yield replace(alike, **inside, **_named(named, element))

    return parts


def _named(named: list[tuple[str, str, bool]], element: Any) -> dict[str, Any]:
    """What an element is called, as far as both messages have a field for it in their version."""
    return {
        field: _name(element if of == "" else getattr(element, of), nullable=nullable)
        for field, of, nullable in named
        if of == "" or hasattr(element, of)
    }


def _name(name: Any, *, nullable: bool) -> Any:
    return "" if name is None and not nullable else name
