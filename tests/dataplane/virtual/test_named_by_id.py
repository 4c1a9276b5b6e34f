"""Requests that name topics by id go on by name; what is not the tenant's does not exist."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from kio.schema.errors import ErrorCode

from contract.topic_ids import packed
from dataplane.virtual.division import Ruling
from dataplane.virtual.messages import (
    blank,
    decode_request,
    decode_response,
    element_of,
    encode_response,
)
from dataplane.virtual.named_by_id import asked_ids, by_name, by_own_ids
from dataplane.virtual.own_topics import OwnTopics
from dataplane.virtual.programs import request_program
from dataplane.virtual.refusals import REFUSED_LIMIT
from dataplane.virtual.topic_ids import MovedIds
from dataplane.virtual.view import Alias, View
from dataplane.wire.errors import MalformedFrameError, NamedByIdError
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import ALIASED, PREFIX, RIVAL, VIEW, request_frame

PRODUCE, FETCH = 0, 1
METADATA, OFFSET_COMMIT, DELETE_TOPICS = 3, 8, 20
OWN, MOVED, BORN, FOREIGN, LENT, UNKNOWN = (UUID(int=n) for n in range(1, 7))
NAMES = {
    OWN.bytes: f"{PREFIX}own",
    MOVED.bytes: f"{PREFIX}moved",
    FOREIGN.bytes: f"{RIVAL}theirs",
    LENT.bytes: f"{RIVAL}lent",
}
MOVED_VIEW = replace(VIEW, moved_ids=MovedIds(packed([(BORN.bytes, MOVED.bytes)])))


def frame_of(key: int, version: int, *topics: tuple[UUID | None, str | None]) -> bytes:
    entity = entity_of(key, version, "request")
    element = element_of(entity, "topics")
    asked = tuple(element(topic_id=id_, name=name) for id_, name in topics)
    return request_frame(key, version, blank(entity, topics=asked))


def ruled(frame: bytes, view=VIEW):
    return by_name(frame, view, NAMES.get)


@pytest.mark.parametrize(("key", "version"), [(METADATA, 12), (METADATA, 13), (DELETE_TOPICS, 6)])
def test_own_topics_go_on_by_name_and_others_do_not_exist(key, version):
    frame = frame_of(key, version, (OWN, None), (FOREIGN, None), (UNKNOWN, None), (None, "named"))
    ruling = ruled(frame)
    sent = decode_request(ruling.frame).body
    assert [(t.name, t.topic_id) for t in sent.topics] == [("own", None), ("named", None)]
    answer = decode_response(key, version, ruling.finish(answered(key, version, "own", "named")))
    told = answer.topics if key == METADATA else answer.responses
    assert [(t.error_code, t.name or None, t.topic_id) for t in told][2:] == [
        (ErrorCode.unknown_topic_id, None, FOREIGN),
        (ErrorCode.unknown_topic_id, None, UNKNOWN),
    ]


def answered(key: int, version: int, *names: str | UUID) -> bytes:
    entity = entity_of(key, version, "response")
    array = "responses" if key in {DELETE_TOPICS, PRODUCE} else "topics"
    field = "topic_id" if key in {OFFSET_COMMIT, PRODUCE} else "name"
    parts = tuple(blank(element_of(entity, array), **{field: name}) for name in names)
    header = SimpleNamespace(api_key=key, correlation_id=7, version=version)
    return encode_response(header, blank(entity, **{array: parts}))


def test_a_topic_that_has_moved_is_found_by_the_id_that_clients_know():
    frame = frame_of(METADATA, 12, (BORN, None))
    assert asked_ids(frame, MOVED_VIEW) == {MOVED.bytes}
    (topic,) = decode_request(ruled(frame, MOVED_VIEW).frame).body.topics
    assert topic.name == "moved"


def test_the_clusters_own_id_of_it_is_not_known_to_clients():
    ruling = ruled(frame_of(METADATA, 12, (MOVED, None)), MOVED_VIEW)
    (topic,) = decode_response(METADATA, 12, ruling.answer).topics
    assert topic.error_code is ErrorCode.unknown_topic_id


def test_an_alias_is_found_by_its_own_id_and_not_by_its_owners():
    view = replace(ALIASED)
    shown = UUID(bytes=view.topic_ids.shown_as(b"borrowed", LENT.bytes))
    (topic,) = decode_request(ruled(frame_of(METADATA, 12, (shown, None)), view).frame).body.topics
    assert topic.name == "borrowed"
    ruling = ruled(frame_of(METADATA, 12, (LENT, None)), view)
    (topic,) = decode_response(METADATA, 12, ruling.answer).topics
    assert topic.error_code is ErrorCode.unknown_topic_id


def test_what_names_none_by_id_goes_on_as_it_is():
    frame = frame_of(METADATA, 12, (None, "named"))
    assert asked_ids(frame, VIEW) == frozenset()
    assert ruled(frame) is None


@pytest.mark.parametrize("version", [10, 11])
def test_versions_in_which_brokers_take_no_ids_are_told_that_there_is_none(version):
    entity = entity_of(METADATA, version, "request")
    element = element_of(entity, "topics")
    frame = request_frame(
        METADATA, version, blank(entity, topics=(element(topic_id=OWN, name="own"),))
    )
    (topic,) = decode_response(METADATA, version, ruled(frame).answer).topics
    assert topic.error_code is ErrorCode.unknown_topic_id


def test_there_is_an_end_to_ids_that_are_answered_one_by_one():
    ids = [(UUID(int=n), None) for n in range(100, 101 + REFUSED_LIMIT)]
    with pytest.raises(MalformedFrameError, match="topic ids that there are not"):
        ruled(frame_of(METADATA, 12, *ids))
    assert ruled(frame_of(METADATA, 12, *ids[1:])).answer is not None


def commit(*ids: UUID | None) -> bytes:
    entity = entity_of(OFFSET_COMMIT, 10, "request")
    topic = element_of(entity, "topics")
    partitions = (blank(element_of(topic, "partitions"), partition_index=4),)
    topics = tuple(topic(topic_id=id_, partitions=partitions) for id_ in ids)
    return request_frame(OFFSET_COMMIT, 10, blank(entity, group_id="g", topics=topics))


def sent_by(frame: bytes, view: View) -> Any:
    pieces, _, _ = request_program(OFFSET_COMMIT, 10)(frame, view)
    return decode_request(b"".join(pieces)).body


def test_a_commit_goes_on_by_the_ids_of_own_topics_and_others_do_not_exist():
    view = replace(MOVED_VIEW, own_topics=OwnTopics())
    frame = commit(BORN, FOREIGN, OWN, MOVED, None)
    with pytest.raises(NamedByIdError):
        sent_by(frame, view)
    assert asked_ids(frame, view) == {id_.bytes for id_ in (MOVED, FOREIGN, OWN)}
    ruling = by_own_ids(frame, view, NAMES.get)
    sent = sent_by(ruling.frame, view)
    assert [topic.topic_id for topic in sent.topics] == [MOVED, OWN]
    answer = decode_response(
        OFFSET_COMMIT, 10, ruling.finish(answered(OFFSET_COMMIT, 10, BORN, OWN))
    )
    unknown = [
        (topic.topic_id, partition.partition_index, partition.error_code)
        for topic in answer.topics[2:]
        for partition in topic.partitions
    ]
    assert unknown == [(id_, 4, ErrorCode.unknown_topic_id) for id_ in (FOREIGN, MOVED, None)]


def test_of_topics_without_partitions_nothing_is_fetched_and_nothing_is_told():
    entity = entity_of(FETCH, 17, "request")
    topic = element_of(entity, "topics")
    asked = (blank(element_of(topic, "partitions"), partition=0),)
    view = replace(VIEW, own_topics=OwnTopics())
    topics = (topic(topic_id=OWN, partitions=asked), topic(topic_id=UNKNOWN, partitions=()))
    frame = request_frame(FETCH, 17, blank(entity, topics=topics))
    ruling = by_own_ids(frame, view, NAMES.get)
    assert [t.topic_id for t in decode_request(ruling.frame).body.topics] == [OWN]
    assert (ruling.version, ruling.finish) == (17, None)


def write(*ids: UUID | None, acks: int = -1) -> bytes:
    entity = entity_of(PRODUCE, 13, "request")
    topic = element_of(entity, "topic_data")
    partitions = (blank(element_of(topic, "partition_data"), index=4),)
    topics = tuple(topic(topic_id=id_, partition_data=partitions) for id_ in ids)
    return request_frame(PRODUCE, 13, blank(entity, acks=acks, topic_data=topics))


def test_an_alias_for_reading_only_is_not_written_to_by_its_id():
    aliases = (Alias("lent", f"{RIVAL}lent", read_only=True), Alias("open", f"{RIVAL}open"))
    view = replace(VIEW, aliases=aliases, own_topics=OwnTopics())
    closed, writable = (
        UUID(bytes=view.topic_ids.shown_as(name, bytes([n]) * 16))
        for n, name in enumerate((b"lent", b"open"), 7)
    )
    view.own_topics.learn(OWN.bytes, f"{PREFIX}own".encode())
    assert request_program(PRODUCE, 13)(write(OWN, writable), view)
    with pytest.raises(NamedByIdError):
        request_program(PRODUCE, 13)(write(closed), view)
    ruling = by_own_ids(write(OWN, closed, writable, UNKNOWN), view, NAMES.get)
    sent = decode_request(ruling.frame).body
    assert [topic.topic_id for topic in sent.topic_data] == [OWN, writable]
    answer = decode_response(PRODUCE, 13, ruling.finish(answered(PRODUCE, 13, OWN, writable)))
    told = [
        (topic.topic_id, partition.error_code)
        for topic in answer.responses[2:]
        for partition in topic.partition_responses
    ]
    assert told == [
        (closed, ErrorCode.topic_authorization_failed),
        (UNKNOWN, ErrorCode.unknown_topic_id),
    ]
    assert by_own_ids(write(closed, acks=0), view, NAMES.get) == Ruling()
    assert by_own_ids(write(OWN, acks=0), view, NAMES.get) is None


def test_whose_a_topic_is_is_asked_for_once():
    view = replace(MOVED_VIEW, own_topics=OwnTopics())
    assert by_own_ids(commit(BORN, OWN), view, NAMES.get) is None
    assert asked_ids(commit(BORN, OWN), view) == frozenset()
    assert [topic.topic_id for topic in sent_by(commit(BORN, OWN), view).topics] == [MOVED, OWN]
    assert asked_ids(commit(BORN, OWN), replace(view)) == frozenset()
    another = replace(view, own_topics=OwnTopics())
    assert asked_ids(commit(BORN, OWN), another) == {MOVED.bytes, OWN.bytes}
