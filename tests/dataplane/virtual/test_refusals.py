"""Errors for requests that are not sent on."""

import pytest
from kio.schema.errors import ErrorCode

from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.messages import blank, decode_response
from dataplane.virtual.refusals import DENIED_LIMIT, busy, denial, refusal
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.schema import struct_of
from tests.dataplane.virtual.instances import OFFERED, generated, request_frame

MESSAGES = [pytest.param(k, v, id=f"{APIS[k].name}-{v}") for k, v in OFFERED]
DENIED = [
    pytest.param(row, version, id=f"{row.name}-{version}")
    for row in APIS.values()
    if row.treatment is Treatment.DENY
    for version in row.served
]


def error_codes(entity):
    """Every error code in an entity, and the names beside them."""
    for field in struct_of(type(entity)).fields:
        value = getattr(entity, field.name)
        if field.kind == "error_code":
            yield value
        elif field.struct is not None and field.array:
            for element in value or ():
                yield from error_codes(element)


@pytest.mark.parametrize(("key", "version"), MESSAGES)
def test_every_part_of_the_answer_has_the_error(key, version):
    for seed in range(4):
        body = generated(key, version, "request", seed)
        if key == 0 and body.acks == 0:
            continue
        frame = refusal(request_frame(key, version, body), 7)
        assert frame is not None
        assert frame[:4] == b"\0\0\0\7"
        codes = set(error_codes(decode_response(key, version, frame)))
        assert codes <= {ErrorCode.request_timed_out, ErrorCode.none}
        if key != 1:
            assert ErrorCode.none not in codes


@pytest.mark.parametrize(("row", "version"), DENIED)
def test_what_is_denied_is_answered_with_its_error(row, version):
    for seed in range(4):
        frame = denial(
            request_frame(row.key, version, generated(row.key, version, "request", seed))
        )
        codes = set(error_codes(decode_response(row.key, version, frame)))
        assert codes <= {ErrorCode(row.denied_with)}


def test_what_is_denied_is_mirrored_with_the_reason():
    body = next(
        b
        for b in (generated(51, 0, "request", s) for s in range(40))
        if b.deletions and b.upsertions
    )
    answer = decode_response(51, 0, denial(request_frame(51, 0, body)))
    assert [r.user for r in answer.results] == [u.name for u in (*body.deletions, *body.upsertions)]
    reason = "accounts and their credentials are kept by the gateway"
    assert {r.error_message for r in answer.results} == {
        f"AlterUserScramCredentials is not for virtual clusters: {reason}"
    }


def test_topics_inside_of_something_are_mirrored_in_a_row():
    body = next(b for b in (generated(34, 2, "request", s) for s in range(40)) if len(b.dirs) > 1)
    answer = decode_response(34, 2, denial(request_frame(34, 2, body)))
    asked = [(t.name, t.partitions) for d in body.dirs for t in d.topics]
    assert asked
    assert [
        (r.topic_name, tuple(p.partition_index for p in r.partitions)) for r in answer.results
    ] == asked


def test_a_request_that_is_denied_is_not_read_at_any_length():
    with pytest.raises(MalformedFrameError, match="too many"):
        denial(bytes(DENIED_LIMIT + 1))


def test_a_refusal_says_why_where_there_is_room():
    body = next(b for b in (generated(19, 5, "request", s) for s in range(9)) if b.topics)
    answer = decode_response(19, 5, refusal(request_frame(19, 5, body), 42, "not so"))
    assert {topic.error_message for topic in answer.topics} == {"not so"}


@pytest.mark.parametrize("version", [4, 9])
def test_things_are_named_as_the_client_named_them(version):
    body = generated(8, version, "request", 1)
    frame = refusal(request_frame(8, version, body), 24)
    answer = decode_response(8, version, frame)
    asked = [(t.name, [p.partition_index for p in t.partitions]) for t in body.topics]
    assert [(t.name, [p.partition_index for p in t.partitions]) for t in answer.topics] == asked


def test_fetch_has_its_error_at_the_partitions_only():
    body = next(b for b in (generated(1, 11, "request", s) for s in range(9)) if b.topics)
    answer = decode_response(1, 11, refusal(request_frame(1, 11, body), 6))
    assert answer.error_code is ErrorCode.none
    assert [t.topic for t in answer.responses] == [t.topic for t in body.topics]
    assert answer.session_id == 0


@pytest.mark.parametrize("version", APIS[1].served)
def test_a_fetch_that_is_refused_has_no_records_instead_of_null(version):
    body = next(b for b in (generated(1, version, "request", s) for s in range(9)) if b.topics)
    answer = decode_response(1, version, refusal(request_frame(1, version, body), 6))
    assert {p.records for t in answer.responses for p in t.partitions} <= {b""}


def test_busy_answers_make_clients_try_again():
    expected = {0: 6, 1: 6, 12: 14, 19: 41, 10: 15}
    for key, code in expected.items():
        version = APIS[key].highest
        body = generated(key, version, "request", 3)
        answer = decode_response(key, version, busy(request_frame(key, version, body)))
        assert set(error_codes(answer)) <= {ErrorCode(code), ErrorCode.none}


def test_a_producer_that_does_not_wait_gets_no_answer():
    body = generated(0, 7, "request", 1)
    quiet = blank(type(body), acks=0, topic_data=body.topic_data)
    assert refusal(request_frame(0, 7, quiet), 6) is None


NO_KEY = b"\0\0\0\x63\0\0\0\1\xff\xff"
NO_BODY = b"\0\0\0\7\0\0\0\1\xff\xff\0"


@pytest.mark.parametrize("frame", [b"", NO_KEY, NO_BODY])
def test_what_is_no_request_is_malformed(frame):
    with pytest.raises(MalformedFrameError):
        refusal(frame, 6)
