import pytest
from kio.schema.errors import ErrorCode

from contract.records import TopicMapping
from contract.session import TopicCreated, TopicDeleted
from dataplane.virtual.messages import blank, element_of
from dataplane.virtual.topics import topic_facts
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import request_frame, response_frame


def pair(key, version, asked, answered):
    """Request and answer frame; each is given as an array field with its elements' fields."""
    frames = []
    for direction, (array, elements, more) in zip(
        ("request", "response"), (asked, answered), strict=True
    ):
        entity = entity_of(key, version, direction)
        row = element_of(entity, array) if isinstance(elements[0], dict) else None
        rows = tuple(blank(row, **e) if row else e for e in elements)
        make = request_frame if direction == "request" else response_frame
        frames.append(make(key, version, blank(entity, **{array: rows}, **more)))
    return frames


def nothing(_logical):
    return None


@pytest.mark.parametrize("version", [2, 5, 6])
def test_created_topics(version):
    config = element_of(element_of(entity_of(19, version, "request"), "topics"), "configs")
    configs = (blank(config, name="retention.ms", value="5"),)
    frames = pair(
        19,
        version,
        (
            "topics",
            [
                {"name": "users", "num_partitions": 3, "replication_factor": 1, "configs": configs},
                {"name": "there", "num_partitions": 1, "replication_factor": 1},
            ],
            {},
        ),
        ("topics", [{"name": "users"}, {"name": "there", "error_code": 36}], {}),
    )
    assert topic_facts("teamA", *frames, nothing) == [
        TopicCreated(
            vcluster="teamA",
            logical="users",
            partitions=3,
            replication_factor=1,
            configs={"retention.ms": "5"},
        )
    ]


def test_the_cluster_says_what_it_decided():
    frames = pair(
        19,
        6,
        ("topics", [{"name": "users"}], {}),
        ("topics", [{"name": "users", "num_partitions": 4, "replication_factor": 2}], {}),
    )
    (fact,) = topic_facts("teamA", *frames, nothing)
    assert (fact.partitions, fact.replication_factor) == (4, 2)


def test_validation_creates_nothing():
    frames = pair(
        19,
        6,
        ("topics", [{"name": "users", "num_partitions": 1}], {"validate_only": True}),
        ("topics", [{"name": "users"}], {}),
    )
    assert topic_facts("teamA", *frames, nothing) == []


def test_deleted_topics():
    frames = pair(
        20,
        4,
        ("topic_names", ["users", "gone"], {}),
        ("responses", [{"name": "users"}, {"name": "gone", "error_code": 3}], {}),
    )
    assert topic_facts("teamA", *frames, nothing) == [
        TopicDeleted(vcluster="teamA", logical="users")
    ]


def test_a_topic_that_grew():
    known = TopicMapping(
        vcluster="teamA",
        logical="users",
        physical="teamAusers",
        partitions=1,
        replication_factor=3,
        configs={"a": "b"},
        created_at=0,
    )
    frames = pair(
        37,
        3,
        ("topics", [{"name": "users", "count": 8, "assignments": None}], {}),
        ("results", [{"name": "users", "error_code": ErrorCode.none}], {}),
    )
    assert topic_facts("teamA", *frames, lambda _: known) == [
        TopicCreated(
            vcluster="teamA",
            logical="users",
            partitions=8,
            replication_factor=3,
            configs={"a": "b"},
        )
    ]
    assert topic_facts("teamA", *frames, nothing) == []


def test_other_requests_have_no_facts():
    frames = pair(
        37,
        3,
        ("topics", [{"name": "users", "count": 8}], {"validate_only": True}),
        ("results", [{"name": "users"}], {}),
    )
    assert topic_facts("teamA", *frames, nothing) == []
