"""OffsetFetch by topic ids tells of own topics alone, whichever way its broker is asked."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from kio.schema.errors import ErrorCode

from contract.topic_ids import NO_ID, packed
from dataplane.virtual.division import Ruling
from dataplane.virtual.messages import (
    blank,
    decode_request,
    decode_response,
    element_of,
    encode_response,
)
from dataplane.virtual.own_topics import OwnTopics
from dataplane.virtual.positions_by_id import positions_by_own_ids
from dataplane.virtual.programs import request_program
from dataplane.virtual.refusals import REFUSED_LIMIT
from dataplane.virtual.topic_ids import MovedIds
from dataplane.virtual.view import Alias, View
from dataplane.wire.errors import MalformedFrameError, NamedByIdError
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import PREFIX, RIVAL, VIEW, request_frame

OFFSET_FETCH = 9
OWN, MOVED, BORN, FOREIGN, LENT, ANEW = (UUID(int=n) for n in range(21, 27))
NAMES = {
    OWN.bytes: f"{PREFIX}own",
    MOVED.bytes: f"{PREFIX}moved",
    FOREIGN.bytes: f"{RIVAL}theirs",
    LENT.bytes: f"{RIVAL}lent",
}
IDS = {name.encode(): id_ for id_, name in NAMES.items()}
ALIAS = Alias("borrowed", f"{RIVAL}lent")

Asked = list[UUID | None] | None
Told = list[tuple[Any, int, int, ErrorCode]]


@pytest.fixture
def view() -> View:
    moved = MovedIds(packed([(BORN.bytes, MOVED.bytes)]))
    known = replace(VIEW, moved_ids=moved, aliases=(ALIAS,), own_topics=OwnTopics())
    known.topic_ids.learn(ALIAS.physical.encode(), LENT.bytes)
    return known


def asking(**groups: Asked) -> bytes:
    entity = entity_of(OFFSET_FETCH, 10, "request")
    group = element_of(entity, "groups")
    topic = element_of(group, "topics")
    made = tuple(
        blank(
            group,
            group_id=name,
            member_id="m",
            member_epoch=3,
            topics=ids and tuple(topic(topic_id=id_, partition_indexes=(4,)) for id_ in ids),
        )
        for name, ids in groups.items()
    )
    return request_frame(OFFSET_FETCH, 10, blank(entity, groups=made, require_stable=True))


def ruled(frame: bytes, view: View, ids: Mapping[bytes, bytes] | None = IDS) -> Ruling | None:
    return positions_by_own_ids(frame, view, NAMES.get, lambda _names: ids)


def sent(ruling: Ruling) -> dict[str, Any]:
    assert ruling.frame is not None
    body = decode_request(ruling.frame).body
    assert body.require_stable
    assert {(g.member_id, g.member_epoch) for g in body.groups} == {("m", 3)}
    return {
        group.group_id: group.topics
        and [getattr(t, "name", None) or t.topic_id for t in group.topics]
        for group in body.groups
    }


def told(ruling: Ruling, error: ErrorCode = ErrorCode.none, **groups: list[Any]) -> dict[str, Told]:
    """What a client gets of an answer in which partition 4 of each topic is read up to 7."""
    entity = entity_of(OFFSET_FETCH, ruling.version, "response")
    group = element_of(entity, "groups")
    topic = element_of(group, "topics")
    partition = blank(
        element_of(topic, "partitions"), partition_index=4, committed_offset=7, metadata="m"
    )
    field = "topic_id" if ruling.version == 10 else "name"
    made = tuple(
        group(
            group_id=name,
            topics=tuple(topic(**{field: t}, partitions=(partition,)) for t in topics),
            error_code=error,
        )
        for name, topics in groups.items()
    )
    header = SimpleNamespace(api_key=OFFSET_FETCH, correlation_id=7, version=ruling.version)
    assert ruling.finish is not None
    answer = ruling.finish(encode_response(header, blank(entity, groups=made)))
    return {
        group.group_id: [
            (t.topic_id, p.partition_index, p.committed_offset, p.error_code)
            for t in group.topics
            for p in t.partitions
        ]
        or group.error_code
        for group in decode_response(OFFSET_FETCH, 10, answer).groups
    }


def known(id_: UUID) -> tuple[UUID, int, int, ErrorCode]:
    return id_, 4, 7, ErrorCode.none


def unknown(id_: UUID | None) -> tuple[UUID | None, int, int, ErrorCode]:
    return id_, 4, -1, ErrorCode.unknown_topic_id


def test_own_topics_go_on_by_id_and_those_of_others_do_not_exist(view):
    frame = asking(one=[FOREIGN, BORN, MOVED, None], two=[OWN])
    with pytest.raises(NamedByIdError):
        request_program(OFFSET_FETCH, 10)(frame, view)
    ruling = ruled(frame, view)
    assert sent(ruling) == {"one": [BORN], "two": [OWN]}
    assert told(ruling, one=[BORN], two=[OWN]) == {
        "one": [known(BORN), *map(unknown, (FOREIGN, MOVED, None))],
        "two": [known(OWN)],
    }


def test_what_is_about_own_topics_alone_goes_on_as_it_is(view):
    lent = view.topic_ids.shown_as(b"borrowed", LENT.bytes)
    frame = asking(one=[BORN, OWN], two=[UUID(bytes=lent)], three=[])
    assert ruled(frame, view) is None
    pieces, _, _ = request_program(OFFSET_FETCH, 10)(frame, view)
    groups = decode_request(b"".join(pieces)).body.groups
    assert [[t.topic_id for t in g.topics] for g in groups] == [[MOVED, OWN], [LENT], []]
    assert {g.group_id for g in groups} == {f"{PREFIX}{n}" for n in ("one", "two", "three")}


def test_of_a_group_with_an_error_no_topic_is_told(view):
    ruling = ruled(asking(one=[FOREIGN]), view)
    assert sent(ruling) == {"one": ()}
    error = ErrorCode.unknown_member_id
    assert told(ruling, error, one=[]) == {"one": error}


def test_all_positions_are_asked_for_by_name_and_told_by_id(view):
    ruling = ruled(asking(one=None, two=None), view)
    assert (ruling.version, sent(ruling)) == (9, {"one": None, "two": None})
    lent = UUID(bytes=view.topic_ids.shown_as(b"borrowed", LENT.bytes))
    assert told(ruling, one=["own", "moved", "borrowed"], two=[]) == {
        "one": [known(OWN), known(BORN), known(lent)],
        "two": ErrorCode.none,
    }
    assert lent not in {LENT, FOREIGN}


def test_positions_of_a_topic_without_an_id_are_not_told(view):
    ruling = ruled(asking(one=None), view, IDS | {f"{PREFIX}own".encode(): NO_ID})
    assert told(ruling, one=["own", "moved"]) == {"one": [known(BORN)]}


def test_a_client_asks_again_while_ids_are_not_known(view):
    ruling = ruled(asking(one=None, two=None), view, ids=None)
    assert told(ruling, one=["own"], two=[]) == {
        "one": ErrorCode.coordinator_load_in_progress,
        "two": ErrorCode.none,
    }


def test_one_group_may_be_asked_for_all_and_another_for_some_positions(view):
    ruling = ruled(asking(one=None, two=[FOREIGN, BORN, OWN]), view)
    assert sent(ruling) == {"one": None, "two": ["moved", "own"]}
    assert told(ruling, one=["own"], two=["own", "moved"]) == {
        "one": [known(OWN)],
        "two": [known(BORN), known(OWN), unknown(FOREIGN)],
    }


def test_a_position_by_name_is_not_told_for_the_topic_before_it(view):
    frame = asking(one=None, two=[OWN])
    ruling = ruled(frame, view, IDS | {f"{PREFIX}own".encode(): ANEW.bytes})
    assert told(ruling, one=["own"], two=["own"]) == {"one": [known(ANEW)], "two": [unknown(OWN)]}


def test_there_is_an_end_to_ids_that_are_answered_one_by_one(view):
    with pytest.raises(MalformedFrameError, match="topic ids that there are not"):
        ruled(asking(one=[FOREIGN] * (REFUSED_LIMIT + 1)), view)
    assert ruled(asking(one=[FOREIGN] * REFUSED_LIMIT), view) is not None


def test_an_answer_about_other_groups_ends_the_connection(view):
    for asked in (asking(one=[FOREIGN]), asking(one=None)):
        ruling = ruled(asked, view)
        with pytest.raises(MalformedFrameError, match="other groups"):
            told(ruling, one=[], two=[])
