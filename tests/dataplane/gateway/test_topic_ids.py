"""Ids of topics through the gateway, on real clusters: stable over a switch, and of one's own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from kio.schema.errors import ErrorCode

from contract.records import TopicAlias, TopicIds
from contract.topic_ids import packed
from dataplane.virtual import topic_ids
from dataplane.virtual.messages import decode_response
from dataplane.virtual.own_topics import OwnTopics
from tests.dataplane.equivalence import scene
from tests.dataplane.equivalence.worlds import World
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import RawClient, framed
from tests.dataplane.virtual.instances import request_frame
from tests.environment.backends import Clusters

pytestmark = [pytest.mark.environment, pytest.mark.timeout(60)]

PRODUCE, FETCH = 0, 1
METADATA, OFFSET_COMMIT, FIND_COORDINATOR, CREATE_TOPICS, DELETE_TOPICS = 3, 8, 10, 19, 20
OFFSET_FETCH, HEARTBEAT, DESCRIBE, DESCRIBE_TOPICS = 9, 68, 69, 75
TOPIC, GROUP, COMMITTERS = "orders", "readers", "committers"


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[World]:
    async with await RawClient.connect(stage.bootstrap) as connected:
        assert await connected.authenticate(stage.token()) == 0
        yield World(connected)


@pytest.fixture
async def operator(clusters: Clusters) -> AsyncIterator[World]:
    """At the cluster itself."""
    async with await RawClient.connect(clusters.main) as connected:
        yield World(connected)


async def ask(world: World, key: int, version: int, **given: Any) -> Any:
    return await world.ask(*scene.made(key, version, **given))


async def create(world: World, name: str = TOPIC, partitions: int = 2) -> UUID:
    topic = {"name": name, "num_partitions": partitions, "replication_factor": 1}
    answer = await ask(world, CREATE_TOPICS, 7, timeout=scene.MINUTE, topics=[topic])
    (created,) = answer.topics
    assert created.error_code is ErrorCode.none
    id_: UUID = created.topic_id
    for _ in range(100):
        if (await by_name(world, name)).topic_id == id_:
            return id_
        await asyncio.sleep(0.05)
    raise AssertionError(f"the broker does not know {name} by its new id")


async def by_name(world: World, name: str = TOPIC, version: int = 12) -> Any:
    (topic,) = (await ask(world, METADATA, version, topics=[{"name": name}])).topics
    return topic


async def by_id(world: World, *ids: UUID) -> dict[UUID, tuple[str | None, int]]:
    """Name and error of what has these ids."""
    answer = await ask(world, METADATA, 12, topics=[{"topic_id": id_, "name": None} for id_ in ids])
    return {topic.topic_id: (topic.name, topic.error_code) for topic in answer.topics}


async def heartbeat(world: World, epoch: int, **given: Any) -> Any:
    return await ask(
        world,
        HEARTBEAT,
        1,
        group_id=GROUP,
        member_id="one",
        member_epoch=epoch,
        rebalance_timeout=timedelta(minutes=1) if epoch == 0 else timedelta(milliseconds=-1),
        **given,
    )


async def assigned(world: World, **subscription: Any) -> set[UUID]:
    """The topics that the only member of a group is given, once a coordinator is there."""
    await ask(world, FIND_COORDINATOR, 4, key_type=0, coordinator_keys=[GROUP])
    answer = await heartbeat(world, 0, topic_partitions=[], **subscription)
    for _ in range(100):
        assert answer.error_code is ErrorCode.none, answer.error_message
        if answer.assignment is not None and answer.assignment.topic_partitions:
            return {topic.topic_id for topic in answer.assignment.topic_partitions}
        await asyncio.sleep(0.05)
        answer = await heartbeat(world, answer.member_epoch, topic_partitions=None)
    raise AssertionError("nothing was assigned")


def a_commit(position: int, *ids: UUID) -> tuple[int, int, Any]:
    """The request to commit a position in partition 1 of each topic."""
    partitions = [{"partition_index": 1, "committed_offset": position, "committed_metadata": ""}]
    topics = [{"topic_id": id_, "partitions": partitions} for id_ in ids]
    return scene.made(OFFSET_COMMIT, 10, group_id=COMMITTERS, member_id="", topics=topics)


async def commit(world: World, position: int, *ids: UUID) -> dict[UUID, int]:
    """Commit a position in partition 1 of each topic, by id; the errors."""
    await ask(world, FIND_COORDINATOR, 4, key_type=0, coordinator_keys=[COMMITTERS])
    answer = await world.ask(*a_commit(position, *ids))
    return {topic.topic_id: topic.partitions[0].error_code for topic in answer.topics}


async def position(world: World, name: str = TOPIC) -> int:
    """What was committed there, asked for by name."""
    topics = [{"name": name, "partition_indexes": [1]}]
    groups = [{"group_id": COMMITTERS, "topics": topics}]
    (group,) = (await ask(world, OFFSET_FETCH, 8, groups=groups)).groups
    return group.topics[0].partitions[0].committed_offset


async def positions(world: World, *topics: UUID) -> dict[UUID, tuple[int, int]]:
    """Position and error in partition 1 of topics, asked for by id; of none: in all there are."""
    asked = [{"topic_id": id_, "partition_indexes": [1]} for id_ in topics] or None
    groups = [{"group_id": COMMITTERS, "topics": asked}]
    (group,) = (await ask(world, OFFSET_FETCH, 10, groups=groups)).groups
    assert group.error_code is ErrorCode.none
    return {
        topic.topic_id: (partition.committed_offset, partition.error_code)
        for topic in group.topics
        for partition in topic.partitions
    }


def batch(value: bytes, producer_id: int = -1, sequence: int = -1) -> bytes:
    epoch = min(producer_id, 0)
    builder = DefaultRecordBatchBuilder(2, 0, False, producer_id, epoch, sequence, 10_000)
    builder.append(0, 0, None, value, [])
    return bytes(builder.build())


async def write(world: World, value: bytes, name: str = TOPIC) -> None:
    """A record in partition 1."""
    topics = [{"name": name, "partition_data": [{"index": 1, "records": batch(value)}]}]
    for _ in range(100):
        answer = await ask(world, PRODUCE, 9, acks=-1, timeout=scene.MINUTE, topic_data=topics)
        error = answer.responses[0].partition_responses[0].error_code
        if error is not ErrorCode.not_leader_or_follower:
            break
        await asyncio.sleep(0.05)
    assert error is ErrorCode.none


def a_write(*written: tuple[UUID | None, bytes], acks: int = -1) -> tuple[int, int, Any]:
    """The request to write a record into partition 1 of each topic, by id."""
    topics = [
        {"topic_id": id_, "partition_data": [{"index": 1, "records": records}]}
        for id_, records in written
    ]
    return scene.made(PRODUCE, 13, acks=acks, timeout=scene.MINUTE, topic_data=topics)


async def written(world: World, *records: tuple[UUID | None, bytes]) -> dict[UUID, int]:
    """Write by ids; the errors."""
    answer = await world.ask(*a_write(*records))
    return {topic.topic_id: topic.partition_responses[0].error_code for topic in answer.responses}


async def fetch(world: World, *ids: UUID | None, version: int = 17) -> dict[UUID, Any]:
    """Errors and records of partition 1 of each topic."""
    partitions = [{"partition": 1, "fetch_offset": 0, "partition_max_bytes": 10_000}]
    answer = await ask(
        world,
        FETCH,
        version,
        max_wait=timedelta(milliseconds=100),
        min_bytes=0,
        max_bytes=10_000,
        isolation_level=0,
        session_id=0,
        session_epoch=-1,
        topics=[{"topic_id": id_, "partitions": partitions} for id_ in ids],
        rack_id="",
    )
    assert (answer.error_code, answer.session_id) == (ErrorCode.none, 0)
    return {t.topic_id: read(*t.partitions) for t in answer.responses}


def read(partition: Any) -> Any:
    if partition.error_code is not ErrorCode.none:
        return partition.error_code
    return [value for value in (b"first", b"second") if value in (partition.records or b"")]


async def test_a_topic_has_one_id_wherever_it_is_shown(client: World, operator: World, stage):
    created = await create(client)
    for version in (10, 11, 12, 13):
        assert (await by_name(client, version=version)).topic_id == created
    described = await ask(client, DESCRIBE_TOPICS, 0, topics=[{"name": TOPIC}])
    assert [topic.topic_id for topic in described.topics] == [created]
    assert (await by_name(operator, f"{stage.vcluster}{TOPIC}")).topic_id == created


async def test_a_topic_is_found_and_deleted_by_its_id_and_nobody_elses_is(
    client: World, operator: World, unique_name: str
):
    own, theirs = await create(client), await create(operator, f"other-{unique_name}")
    unknown = UUID(int=4711)
    assert await by_id(client, own, theirs, unknown) == {
        own: (TOPIC, ErrorCode.none),
        theirs: (None, ErrorCode.unknown_topic_id),
        unknown: (None, ErrorCode.unknown_topic_id),
    }
    topics = [{"topic_id": id_, "name": None} for id_ in (theirs, own)]
    answer = await ask(client, DELETE_TOPICS, 6, timeout=scene.MINUTE, topics=topics)
    assert {t.topic_id: (t.name, t.error_code) for t in answer.responses} == {
        own: (TOPIC, ErrorCode.none),
        theirs: (None, ErrorCode.unknown_topic_id),
    }
    assert (await by_name(operator, f"other-{unique_name}")).error_code is ErrorCode.none


async def test_a_topic_that_was_made_anew_is_another_one(client: World):
    before = await create(client)
    await ask(client, DELETE_TOPICS, 6, timeout=scene.MINUTE, topics=[{"name": TOPIC}])
    after = await create(client)
    assert after != before
    assert (await by_name(client)).topic_id == after


@pytest.mark.parametrize("version", range(13, 19))
async def test_records_are_read_by_the_ids_of_own_topics_alone(
    client: World, operator: World, unique_name: str, version: int
):
    own, theirs = await create(client), await create(operator, f"other-{unique_name}")
    unknown = UUID(int=4711)
    await write(client, b"first")
    assert await fetch(client, theirs, own, unknown, None, version=version) == {
        own: [b"first"],
        theirs: ErrorCode.unknown_topic_id,
        unknown: ErrorCode.unknown_topic_id,
        None: ErrorCode.unknown_topic_id,
    }
    assert await fetch(client, theirs, version=version) == {theirs: ErrorCode.unknown_topic_id}


async def test_nothing_is_read_of_a_topic_that_was_made_anew_by_the_id_before(client: World):
    before = await create(client)
    await write(client, b"first")
    assert await fetch(client, before) == {before: [b"first"]}
    await ask(client, DELETE_TOPICS, 6, timeout=scene.MINUTE, topics=[{"name": TOPIC}])
    after = await create(client)
    await write(client, b"second")
    assert await fetch(client, before, after) == {
        before: ErrorCode.unknown_topic_id,
        after: [b"second"],
    }


async def test_who_knows_no_ids_and_who_names_nothing_else_read_the_same(client: World):
    own = await create(client)
    await write(client, b"first")
    partitions = [{"partition": 1, "fetch_offset": 0, "partition_max_bytes": 10_000}]
    by_name = await ask(
        client,
        FETCH,
        12,
        max_bytes=10_000,
        isolation_level=0,
        topics=[{"topic": TOPIC, "partitions": partitions}],
    )
    assert {own: read(*by_name.responses[0].partitions)} == await fetch(client, own)


async def test_records_are_written_by_the_ids_of_own_topics_alone(
    client: World, operator: World, unique_name: str
):
    own, theirs = await create(client), await create(operator, f"other-{unique_name}")
    await write(client, b"")
    unknown, first = UUID(int=4711), batch(b"first")
    assert await written(
        client, (theirs, first), (own, first), (unknown, first), (None, first)
    ) == {
        own: ErrorCode.none,
        theirs: ErrorCode.unknown_topic_id,
        unknown: ErrorCode.unknown_topic_id,
        None: ErrorCode.unknown_topic_id,
    }
    assert await fetch(client, own) == {own: [b"first"]}
    assert await fetch(operator, theirs) == {theirs: []}


async def test_nothing_is_written_to_a_topic_that_was_made_anew_by_the_id_before(client: World):
    before = await create(client)
    await write(client, b"")
    assert await written(client, (before, batch(b"first"))) == {before: ErrorCode.none}
    await ask(client, DELETE_TOPICS, 6, timeout=scene.MINUTE, topics=[{"name": TOPIC}])
    after = await create(client)
    await write(client, b"")
    assert await written(client, (before, batch(b"first")), (after, batch(b"second"))) == {
        before: ErrorCode.unknown_topic_id,
        after: ErrorCode.none,
    }
    assert await fetch(client, after) == {after: [b"second"]}


async def test_a_write_does_not_overtake_one_whose_topics_are_looked_up(client: World):
    known = await create(client)
    await write(client, b"")
    unseen = await create(client, "payments")
    await write(client, b"", "payments")
    assert await written(client, (known, batch(b"", 4711, 0))) == {known: ErrorCode.none}
    for sequence in (1, 2, 3):
        records = [(known, batch(b"second", 4711, sequence))]
        if sequence == 1:
            records.append((unseen, batch(b"first", 4711, 0)))
        client.client.send(framed(request_frame(*a_write(*records))))
    errors = []
    for _ in range(3):
        correlation_id, rest = await client.client.receive()
        answer = decode_response(PRODUCE, 13, correlation_id.to_bytes(4) + rest)
        errors += [p.error_code for t in answer.responses for p in t.partition_responses]
    assert errors == [ErrorCode.none] * 4


async def test_who_waits_for_no_answer_loses_its_connection_over_a_topic_that_there_is_not(
    client: World, operator: World, unique_name: str
):
    own, theirs = await create(client), await create(operator, f"other-{unique_name}")
    await write(client, b"")
    client.client.send(framed(request_frame(*a_write((own, batch(b"first")), acks=0))))
    assert (await by_name(client)).topic_id == own
    assert await fetch(client, own) == {own: [b"first"]}
    client.client.send(framed(request_frame(*a_write((theirs, batch(b"first")), acks=0))))
    with pytest.raises(asyncio.IncompleteReadError):
        await client.client.receive()


async def test_positions_are_committed_by_the_ids_of_own_topics_alone(
    client: World, operator: World, unique_name: str
):
    own, theirs = await create(client), await create(operator, f"other-{unique_name}")
    unknown = UUID(int=4711)
    assert await commit(client, 7, theirs, own, unknown) == {
        own: ErrorCode.none,
        theirs: ErrorCode.unknown_topic_id,
        unknown: ErrorCode.unknown_topic_id,
    }
    assert await position(client) == 7


async def test_positions_are_told_by_the_ids_of_own_topics_alone(
    client: World, operator: World, unique_name: str
):
    own, theirs = await create(client), await create(operator, f"other-{unique_name}")
    untouched, unknown = await create(client, "payments"), UUID(int=4711)
    await commit(client, 7, own)
    assert await positions(client, theirs, own, unknown, untouched) == {
        own: (7, ErrorCode.none),
        untouched: (-1, ErrorCode.none),
        theirs: (-1, ErrorCode.unknown_topic_id),
        unknown: (-1, ErrorCode.unknown_topic_id),
    }
    assert await positions(client, own) == {own: (7, ErrorCode.none)}
    assert await positions(client, theirs) == {theirs: (-1, ErrorCode.unknown_topic_id)}


async def test_all_positions_are_told_by_the_ids_that_a_client_knows(client: World):
    own, other = await create(client), await create(client, "payments")
    await commit(client, 7, own)
    assert await positions(client) == {own: (7, ErrorCode.none)}
    await commit(client, 8, other)
    assert await positions(client) == {own: (7, ErrorCode.none), other: (8, ErrorCode.none)}


async def test_no_position_is_told_by_the_id_of_a_topic_before(client: World):
    before = await create(client)
    await commit(client, 7, before)
    assert await positions(client, before) == {before: (7, ErrorCode.none)}
    await ask(client, DELETE_TOPICS, 6, timeout=scene.MINUTE, topics=[{"name": TOPIC}])
    after = await create(client)
    await commit(client, 9, after)
    assert await positions(client, before, after) == {
        after: (9, ErrorCode.none),
        before: (-1, ErrorCode.unknown_topic_id),
    }


async def test_a_commit_does_not_overtake_one_whose_topics_are_looked_up(client: World):
    known = await create(client)
    await commit(client, 1, known)
    unseen = await create(client, "payments")
    for request in (a_commit(2, known, unseen), a_commit(3, known)):
        client.client.send(framed(request_frame(*request)))
    for _ in range(2):
        await client.client.receive()
    assert (await position(client), await position(client, "payments")) == (3, 2)


async def test_a_commit_is_never_for_a_topic_that_was_made_anew(client: World):
    before = await create(client)
    assert await commit(client, 7, before) == {before: ErrorCode.none}
    await ask(client, DELETE_TOPICS, 6, timeout=scene.MINUTE, topics=[{"name": TOPIC}])
    after = await create(client)
    assert await commit(client, 8, before) == {before: ErrorCode.unknown_topic_id}
    assert await position(client) == -1
    assert await commit(client, 9, after, before) == {
        after: ErrorCode.none,
        before: ErrorCode.unknown_topic_id,
    }
    assert await position(client) == 9


async def test_it_keeps_its_id_when_the_scope_moves(
    client: World, clusters: Clusters, stage: Stage
):
    born = await create(client)
    async with await RawClient.connect(clusters.failover) as there:
        here = await create(World(there), f"{stage.vcluster}{TOPIC}")
    pairs = packed([(born.bytes, here.bytes)])
    stage.record(TopicIds(scope="main", epoch=stage.epoch + 1, pairs=pairs))
    assert (await by_name(client)).topic_id == born
    await write(client, b"first")
    assert await fetch(client, born) == {born: [b"first"]}
    await stage.switch("failover")
    await write(client, b"")
    assert await written(client, (born, batch(b"second")), (here, batch(b"first"))) == {
        born: ErrorCode.none,
        here: ErrorCode.unknown_topic_id,
    }
    assert await fetch(client, born, here) == {
        born: [b"second"],
        here: ErrorCode.unknown_topic_id,
    }
    assert (await by_name(client)).topic_id == born
    assert await by_id(client, born, here) == {
        born: (TOPIC, ErrorCode.none),
        here: (None, ErrorCode.unknown_topic_id),
    }
    assert await commit(client, 5, born, here) == {
        born: ErrorCode.none,
        here: ErrorCode.unknown_topic_id,
    }
    assert await position(client) == 5
    assert await positions(client, born, here) == {
        born: (5, ErrorCode.none),
        here: (-1, ErrorCode.unknown_topic_id),
    }
    assert await positions(client) == {born: (5, ErrorCode.none)}
    assert await assigned(client, subscribed_topic_names=[TOPIC]) == {born}


@pytest.mark.parametrize("pattern", [".*", "^ord.*", "orders|.*x", "(?i)ORDERS"])
async def test_a_pattern_finds_own_topics_alone(
    client: World, operator: World, unique_name: str, pattern: str
):
    own = await create(client)
    await create(operator, f"other-{unique_name}-orders")
    await create(operator, f"orders-{unique_name}")
    assert await assigned(client, subscribed_topic_regex=pattern) == {own}
    (group,) = (await ask(client, DESCRIBE, 1, group_ids=[GROUP])).groups
    (member,) = group.members
    assert member.subscribed_topic_regex in {pattern, pattern.removeprefix("^")}
    (partitions,) = member.assignment.topic_partitions
    assert (partitions.topic_id, partitions.topic_name) == (own, TOPIC)


async def test_a_pattern_that_would_find_others_is_refused(client: World, operator: World):
    answer = await heartbeat(client, 0, topic_partitions=[], subscribed_topic_regex="a)|(.*")
    assert answer.error_code is ErrorCode.invalid_regular_expression


async def test_an_alias_has_an_id_of_its_own_in_every_answer(
    client: World, operator: World, stage: Stage, unique_name: str
):
    lent = f"lent-{unique_name}"
    owners = await create(operator, lent)
    stage.record(
        TopicAlias(
            vcluster=stage.vcluster,
            logical="borrowed",
            physical=lent,
            read_only=True,
            partitions=2,
            replication_factor=1,
            created_at=0,
        )
    )
    # Before anybody has asked for its metadata, as after a node was restarted.
    told = topic_ids.TopicIds(
        stage.vcluster, topic_ids.NOTHING_MOVED, [(b"borrowed", b"")], OwnTopics()
    )
    shown = UUID(bytes=told.shown_as(b"borrowed", owners.bytes))
    assert await by_id(client, shown) == {shown: ("borrowed", ErrorCode.none)}
    (given,) = await assigned(client, subscribed_topic_names=["borrowed"])
    assert given == shown != owners
    assert (await by_name(client, "borrowed")).topic_id == given
    assert await by_id(client, given, owners) == {
        given: ("borrowed", ErrorCode.none),
        owners: (None, ErrorCode.unknown_topic_id),
    }
    await write(operator, b"first", lent)
    assert await written(client, (given, batch(b"second")), (owners, batch(b"second"))) == {
        given: ErrorCode.topic_authorization_failed,
        owners: ErrorCode.unknown_topic_id,
    }
    assert await fetch(client, given, owners) == {
        given: [b"first"],
        owners: ErrorCode.unknown_topic_id,
    }
    # The view is made anew, and has to be told of the alias again.
    stage.gateway.views.forget()
    assert await fetch(client, given) == {given: [b"first"]}
    assert await commit(client, 3, given, owners) == {
        given: ErrorCode.none,
        owners: ErrorCode.unknown_topic_id,
    }
    assert await position(client, "borrowed") == 3
    assert await positions(client, given, owners) == {
        given: (3, ErrorCode.none),
        owners: (-1, ErrorCode.unknown_topic_id),
    }
    assert await positions(client) == {given: (3, ErrorCode.none)}
    (group,) = (await ask(client, DESCRIBE, 1, group_ids=[GROUP])).groups
    (partitions,) = group.members[0].assignment.topic_partitions
    assert (partitions.topic_id, partitions.topic_name) == (given, "borrowed")
