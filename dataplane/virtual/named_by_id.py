"""Requests that name topics by their ids alone (KIP-516), which go on by name or by id.

So what a tenant may reach is decided by one thing, a topic's name, whatever it was asked by: the id
of somebody else's topic is answered like one that does not exist.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Final
from uuid import UUID

from contract.topic_ids import NO_ID
from dataplane.virtual.division import Ruling, divided
from dataplane.virtual.effects import DELETE_TOPICS, METADATA, TOPIC_AUTHORIZATION_FAILED
from dataplane.virtual.fields import class_of
from dataplane.virtual.heads import FETCH, OFFSET_COMMIT, OFFSET_FETCH, PRODUCE
from dataplane.virtual.messages import DecodedRequest, decode_request, encode_request
from dataplane.virtual.refusals import REFUSED_LIMIT, UNKNOWN_TOPIC_ID, Refusal
from dataplane.virtual.view import View
from dataplane.wire.compiler import MOST_ELEMENTS, Program, compile_program
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import peek, request_is_tagged
from dataplane.wire.primitives import Buffer
from dataplane.wire.schema import Field, api_name, message
from dataplane.wire.treatments import FieldTreatment, Gathered, OwnId

BY_ID: Final = frozenset({METADATA, DELETE_TOPICS})
"""API keys of the requests that may do that, and go on by name."""
SENT_BY_ID: Final = frozenset({PRODUCE, FETCH, OFFSET_COMMIT, OFFSET_FETCH})
"""API keys of those that go on by id: the broker sees whether the topic is still there, and the
node remembers whose it is."""
_METADATA_BY_ID_SINCE: Final = 12
"""Before that brokers take ids and names only together (KAFKA-10816)."""

_UNKNOWN: Final = Refusal(UNKNOWN_TOPIC_ID, "This server does not host this topic ID.")
_UNKNOWN_WRITE: Final = Refusal(UNKNOWN_TOPIC_ID, None)
_FOR_READING: Final = Refusal(TOPIC_AUTHORIZATION_FAILED, "the topic is an alias for reading only")

NameOf = Callable[[bytes], str | None]
"""Physical name of the topic with an id on the cluster; None if there is no such topic."""


def asked_ids(frame: Buffer, view: View) -> frozenset[bytes]:
    """Ids on the cluster of the topics that a request names by id, and that are not known.

    Raises:
        MalformedFrameError: the frame is no request.
    """
    key, version, _ = peek(frame)
    ids = view.topic_ids
    if key in SENT_BY_ID:
        asked = {id_ for id_ in _gathered(frame, key, version) if ids.named(id_) is None}
        return frozenset(map(ids.here, asked - {NO_ID}))
    topics = decode_request(frame).body.topics or ()
    return frozenset(ids.here(topic.topic_id.bytes) for topic in topics if _is_by_id(topic))


def by_name(frame: Buffer, view: View, name_of: NameOf) -> Ruling | None:
    """The request with names in the place of ids; what is not the tenant's is answered.

    Raises:
        MalformedFrameError: the frame is no request, or asks for more topics that there are not
            than are answered one by one.
    """
    request = decode_request(frame)
    takes_ids = request.header.api_key != METADATA or request.header.version >= (
        _METADATA_BY_ID_SINCE
    )

    def treat(topic: Any) -> Any | None:
        if not _is_by_id(topic):
            return topic
        logical = _logical(topic.topic_id.bytes, view, name_of) if takes_ids else None
        return replace(topic, topic_id=None, name=logical) if logical is not None else None

    return divided(frame, request, _or_unknown(treat))


def by_own_ids(frame: Buffer, view: View, name_of: NameOf) -> Ruling | None:
    """The request with own topics alone, which the view knows from now on; others are answered.

    None if there are no others: then it is not decoded, and may be as large as any.

    Raises:
        MalformedFrameError: as above.
    """
    key, version, _ = peek(frame)
    ids = view.topic_ids
    asked = learn_asked(frame, view, name_of)
    known = ids.may_be_written if key == PRODUCE else ids.named
    if all(known(id_) for id_ in asked):
        return None

    def treat(topic: Any) -> Any | Refusal | None:
        if not _is_by_id(topic) or ids.named(topic.topic_id.bytes) is None:
            return None
        return topic if known(topic.topic_id.bytes) else _FOR_READING

    request = decode_request(frame)
    if not request.expects_answer:
        return Ruling()  # no part can be told of, so all of it ends the connection, as with brokers
    request = _with_partitions(request)
    ruling = divided(
        frame, request, _or_unknown(treat, _UNKNOWN_WRITE if key == PRODUCE else _UNKNOWN)
    )
    return ruling or Ruling(frame=encode_request(frame, request.body), version=version)


def learn_asked(frame: Buffer, view: View, name_of: NameOf) -> set[bytes]:
    """The ids in the place of names in a request; the view knows own topics by them from now on.

    Raises:
        MalformedFrameError: the frame is no request.
    """
    key, version, _ = peek(frame)
    asked = set(_gathered(frame, key, version))
    for id_ in asked:
        if view.topic_ids.named(id_) is None:
            _learn(id_, view, name_of)
    return asked


def _with_partitions(request: DecodedRequest) -> DecodedRequest:
    """Without topics of which no partition is written or fetched: brokers tell nothing of them."""
    body = request.body
    match request.header.api_key:
        case key if key == PRODUCE:
            written = tuple(topic for topic in body.topic_data if topic.partition_data)
            return request._replace(body=replace(body, topic_data=written))
        case key if key == FETCH:
            fetched = tuple(topic for topic in body.topics if topic.partitions)
            return request._replace(body=replace(body, topics=fetched))
        case _:
            return request


def _learn(shown: bytes, view: View, name_of: NameOf) -> None:
    """Remember a topic if it is one of the tenant's own; aliases are known by other means."""
    here = view.topic_ids.here(shown)
    physical = (name_of(here) or "").encode()
    if physical.startswith(view.prefix) and view.topic_ids.shown(here) == shown:
        view.own_topics.learn(shown, physical)


def _gathered(frame: Buffer, api_key: int, version: int) -> list[bytes]:
    """All ids in the place of topics' names, by a walk over the frame."""
    found: list[bytes] = []
    _gatherer(api_key, version).run(frame, None, found)
    return found


@cache
def _gatherer(api_key: int, version: int) -> Program:
    api = api_name(api_key)

    def gather(path: str, field: Field) -> FieldTreatment | None:
        class_ = class_of(api, "request", path, field)
        return Gathered() if class_ is not None and isinstance(class_.request, OwnId) else None

    return compile_program(
        f"topic_ids_of_{api}",
        message(api_key, version, "request"),
        "request",
        gather,
        tagged_header=request_is_tagged(api_key, version),
        most_elements=MOST_ELEMENTS,
    )


def _or_unknown(
    treat: Callable[[Any], Any | Refusal | None], refusal: Refusal = _UNKNOWN
) -> Callable[[Any], Any | Refusal]:
    """What becomes of a topic; where `treat` has nothing, its id is one that there is not."""
    unknown = 0

    def treated(topic: Any) -> Any | Refusal:
        nonlocal unknown
        found = treat(topic)
        if found is not None:
            return found
        unknown += 1
        if unknown > REFUSED_LIMIT:
            raise MalformedFrameError(f"more than {REFUSED_LIMIT} topic ids that there are not")
        return refusal

    return treated


def _logical(shown: bytes, view: View, name_of: NameOf) -> str | None:
    """What the tenant calls a topic that it knows by this id; None if it does not."""
    physical = name_of(view.topic_ids.here(shown))
    if physical is None:
        return None
    name = physical.encode()
    alias = view.logical_of.get(name)
    here = view.topic_ids.here(shown)
    if alias is not None and view.topic_ids.shown(here) == shown:
        return alias.decode()
    if name.startswith(view.prefix) and view.topic_ids.shown(here) == shown:
        return name[view.prefix_size :].decode()
    return None


def _is_by_id(topic: Any) -> bool:
    id_: UUID | None = getattr(topic, "topic_id", None)
    return id_ is not None and id_.int != 0
