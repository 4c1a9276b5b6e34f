"""The log on real Postgres: gapless, in order, and not to be rewritten."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, ProgrammingError

from controlplane.domain.events import NodeRegistered, RebuildRequested, VirtualClusterCreated
from controlplane.store.event_search import Search
from controlplane.store.event_store import Attribution, EventStore, StreamMovedError

pytestmark = pytest.mark.environment

BY = Attribution(actor="user:test", reason="because")


def created(name: str) -> VirtualClusterCreated:
    return VirtualClusterCreated(name=name, scope="main", cluster_id="x")


async def test_events_come_back_as_they_were_appended(engine):
    store = EventStore(engine)
    appended = await store.append([created("a"), created("b"), created("a")], {}, BY)
    assert await store.read(0) == appended
    assert [(e.seq, e.version) for e in appended] == [(1, 1), (2, 1), (3, 2)]
    assert (await store.head()).seq == 3


async def test_an_append_on_an_outdated_stream_leaves_nothing_behind(engine):
    store = EventStore(engine)
    await store.append([created("a")], {}, BY)
    with pytest.raises(StreamMovedError, match="vcluster/a"):
        await store.append([created("b"), created("a")], {"vcluster/a": 0}, BY)
    assert (await store.append([created("b")], {}, BY))[0].seq == 2


async def test_a_search_finds_by_kind_actor_subject_and_time(engine):
    store = EventStore(engine)
    first, second = await store.append([created("a"), RebuildRequested()], {}, BY)
    (third,) = await store.append([created("b")], {}, Attribution(actor="user:other"))

    async def found(**wanted):
        return [event.seq for event in await store.search(Search(**wanted))]

    assert await found(kind="vcluster.created") == [first.seq, third.seq]
    assert await found(kind="vcluster") == [first.seq, third.seq]
    assert await found(actor="user:other") == [third.seq]
    assert await found(subject="control_topic") == [second.seq]
    assert await found(until=2) == [1, 2]
    assert await found(since=third.recorded_at) == [third.seq]
    assert await found(before=third.recorded_at - timedelta(microseconds=1)) == [1, 2]
    assert await found(after=1, limit=1) == [second.seq]


async def test_a_time_is_found_though_the_clock_went_back(engine):
    """And though numbers are missing, as after a log was reconciled."""
    store, many = EventStore(engine), 60
    await store.append([created("a")] * many, {}, BY)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    minutes = {seq: 10 * seq - (50 if seq % 7 > 4 else 0) for seq in range(1, many + 1)}
    async with engine.begin() as connection:
        await connection.execute(sa.text("SET LOCAL ROLE NONE"))
        await connection.execute(sa.text("ALTER TABLE interlock.event DISABLE TRIGGER USER"))
        statement = "UPDATE interlock.event SET recorded_at = :recorded_at WHERE seq = :seq"
        times = [
            {"recorded_at": start + timedelta(minutes=m), "seq": s} for s, m in minutes.items()
        ]
        await connection.execute(sa.text(statement), times)
        await connection.execute(sa.text("DELETE FROM interlock.event WHERE seq BETWEEN 20 AND 25"))
        await connection.execute(sa.text("ALTER TABLE interlock.event ENABLE TRIGGER USER"))
    left = {seq: minute for seq, minute in minutes.items() if not 20 <= seq <= 25}
    for first in range(-10, 10 * many + 100, 35):
        since, before = (start + timedelta(minutes=m) for m in (first, first + 95))
        found = await store.search(Search(since=since, before=before))
        expected = [seq for seq, minute in left.items() if first <= minute <= first + 95]
        assert [event.seq for event in found] == expected
        found = await store.search(Search(since=since, after=30, limit=5))
        expected = [seq for seq, minute in left.items() if first <= minute and seq > 30]
        assert [event.seq for event in found] == expected[:5]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE interlock.event SET actor = 'nobody'",
        "DELETE FROM interlock.event",
        "TRUNCATE interlock.event",
        "UPDATE interlock.event_head SET seq = 0",
        "ALTER TABLE interlock.event DISABLE TRIGGER ALL",
    ],
)
async def test_the_applications_role_cannot_rewrite_the_log(engine, statement):
    await EventStore(engine).append([created("a")], {}, BY)
    async with engine.connect() as connection:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            await connection.execute(sa.text(statement))


@pytest.mark.parametrize(
    "statement", ["UPDATE interlock.event SET actor = 'x'", "DELETE FROM interlock.event"]
)
async def test_the_owner_cannot_rewrite_the_log_by_mistake(engine, statement):
    await EventStore(engine).append([created("a")], {}, BY)
    async with engine.connect() as connection:
        await connection.execute(sa.text("SET LOCAL ROLE NONE"))
        with pytest.raises(DBAPIError, match="append-only"):
            await connection.execute(sa.text(statement))


WRITER = """
import asyncio, sys
from controlplane.domain.events import NodeRegistered
from controlplane.store.database import open_engine
from controlplane.store.event_store import Attribution, EventStore

async def main(url, node_ids):
    engine = open_engine(url)
    store, by = EventStore(engine), Attribution(actor="user:test")
    async def write(node_id):
        for _ in range(50):
            versions = {f"node/{node_id}": _}
            await store.append([NodeRegistered(node_id=node_id, incarnation="x")], versions, by)
    async with asyncio.TaskGroup() as writers:
        for node_id in node_ids:
            writers.create_task(write(node_id))
    await engine.dispose()

asyncio.run(main(sys.argv[1], sys.argv[2:]))
"""


async def test_two_processes_with_eight_connections_leave_no_gap_and_no_double(
    engine, database_url
):
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, database_url, *(f"n{process}-{i}" for i in range(4))
        )
        for process in range(2)
    ]
    assert [await writer.wait() for writer in writers] == [0, 0]
    events = await EventStore(engine).read(0)
    assert [event.seq for event in events] == list(range(1, 401))
    assert sorted(event.recorded_at for event in events) == [e.recorded_at for e in events]
    for node_id in {event.event.node_id for event in events}:
        versions = [e.version for e in events if e.event.node_id == node_id]
        assert versions == list(range(1, 51))


async def test_whoever_holds_the_turn_is_not_overtaken(engine):
    store = EventStore(engine)
    event = NodeRegistered(node_id="n", incarnation=uuid4().hex)
    async with store.exclusive() as (connection, head), asyncio.TaskGroup() as others:
        other = others.create_task(store.append([created("a")], {}, BY))
        finished, _ = await asyncio.wait([other], timeout=0.2)
        assert not finished
        assert head.seq == 0
        await connection.commit()
    assert (await store.append([event], {}, BY))[0].seq == 2
