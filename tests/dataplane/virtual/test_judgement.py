"""What accounts may do: rights and rules, on requests as clients send them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from kio.schema.errors import ErrorCode

from contract.policy import ConfigRule, NumberRule, TopicRules
from dataplane.virtual.apis import APIS
from dataplane.virtual.census import Census
from dataplane.virtual.division import Ruling
from dataplane.virtual.effects import READS, WRITES
from dataplane.virtual.judgement import MOST_MADE, judge
from dataplane.virtual.messages import (
    blank,
    decode_request,
    decode_response,
    element_of,
    encode_response,
)
from dataplane.virtual.rights import Rights
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import Peek
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import OFFERED, generated, request_frame
from tests.dataplane.virtual.test_refusals import error_codes

RULES = TopicRules(
    name_pattern="[a-z]+",
    partitions=NumberRule(default=3, min=1, max=6),
    replication_factor=NumberRule(default=2, min=2, max=3),
    configs={
        "retention.ms": ConfigRule(default="1000", max=5000),
        "cleanup.policy": ConfigRule(default="delete", allowed=("delete", "compact")),
        "min.insync.replicas": ConfigRule(forced="2"),
        "segment.ms": ConfigRule(default="7"),
    },
)
DEFAULTS = {
    "retention.ms": "1000",
    "cleanup.policy": "delete",
    "min.insync.replicas": "2",
    "segment.ms": "7",
}
RULED = Rights(vcluster="teamA", account="sa", rules=RULES)
READER = Rights(vcluster="teamA", account="sa", read_only=True)
ALIASES = Rights(
    vcluster="teamA",
    account="sa",
    aliases=frozenset({"cars", "bikes"}),
    read_only_aliases=frozenset({"cars"}),
)
CREATES = [v for k, v in OFFERED if k == 19]


def create(version: int, *topics: dict[str, Any], **given: Any) -> bytes:
    entity = entity_of(19, version, "request")
    element = element_of(entity, "topics")
    config = element_of(element, "configs")
    asked = tuple(
        blank(
            element,
            **{"num_partitions": -1, "replication_factor": -1}
            | topic
            | {"configs": tuple(config(name=n, value=v) for n, v in topic["configs"].items())},
        )
        for topic in ({"configs": {}} | t for t in topics)
    )
    return request_frame(19, version, blank(entity, topics=asked, **given))


def judged(frame: bytes, rights: Rights, **topics: int) -> Ruling | None:
    return judge(frame, rights, Census(topics))


def went_on(ruling: Ruling | None) -> list[Any]:
    assert ruling is not None
    assert ruling.frame is not None
    return list(decode_request(ruling.frame).body.topics)


def fault_of(version: int, **topic: Any) -> tuple[ErrorCode, str]:
    """Why a topic is refused."""
    ruling = judged(create(version, topic), RULED)
    assert ruling is not None
    assert ruling.frame is None
    (answer,) = decode_response(19, version, ruling.answer or b"").topics
    assert answer.name == topic["name"]
    return answer.error_code, answer.error_message or ""


@pytest.mark.parametrize("version", CREATES)
def test_what_a_client_leaves_open_is_filled_in(version):
    (topic,) = went_on(judged(create(version, {"name": "users"}), RULED))
    assert (topic.num_partitions, topic.replication_factor) == (3, 2)
    assert {c.name: c.value for c in topic.configs} == DEFAULTS


def test_what_a_client_says_stands_if_it_is_allowed_and_nothing_is_forced():
    said = {"retention.ms": "5000", "min.insync.replicas": "1", "flush.ms": "3"}
    frame = create(5, {"name": "users", "num_partitions": 6, "configs": said})
    (topic,) = went_on(judged(frame, RULED))
    assert topic.num_partitions == 6
    expected = DEFAULTS | said | {"min.insync.replicas": "2"}
    assert {c.name: c.value for c in topic.configs} == expected


@pytest.mark.parametrize(
    ("topic", "code", "part"),
    [
        ({"name": ""}, 17, "must not be empty"),
        ({"name": "x" * 245}, 17, "use up to 244"),
        ({"name": "a b"}, 17, "use the characters"),
        ({"name": ".."}, 17, "use the characters"),
        ({"name": "Users"}, 44, "names that match .a-z."),
        ({"name": "users", "num_partitions": 7}, 44, "partitions 7 is not allowed: .* 1 to 6"),
        ({"name": "users", "replication_factor": 1}, 44, "replication factor 1 .* 2 to 3"),
        ({"name": "users", "configs": {"retention.ms": "-1"}}, 44, "retention.ms = -1 .* 5000"),
        ({"name": "users", "configs": {"retention.ms": "x"}}, 44, "retention.ms = x"),
        ({"name": "users", "configs": {"cleanup.policy": "compact,delete"}}, 44, "delete or"),
    ],
)
def test_a_refused_topic_is_told_which_rule_and_what_is_allowed(topic, code, part):
    found, text = fault_of(5, **topic)
    assert found == ErrorCode(code)
    assert re.search(part, text), text


def test_good_topics_are_created_and_bad_ones_refused_in_one_answer():
    frame = create(5, {"name": "good"}, {"name": "BAD"}, {"name": "fine"})
    ruling = judged(frame, RULED)
    assert [t.name for t in went_on(ruling)] == ["good", "fine"]
    entity = entity_of(19, 5, "response")
    element = element_of(entity, "topics")
    made = blank(entity, topics=tuple(blank(element, name=n) for n in ("good", "fine")))
    assert ruling is not None
    assert ruling.finish is not None
    answer = decode_response(19, 5, ruling.finish(encode_response(Peek(19, 5, 7), made)))
    assert [(t.name, t.error_code.value) for t in answer.topics] == [
        ("good", 0),
        ("fine", 0),
        ("BAD", 44),
    ]


def test_assigned_replicas_are_judged_and_not_filled_in():
    entity = entity_of(19, 5, "request")
    assignment = element_of(element_of(entity, "topics"), "assignments")
    rows = tuple(assignment(partition_index=n, broker_ids=(0,)) for n in range(2))
    ruling = judged(create(5, {"name": "users", "assignments": rows}), RULED)
    assert ruling is not None
    assert ruling.answer is not None
    assert b"replication factor 1" in ruling.answer


@pytest.mark.parametrize("validate_only", [False, True])
def test_a_limit_on_topics_counts_those_of_the_same_request(validate_only):
    rights = Rights(vcluster="teamA", account="sa", rules=TopicRules(max_topics=3))
    census = Census({"a": 1})
    frame = create(5, *({"name": n} for n in ("b", "c", "d")), validate_only=validate_only)
    assert [t.name for t in went_on(judge(frame, rights, census))] == ["b", "c"]
    assert census.expected == ({} if validate_only else {"b": 1, "c": 1})


def test_a_limit_on_partitions_counts_all_topics():
    rights = Rights(vcluster="teamA", account="sa", rules=TopicRules(max_partitions=5))
    two = create(5, {"name": "b", "num_partitions": 2})
    assert judged(two, rights, a=3) is None
    refused = judged(two, rights, a=4)
    assert refused is not None
    assert b"would make 6 partitions: the policy allows 5 in all" in (refused.answer or b"")
    growing = _grow("a", 5)
    assert judged(growing, rights, a=3) is None
    assert judged(growing, rights, a=3, b=1) is not None


def _grow(name: str, count: int) -> bytes:
    entity = entity_of(37, 3, "request")
    row = blank(element_of(entity, "topics"), name=name, count=count)
    return request_frame(37, 3, blank(entity, topics=(row,)))


def test_a_topic_grows_as_far_as_the_rules_let_it():
    assert judged(_grow("users", 6), RULED) is None
    refused = judged(_grow("users", 7), RULED)
    assert refused is not None
    assert b"partitions 7 is not allowed" in (refused.answer or b"")


def _alter(key: int, version: int, kind: int, **configs: Any) -> bytes:
    entity = entity_of(key, version, "request")
    resource = element_of(entity, "resources")
    config = element_of(resource, "configs")
    rows = tuple(
        blank(config, name=n.replace("_", "."), **({"value": v} if key == 33 else v))
        for n, v in configs.items()
    )
    row = resource(resource_type=kind, resource_name="users", configs=rows)
    return request_frame(key, version, blank(entity, resources=(row,)))


def _altered(ruling: Ruling | None) -> dict[str, tuple[int, str]]:
    assert ruling is not None
    assert ruling.frame is not None
    (resource,) = decode_request(ruling.frame).body.resources
    return {c.name: (getattr(c, "config_operation", 0), c.value) for c in resource.configs}


def test_setting_all_configs_resets_the_others_to_the_rules():
    altered = _altered(judged(_alter(33, 2, 2, retention_ms="5"), RULED))
    assert altered == {n: (0, v) for n, v in (DEFAULTS | {"retention.ms": "5"}).items()}
    refused = judged(_alter(33, 2, 2, retention_ms="9000"), RULED)
    assert refused is not None
    assert b"retention.ms = 9000" in (refused.answer or b"")


def test_single_configs_follow_the_rules():
    def change(operation: int, value: str | None) -> dict[str, Any]:
        return {"config_operation": operation, "value": value}

    deleted = judged(_alter(44, 1, 2, retention_ms=change(1, None)), RULED)
    assert _altered(deleted) == {"retention.ms": (0, "1000")}
    forced = judged(_alter(44, 1, 2, min_insync_replicas=change(0, "1")), RULED)
    assert _altered(forced) == {"min.insync.replicas": (0, "2")}
    assert judged(_alter(44, 1, 2, retention_ms=change(0, "4")), RULED) is None
    assert judged(_alter(44, 1, 32, retention_ms=change(0, "9999")), RULED) is None
    for fault in (change(0, "9999"), change(2, "1")):
        refused = judged(_alter(44, 1, 2, retention_ms=fault), RULED)
        assert refused is not None
        assert refused.frame is None


WRITTEN = [pytest.param(k, v, id=f"{APIS[k].name}-{v}") for k, v in OFFERED if k in WRITES]


@pytest.mark.parametrize(("key", "version"), WRITTEN)
def test_a_read_only_account_writes_nothing(key, version):
    for seed in range(4):
        body = generated(key, version, "request", seed)
        ruling = judged(request_frame(key, version, body), READER)
        if ruling is None:  # it asks for nothing
            assert not body.resources
            continue
        assert ruling.frame is None
        if ruling.answer is None:
            assert (key, body.acks) == (0, 0)
            continue
        codes = {c.value for c in error_codes(decode_response(key, version, ruling.answer))}
        assert codes <= {29, 30, 31, 53}
        assert key in READER.judged


def test_the_requests_of_readers_are_not_looked_into():
    assert READER.judged & READS == {3}
    assert Rights(vcluster="teamA", account="sa").judged == {19}


METADATA = [v for k, v in OFFERED if k == 3]


@pytest.mark.parametrize("rights", [READER, RULED, ALIASES])
@pytest.mark.parametrize("version", METADATA)
def test_metadata_creates_no_topic_where_rules_could_be_evaded(version, rights):
    assert 3 in rights.judged
    for seed in range(6):
        body = generated(3, version, "request", seed)
        ruling = judged(request_frame(3, version, body), rights)
        if ruling is None:
            assert not body.allow_auto_topic_creation
            continue
        assert ruling.frame is not None
        sent = decode_request(ruling.frame)
        assert sent.header.version == ruling.version == max(version, 4)
        assert not sent.body.allow_auto_topic_creation
        everything = body.topics is None or (version == 0 and not body.topics)
        expected = None if everything else [t.name for t in body.topics]
        assert (sent.body.topics and [t.name for t in sent.body.topics]) == (
            expected if expected != [] else ()
        )


@pytest.mark.parametrize("version", [v for v in METADATA if v < 4])
def test_an_old_client_gets_the_answer_in_its_own_version(version):
    body = generated(3, version, "request", 1)
    ruling = judged(request_frame(3, version, body), READER)
    newer = generated(3, 4, "response", 1)
    assert ruling is not None
    finish: Callable[[bytes], bytes] | None = ruling.finish
    assert finish is not None
    answer = decode_response(3, version, finish(encode_response(Peek(3, 4, 7), newer)))
    assert [t.name for t in answer.topics] == [t.name for t in newer.topics]
    assert [b.host for b in answer.brokers] == [b.host for b in newer.brokers]


@pytest.mark.parametrize("pattern", ["(?!tmp).*", r"(a)\1", "a{,3}"])
def test_a_pattern_that_cannot_be_judged_allows_no_name(pattern):
    rights = Rights(vcluster="teamA", account="sa", rules=TopicRules(name_pattern=pattern))
    ruling = judged(create(5, {"name": "aaa"}), rights)
    assert ruling is not None
    assert ruling.frame is None
    (topic,) = decode_response(19, 5, ruling.answer or b"").topics
    assert topic.error_code is ErrorCode.policy_violation
    assert "ask the gateway's administrator" in topic.error_message


def test_what_belongs_to_somebody_else_is_not_administered_through_an_alias():
    deletion = entity_of(20, 5, "request")
    frame = request_frame(20, 5, blank(deletion, topic_names=("own", "bikes")))
    ruling = judged(frame, ALIASES)
    assert ruling is not None
    assert ruling.frame is not None
    assert decode_request(ruling.frame).body.topic_names == ("own",)
    newer = entity_of(20, 6, "request")
    named = tuple(element_of(newer, "topics")(name=n, topic_id=None) for n in ("own", "bikes"))
    ruling = judged(request_frame(20, 6, blank(newer, topics=named)), ALIASES)
    assert ruling is not None
    assert ruling.frame is not None
    assert decode_request(ruling.frame).body.topics == named[:1]
    assert judged(_grow("bikes", 5), ALIASES) is not None
    exists = judged(create(5, {"name": "bikes"}), ALIASES)
    assert exists is not None
    assert b"as an alias" in (exists.answer or b"")


def _produce(acks: int, *topics: str) -> bytes:
    entity = entity_of(0, 9, "request")
    element = element_of(entity, "topic_data")
    partition = element_of(element, "partition_data")
    rows = tuple(
        element(name=t, partition_data=(partition(index=0, records=b"x"),)) for t in topics
    )
    return request_frame(0, 9, blank(entity, acks=acks, topic_data=rows))


def test_only_the_part_for_a_read_only_alias_is_refused():
    assert judged(_produce(1, "own", "bikes"), ALIASES) is None
    ruling = judged(_produce(1, "own", "cars"), ALIASES)
    assert ruling is not None
    assert ruling.frame is not None
    assert [t.name for t in decode_request(ruling.frame).body.topic_data] == ["own"]
    alone = judged(_produce(1, "cars"), ALIASES)
    assert alone is not None
    assert alone.answer is not None


def test_without_an_answer_to_say_so_the_connection_ends():
    assert judged(_produce(0, "cars"), ALIASES) == Ruling()
    assert judged(_produce(0, "own"), READER) == Ruling()


def test_a_transaction_takes_all_its_partitions_or_none():
    entity = entity_of(24, 3, "request")
    element = element_of(entity, "v3_and_below_topics")
    rows = tuple(element(name=n, partitions=(0,)) for n in ("own", "cars"))
    ruling = judged(request_frame(24, 3, blank(entity, v3_and_below_topics=rows)), ALIASES)
    assert ruling is not None
    assert ruling.frame is None
    answer = decode_response(24, 3, ruling.answer or b"")
    codes = {
        t.name: t.results_by_partition[0].partition_error_code.value
        for t in answer.results_by_topic_v3_and_below
    }
    assert codes == {"own": 55, "cars": 29}


def test_no_more_topics_are_judged_in_one_go_than_a_controller_makes():
    topics = [{"name": f"t{n}"} for n in range(MOST_MADE)]
    assert judge(create(7, *topics), Rights(vcluster="teamA", account="sa"), Census({})) is None
    with pytest.raises(MalformedFrameError, match="too many topics: 5001, and at most 5000"):
        judge(create(7, *topics, {"name": "one"}), RULED, Census({}))
