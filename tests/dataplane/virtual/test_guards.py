"""Requests that a virtual cluster may not make are refused before anything is sent."""

import uuid
from dataclasses import replace

import pytest
from kio.schema.errors import ErrorCode

from dataplane.virtual.messages import decode_response
from dataplane.virtual.programs import request_program
from dataplane.virtual.refusals import refusal
from dataplane.wire.errors import RefusedRequestError
from tests.dataplane.virtual.instances import VIEW, generated, request_frame

FETCH, LIST_OFFSETS, METADATA, OFFSET_FETCH, FIND_COORDINATOR = 1, 2, 3, 9, 10
JOIN_GROUP, INIT_PRODUCER_ID, DESCRIBE_CONFIGS, DESCRIBE_CLUSTER = 11, 22, 32, 60
DELETE_TOPICS = 20


def with_elements(key, version, array):
    """A generated request in which an array has elements."""
    bodies = (generated(key, version, "request", seed) for seed in range(20))
    return next(body for body in bodies if getattr(body, array))


def with_first(body, array, **changes):
    """The request with changes in the first element of an array."""
    first, *others = getattr(body, array)
    return replace(body, **{array: (replace(first, **changes), *others)})


CASES = {
    "a replica that fetches": (FETCH, 12, 31, lambda b: replace(b, replica_id=101)),
    "a replica that lists offsets": (LIST_OFFSETS, 5, 31, lambda b: replace(b, replica_id=-2)),
    "a share group's coordinator": (FIND_COORDINATOR, 5, 42, lambda b: replace(b, key_type=2)),
    "an empty coordinator key": (FIND_COORDINATOR, 3, 24, lambda b: replace(b, key="")),
    "an empty group": (JOIN_GROUP, 9, 24, lambda b: replace(b, group_id="")),
    "an empty transactional id": (
        INIT_PRODUCER_ID,
        4,
        42,
        lambda b: replace(b, transactional_id=""),
    ),
    "the controllers": (DESCRIBE_CLUSTER, 1, 115, lambda b: replace(b, endpoint_type=2)),
}


@pytest.mark.parametrize("case", CASES)
def test_refused(case):
    key, version, error_code, change = CASES[case]
    body = change(generated(key, version, "request", 0))
    with pytest.raises(RefusedRequestError) as refused:
        request_program(key, version)(request_frame(key, version, body), VIEW)
    assert refused.value.error_code == error_code


@pytest.mark.parametrize("resource_type", [4, 8, 16, 1])
def test_configs_of_the_physical_cluster_are_refused(resource_type):
    body = with_elements(DESCRIBE_CONFIGS, 4, "resources")
    body = with_first(body, "resources", resource_type=resource_type, resource_name="1")
    with pytest.raises(RefusedRequestError) as refused:
        request_program(DESCRIBE_CONFIGS, 4)(request_frame(DESCRIBE_CONFIGS, 4, body), VIEW)
    assert refused.value.error_code == 31


@pytest.mark.parametrize(
    ("key", "version"),
    [*((METADATA, version) for version in range(10, 14)), (DELETE_TOPICS, 6)],
)
def test_a_topic_that_is_named_by_an_id_is_unknown(key, version):
    body = with_first(with_elements(key, version, "topics"), "topics", topic_id=uuid.UUID(int=7))
    frame = request_frame(key, version, body)
    with pytest.raises(RefusedRequestError) as refused:
        request_program(key, version)(frame, VIEW)
    assert refused.value.error_code == 100
    answer = decode_response(key, version, refusal(frame, 100, refused.value.reason))
    parts = answer.topics if key == METADATA else answer.responses
    asked = [(topic.name, topic.topic_id) for topic in body.topics]
    assert [(part.name or None, part.topic_id) for part in parts] == asked
    assert {part.error_code for part in parts} == {ErrorCode.unknown_topic_id}
    assert getattr(answer, "error_code", 0) == 0  # of the whole answer there is none


@pytest.mark.parametrize("version", [1, 9, 13])
def test_a_topic_without_a_name_is_refused(version):
    body = with_first(with_elements(METADATA, version, "topics"), "topics", name="")
    with pytest.raises(RefusedRequestError) as refused:
        request_program(METADATA, version)(request_frame(METADATA, version, body), VIEW)
    assert refused.value.error_code == 17
