"""Clients see one numbering of a partition's records, whichever cluster's offsets are behind it."""

from dataclasses import replace
from typing import Any

import pytest
from aiokafka.record import MemoryRecords
from crc32c import crc32c

from contract.numbering import Numbering, Stretch
from dataplane.virtual import field_classes as fc
from dataplane.virtual.apis import APIS
from dataplane.virtual.fields import (
    NUMBERED,
    RULES,
    class_of,
    matching_rule,
    numbered_treatment_of,
)
from dataplane.virtual.numbers import Numbers, signpost
from dataplane.virtual.own_topics import OwnTopics
from dataplane.virtual.programs import program, request_program, response_program
from dataplane.virtual.view import Alias
from dataplane.wire.errors import ForeignNameError
from dataplane.wire.primitives import INT32, INT64, UINT32
from dataplane.wire.schema import Field, api_name, message
from dataplane.wire.treatments import NUMBERING
from tests.dataplane.virtual.instances import (
    OFFERED,
    OWN,
    OWN_IDS,
    PREFIX,
    RIVAL,
    VIEW,
    Generator,
    Oracle,
    decoded,
    knowing_own_ids,
    request_frame,
    response_frame,
)
from tests.dataplane.virtual.test_mutations import compiled, has_rule

MESSAGES = [
    pytest.param(key, version, id=f"{APIS[key].name}-{version}")
    for key, version in OFFERED
    if api_name(key) in NUMBERED
]
FETCH = 1
LOWEST = 1000
"""Where the present numbering begins."""
SHIFTED = (
    Numbering(0, LOWEST, LOWEST, (Stretch(10, 20, 1300), Stretch(50, 50, 1310))),
    Numbering(2, -4, 0),
)
NUMBERS = (
    Numbers(f"{PREFIX}orders".encode(), SHIFTED),
    Numbers(f"{RIVAL}lent".encode(), (Numbering(1, 777, 777),)),
)
NUMBERED_VIEW = knowing_own_ids(
    replace(
        VIEW, aliases=(Alias("borrowed", f"{RIVAL}lent"), Alias("b", f"{RIVAL}b")), numbers=NUMBERS
    )
)
FOLLOWERS = ("request", "log_start_offset")
OFFSETS = {
    "base_offset",
    "log_start_offset",
    "fetch_offset",
    "high_watermark",
    "last_stable_offset",
    "first_offset",
    "offset",
    "committed_offset",
    "low_watermark",
    "current_txn_start_offset",
}


def batch(base_offset: int, records: int = 3) -> bytes:
    """A batch's header, as far as offsets go, and something after it."""
    return INT64.pack(base_offset) + INT32.pack(60 + records) + b"\1" * (60 + records)


class Numbered(Generator):
    """Messages about few topics and partitions, with offsets of all numberings."""

    def topic(self) -> str:
        if self.direction == "request":
            return self.seed.choice(["orders", "borrowed", "b", "plain"])
        own = self.seed.choice(["orders", "plain"])
        return self.seed.choice([f"{PREFIX}{own}", f"{RIVAL}lent", f"{RIVAL}b"])

    def plain(self, field: Field) -> Any:
        if field.name in {"index", "partition", "partition_index"}:
            return self.seed.randrange(4)
        if field.name in OFFSETS:
            return self.seed.choice([-1, 0, 9, 15, 33, 70, 999, 1000, 1500])
        if field.kind == "records" and self.direction == "response":
            return b"".join(batch(self.seed.randrange(500)) for _ in range(self.seed.randrange(3)))
        return super().plain(field)


class NumberedOracle(Oracle):
    """What becomes of offsets, computed on decoded messages."""

    topic = ""
    partition = -1

    def one(self, field: Field, path: str, class_: fc.FieldClass | None, value: Any) -> Any:
        seen = super().one(field, path, class_, value)
        if field.type_name == "TopicName":
            self.topic = seen if self.direction == "request" else value
        elif class_ in OWN:
            self.topic = OWN_IDS[value if self.direction == "request" else seen]
        elif field.name in {"index", "partition", "partition_index"}:
            self.partition = value
        elif field.name in OFFSETS and (self.direction, field.name) != FOLLOWERS:
            return self.moved(value)
        elif field.kind == "records" and self.direction == "response":
            return self.batches(value)
        return seen

    def numbering(self) -> Numbering:
        numbers = NUMBERED_VIEW.numbers_of_physical.get(self.topic.encode())
        return (numbers and numbers.of(self.partition)) or Numbering(self.partition)

    def moved(self, value: int) -> int:
        numbering = self.numbering()
        return numbering.offset(value) if self.direction == "request" else numbering.number(value)

    def batches(self, records: bytes) -> bytes:
        seen, at = b"", 0
        while at < len(records):
            (size,) = INT32.unpack_from(records, at + 8)
            after = at + 12 + size
            (offset,) = INT64.unpack_from(records, at)
            seen += INT64.pack(self.moved(offset)) + records[at + 8 : after]
            at = after
        return seen


@pytest.mark.parametrize(("key", "version"), MESSAGES)
@pytest.mark.parametrize("seed", range(8))
def test_numbers_become_offsets_on_the_way_to_the_cluster(key, version, seed):
    api = api_name(key)
    body = Numbered(seed, api, "request", NUMBERED_VIEW).entity(message(key, version, "request"))
    pieces, _, _ = request_program(key, version, True)(
        request_frame(key, version, body), NUMBERED_VIEW
    )
    sent = decoded(key, version, "request", b"".join(pieces))
    assert sent == NumberedOracle(api, "request", NUMBERED_VIEW).entity(body)


@pytest.mark.parametrize(("key", "version"), MESSAGES)
@pytest.mark.parametrize("seed", range(8))
def test_offsets_become_numbers_on_the_way_to_the_client(key, version, seed):
    api = api_name(key)
    body = Numbered(seed, api, "response", NUMBERED_VIEW).entity(message(key, version, "response"))
    program_of = response_program(key, version, True)
    seen = b"".join(program_of(response_frame(key, version, body), NUMBERED_VIEW, None))
    oracle = NumberedOracle(api, "response", NUMBERED_VIEW)
    assert decoded(key, version, "response", seen) == oracle.entity(body)


def test_every_offset_of_an_offered_message_is_numbered():
    """By name, over the whole schema: an API that gains offsets has to get into the list."""
    missing = {
        f"{api_name(key)}.{direction}.{path}"
        for key, version in OFFERED
        if api_name(key) not in NUMBERED
        for direction in ("request", "response")
        for path, field in message(key, version, direction).walk()
        if class_of(api_name(key), direction, path, field) in {fc.OFFSET, fc.FETCH_OFFSET}
    }
    assert missing == set()


@pytest.mark.parametrize(("key", "version"), MESSAGES)
@pytest.mark.parametrize("direction", ["request", "response"])
def test_programs_of_plain_topics_know_nothing_of_numbers(key, version, direction):
    assert "number" not in program(key, version, direction).source


OF_NUMBERS = [
    pytest.param(index, id=pattern)
    for index, (pattern, class_) in enumerate(RULES)
    if isinstance(class_.request, NUMBERING) or class_ is fc.RECORDS
]


def without_rule(index):
    """A classification that lacks one rule, so that fields pass which it is about."""

    def treatment(api, direction, path, field):
        if matching_rule(f"{api}.{direction}.{path}") == index:
            return None
        return numbered_treatment_of(api, direction, path, field)

    return treatment


def survives(index, key, version, direction, seed):
    api = api_name(key)
    body = Numbered(seed, api, direction, NUMBERED_VIEW).entity(message(key, version, direction))
    run = compiled(without_rule(index), key, version, direction)
    oracle = NumberedOracle(api, direction, NUMBERED_VIEW)
    try:
        if direction == "request":
            pieces, _, _ = run(request_frame(key, version, body), NUMBERED_VIEW)
        else:
            pieces = run(response_frame(key, version, body), NUMBERED_VIEW, None)
    except NameError:
        return False
    return decoded(key, version, direction, b"".join(pieces)) == oracle.entity(body)


@pytest.mark.parametrize("index", OF_NUMBERS)
@pytest.mark.parametrize("direction", ["request", "response"])
def test_without_a_rule_numbers_come_out_wrong(index, direction):
    concerned = [
        (key, version)
        for key, version in OFFERED
        if api_name(key) in NUMBERED and has_rule(key, version, direction, index)
    ]
    if RULES[index][1] is fc.RECORDS and direction == "request":
        return  # of what is written nothing is numbered
    if getattr(RULES[index][1], direction) is None:
        return  # it passes anyway
    assert not concerned or not all(
        survives(index, key, version, direction, seed)
        for key, version in concerned
        for seed in range(8)
    )


def fetch(version, topic, partition, offset):
    struct = message(FETCH, version, "request")
    body = Numbered(1, "fetch", "request").entity(struct)
    topics = next(f.struct for f in struct.fields if f.name == "topics")
    partitions = next(f.struct for f in topics.fields if f.name == "partitions")
    one = Numbered(1, "fetch", "request").entity(partitions)
    one = replace(one, partition=partition, fetch_offset=offset)
    named = topics.entity(**called(version, f"{PREFIX}{topic}", topic), partitions=(one,))
    return request_frame(FETCH, version, replace(body, topics=(named,)))


def fetched(version, topic, partition, records):
    struct = message(FETCH, version, "response")
    body = Numbered(1, "fetch", "response").entity(struct)
    topics = next(f.struct for f in struct.fields if f.name == "responses")
    partitions = next(f.struct for f in topics.fields if f.name == "partitions")
    one = Numbered(1, "fetch", "response").entity(partitions)
    one = replace(one, partition_index=partition, records=records)
    named = topics.entity(**called(version, topic, topic), partitions=(one,))
    return response_frame(FETCH, version, replace(body, responses=(named,)))


def called(version, physical, name):
    """How a topic is named in a version."""
    ids = {known: id_ for id_, known in OWN_IDS.items()}
    return {"topic": name} if version < 13 else {"topic_id": ids[physical]}


def records_of(version, frame):
    (topic,) = decoded(FETCH, version, "response", b"".join(frame)).responses
    return topic.partitions[0].records


@pytest.mark.parametrize("version", APIS[FETCH].served)
@pytest.mark.parametrize("found", [b"", None, batch(300) + batch(310)])
def test_who_reads_on_at_an_older_number_is_first_told_the_present_one(version, found):
    """A batch may begin before the place, and by an older number no client could tell."""
    _, fact, _ = request_program(FETCH, version, True)(
        fetch(version, "orders", 0, 33), NUMBERED_VIEW
    )
    assert fact == {(f"{PREFIX}orders".encode(), 0): 1313}
    answer = fetched(version, f"{PREFIX}orders", 0, found)
    told = response_program(FETCH, version, True)(answer, NUMBERED_VIEW, fact)
    assert records_of(version, told) == signpost(1313)


@pytest.mark.parametrize(("partition", "offset"), [(0, 1000), (0, -1), (1, 33), (2, 33)])
def test_who_reads_on_at_a_present_number_is_told_nothing(partition, offset):
    _, fact, _ = request_program(FETCH, 12, True)(
        fetch(12, "orders", partition, offset), NUMBERED_VIEW
    )
    assert fact is None
    answer = fetched(12, f"{PREFIX}orders", partition, b"")
    assert records_of(12, response_program(FETCH, 12, True)(answer, NUMBERED_VIEW, fact)) == b""


def test_an_id_that_nobody_asked_for_ends_the_connection_as_its_numbers_are_not_known():
    answer = fetched(13, f"{PREFIX}orders", 0, b"")
    with pytest.raises(ForeignNameError):
        response_program(FETCH, 13, True)(
            answer, replace(NUMBERED_VIEW, own_topics=OwnTopics()), None
        )


def test_a_batch_that_is_cut_off_is_renumbered_as_far_as_it_is_there():
    answer = fetched(12, f"{PREFIX}orders", 0, batch(5) + batch(8)[:12])
    told = response_program(FETCH, 12, True)(answer, NUMBERED_VIEW, None)
    assert records_of(12, told) == batch(1005) + batch(1008)[:12]


def test_what_is_too_short_for_a_batch_stays():
    answer = fetched(12, f"{PREFIX}orders", 0, batch(5) + batch(8)[:11])
    told = response_program(FETCH, 12, True)(answer, NUMBERED_VIEW, None)
    assert records_of(12, told) == batch(1005) + batch(8)[:11]


def test_a_signpost_is_a_marker_that_clients_step_over():
    made = signpost(1313)
    assert UINT32.unpack_from(made, 17) == (crc32c(made[21:]),)
    records = MemoryRecords(made)
    marker = records.next_batch()
    assert marker is not None
    assert marker.validate_crc()
    assert marker.is_control_batch
    assert (marker.base_offset, marker.next_offset) == (1312, 1313)
    (record,) = marker
    assert (record.offset, record.key, record.value) == (1312, b"\0\0\0\1", bytes(6))
    assert records.next_batch() is None
