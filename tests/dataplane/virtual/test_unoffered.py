"""Versions beyond those offered: what goes on, what is answered, and what ends the connection."""

from dataclasses import replace

import pytest
from kio.schema.errors import ErrorCode

from contract.records import Face
from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.messages import decode_response
from dataplane.virtual.refusals import DENIED_LIMIT
from dataplane.virtual.unoffered import unoffered_answer
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.schema import versions
from tests.dataplane.virtual.instances import generated, request_frame
from tests.dataplane.virtual.test_refusals import error_codes

EVERYTHING = Face(slots=3, api_versions=dict.fromkeys(APIS, (0, 99)))
YOUNG = [(row.key, v) for row in APIS.values() for v in row.served if v >= row.looked_up_from]
BY_ID = [(row.key, version) for row in APIS.values() for version in row.by_id]


@pytest.mark.parametrize(("key", "version"), YOUNG)
def test_what_every_cluster_has_goes_on(key, version):
    assert unoffered_answer(APIS[key], version, b"", EVERYTHING) is None
    assert not APIS[key].serves_as_offered(version)


@pytest.mark.parametrize(("key", "version"), YOUNG)
@pytest.mark.parametrize("short", [True, False])
def test_what_some_cluster_lacks_ends_the_connection(key, version, short):
    face = Face(slots=1, api_versions={key: (0, version - 1)} if short else {})
    for known in (face, None):
        with pytest.raises(MalformedFrameError, match="not there on every cluster"):
            unoffered_answer(APIS[key], version, b"", known)


@pytest.mark.parametrize(("key", "version"), BY_ID)
def test_topics_that_are_named_by_id_alone_are_unknown(key, version):
    for seed in range(20):
        body = generated(key, version, "request", seed)
        if key == 0 and body.acks == 0:
            continue
        frame = request_frame(key, version, body)
        answer = decode_response(
            key, version, unoffered_answer(APIS[key], version, frame, EVERYTHING)
        )
        assert set(error_codes(answer)) <= {ErrorCode.unknown_topic_id, ErrorCode.none}
        topics = body.topic_data if key == 0 else body.topics
        assert [t.topic_id for t in answer.responses] == [t.topic_id for t in topics]


def test_a_producer_that_does_not_wait_loses_its_connection():
    body = replace(generated(0, 13, "request", 1), acks=0)
    with pytest.raises(MalformedFrameError, match="not offered"):
        unoffered_answer(APIS[0], 13, request_frame(0, 13, body), EVERYTHING)


def test_what_is_named_by_id_is_not_read_at_any_length():
    with pytest.raises(MalformedFrameError, match="too many"):
        unoffered_answer(APIS[0], 13, bytes(DENIED_LIMIT + 1), EVERYTHING)


def test_all_else_ends_the_connection():
    for row in APIS.values():
        if row.treatment is Treatment.REWRITE:
            known = {*row.served, *row.by_id}
            for version in {*range(-1, versions(row.key)[1] + 2)} - known:
                with pytest.raises(MalformedFrameError, match=f"{version} is not offered"):
                    unoffered_answer(row, version, b"", EVERYTHING)
