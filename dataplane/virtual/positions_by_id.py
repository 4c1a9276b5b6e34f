"""OffsetFetch by topic ids (from version 10 on): a group's positions, those of own topics alone.

Positions that are asked for by ids go on by ids, so that the broker says whether the topic is still
there. If all of a group's are asked for, an answer by ids could not be told apart from one about
topics of others; so that request goes on by names, and its answer gets the ids again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from kio.schema.errors import ErrorCode

from contract.topic_ids import NO_ID
from dataplane.virtual.apis import COORDINATOR_LOAD_IN_PROGRESS
from dataplane.virtual.division import Ruling
from dataplane.virtual.heads import OFFSET_FETCH
from dataplane.virtual.messages import (
    DecodedRequest,
    blank,
    decode_request,
    decode_response,
    element_of,
    encode_request,
    encode_response,
)
from dataplane.virtual.named_by_id import NameOf, learn_asked
from dataplane.virtual.programs import request_program
from dataplane.virtual.refusals import REFUSED_LIMIT, UNKNOWN_TOPIC_ID
from dataplane.virtual.view import View
from dataplane.wire.errors import MalformedFrameError, NamedByIdError
from dataplane.wire.header import peek
from dataplane.wire.primitives import Buffer
from dataplane.wire.schema import entity_of

_BY_NAME: Final = 9
"""The version that is alike but for names in the place of ids."""
_BY_ID: Final = 10

IdsOf = Callable[[frozenset[bytes]], Mapping[bytes, bytes] | None]
"""The ids on the cluster of topics by their physical names, `NO_ID` where there is none of that
name; None if the cluster has not been asked for some of them."""


def positions_by_own_ids(
    frame: Buffer, view: View, name_of: NameOf, ids_of: IdsOf
) -> Ruling | None:
    """The request as far as it is about own topics, which the view knows from now on.

    A topic of somebody else is answered like one that does not exist. If the ids for an answer by
    names are not known, its group is answered with COORDINATOR_LOAD_IN_PROGRESS: clients ask again.

    None if it can go on as it is: then it is not decoded, and may be as large as any.

    Raises:
        MalformedFrameError: the frame is no request, or is not about own topics alone and has more
            topics than are answered one by one.
    """
    learn_asked(frame, view, name_of)
    try:
        request_program(OFFSET_FETCH, peek(frame).version)(frame, view)
    except NamedByIdError:
        pass
    else:
        return None
    request = decode_request(frame)
    unknown = [_unknown_in(group, view) for group in request.body.groups]
    if sum(map(len, unknown)) > REFUSED_LIMIT:
        raise MalformedFrameError(f"more than {REFUSED_LIMIT} topic ids that there are not")
    known = _of_known_topics(request, view)
    if any(group.topics is None for group in known.body.groups):
        return _by_names(frame, known, unknown, view, ids_of)
    return Ruling(
        frame=encode_request(frame, known.body),
        version=_BY_ID,
        finish=lambda answer: encode_response(
            request.header, _with_unknown(decode_response(OFFSET_FETCH, _BY_ID, answer), unknown)
        ),
    )


def _unknown_in(group: Any, view: View) -> tuple[Any, ...]:
    """What is asked for of a group in topics that are none of the tenant's."""
    named = view.topic_ids.named
    return tuple(topic for topic in group.topics or () if named(_id(topic)) is None)


def _of_known_topics(request: DecodedRequest, view: View) -> DecodedRequest:
    named = view.topic_ids.named
    groups = tuple(
        group
        if group.topics is None
        else replace(group, topics=tuple(t for t in group.topics if named(_id(t)) is not None))
        for group in request.body.groups
    )
    return request._replace(body=replace(request.body, groups=groups))


def _with_unknown(body: Any, unknown: list[tuple[Any, ...]]) -> Any:
    """The answer, which tells of topics that do not exist as well.

    As with brokers, unless the group itself has an error.
    """
    if len(body.groups) != len(unknown):
        raise MalformedFrameError("an answer about other groups than were asked for")
    groups = tuple(
        group
        if group.error_code is not ErrorCode.none
        else replace(group, topics=(*group.topics, *map(_no_such_topic, topics)))
        for group, topics in zip(body.groups, unknown, strict=True)
    )
    return replace(body, groups=groups)


def _no_such_topic(asked: Any) -> Any:
    topic = element_of(element_of(entity_of(OFFSET_FETCH, _BY_ID, "response"), "groups"), "topics")
    partition = blank(element_of(topic, "partitions"), metadata="", error_code=UNKNOWN_TOPIC_ID)
    told = tuple(replace(partition, partition_index=index) for index in asked.partition_indexes)
    return topic(topic_id=asked.topic_id, partitions=told)


def _by_names(
    frame: Buffer,
    request: DecodedRequest,
    unknown: list[tuple[Any, ...]],
    view: View,
    ids_of: IdsOf,
) -> Ruling:
    """The request by names, whose answer gets ids again."""
    asked = request.body.groups
    entity = entity_of(OFFSET_FETCH, _BY_NAME, "request")
    group_by_name = element_of(entity, "groups")
    topic_by_name = element_of(group_by_name, "topics")
    groups = tuple(
        group_by_name(
            group_id=group.group_id,
            member_id=group.member_id,
            member_epoch=group.member_epoch,
            topics=group.topics
            and tuple(
                topic_by_name(name=_logical(topic, view), partition_indexes=topic.partition_indexes)
                for topic in group.topics
            ),
        )
        for group in asked
    )

    def finish(answer: bytes) -> bytes:
        by_name = decode_response(OFFSET_FETCH, _BY_NAME, answer)
        told = _with_ids(by_name, asked, view, ids_of)
        return encode_response(request.header, _with_unknown(told, unknown))

    body = entity(groups=groups, require_stable=request.body.require_stable)
    return Ruling(frame=encode_request(frame, body), version=_BY_NAME, finish=finish)


def _with_ids(body: Any, asked: tuple[Any, ...], view: View, ids_of: IdsOf) -> Any:
    """An answer by names as one by ids."""
    if len(body.groups) != len(asked):
        raise MalformedFrameError("an answer about other groups than were asked for")
    entity = entity_of(OFFSET_FETCH, _BY_ID, "response")
    group_by_id = element_of(entity, "groups")
    physical = {
        topic.name: view.physical_name(topic) for group in body.groups for topic in group.topics
    }
    ids = ids_of(frozenset(physical.values()))

    def told(group: Any, wanted: Any) -> Any:
        if ids is None and group.topics:
            return group_by_id(
                group_id=group.group_id,
                topics=(),
                error_code=ErrorCode(COORDINATOR_LOAD_IN_PROGRESS),
            )
        shown = {
            topic.name: _shown(topic.name, (ids or {})[physical[topic.name]], view)
            for topic in group.topics
        }
        topics = (
            [_identified(topic, shown[topic.name]) for topic in group.topics]
            if wanted.topics is None
            else _asked_for(group.topics, wanted.topics, shown, view)
        )
        return group_by_id(
            group_id=group.group_id,
            # What has no id any more is told by no broker.
            topics=tuple(topic for topic in topics if topic.topic_id is not None),
            error_code=group.error_code,
        )

    groups = tuple(told(*pair) for pair in zip(body.groups, asked, strict=True))
    return entity(throttle_time=body.throttle_time, groups=groups)


def _asked_for(
    topics: tuple[Any, ...], wanted: tuple[Any, ...], shown: Mapping[str, bytes], view: View
) -> list[Any]:
    """Positions of topics by the ids that they were asked for; one that was made anew is gone."""
    by_name = {topic.name: topic for topic in topics}
    told = []
    for asked in wanted:
        name = _logical(asked, view)
        if name in by_name and shown[name] == _id(asked):
            told.append(_identified(by_name[name], shown[name]))
        elif name in by_name:
            told.append(_no_such_topic(asked))
    return told


def _identified(topic: Any, shown: bytes) -> Any:
    """A topic of an answer by name as one of an answer by id; without one if it has none."""
    entity = element_of(element_of(entity_of(OFFSET_FETCH, _BY_ID, "response"), "groups"), "topics")
    partition = element_of(entity, "partitions")
    return entity(
        topic_id=UUID(bytes=shown) if shown != NO_ID else None,
        partitions=tuple(
            partition(
                partition_index=told.partition_index,
                committed_offset=told.committed_offset,
                committed_leader_epoch=told.committed_leader_epoch,
                metadata=told.metadata,
                error_code=told.error_code,
            )
            for told in topic.partitions
        ),
    )


def _shown(name: str, here: bytes, view: View) -> bytes:
    """The id that clients know a topic by, from its name and its id on the cluster."""
    alias = name.encode()
    if alias in view.physical_of:
        return view.topic_ids.shown_as(alias, here)
    return view.topic_ids.shown(here)


def _logical(topic: Any, view: View) -> str:
    """What the tenant calls a topic that it has named by id, and that is known."""
    physical = view.topic_ids.named(_id(topic)) or b""
    if physical.startswith(view.prefix):
        return physical[view.prefix_size :].decode()
    return view.logical_of[physical].decode()


def _id(topic: Any) -> bytes:
    return topic.topic_id.bytes if topic.topic_id is not None else NO_ID
