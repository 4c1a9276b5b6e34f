"""What was seen of replicas is there again, whoever leads and whatever release it is."""

import re
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from controlplane.domain.completeness import Hole
from controlplane.domain.replica import Anchor, Mark, Troubles, Watched
from controlplane.domain.unreadable import Unreadable
from controlplane.store.watches import KeptLook, Pair, Watches

pytestmark = pytest.mark.environment

PAIR = Pair(scope="main", from_cluster="main", to_cluster="failover")
BACK = Pair(scope="main", from_cluster="failover", to_cluster="main")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def mark(partition: int, end: int = 9) -> Mark:
    return Mark(
        partition=f"teamA.orders-{partition}",
        source_begin=0,
        source_end=end,
        replica_end=end,
        anchor=Anchor(end - 1, end - 1),
    )


def seen(*marks: Mark, seq: int = 5) -> Watched:
    return Watched(seen_at=AT, seq=seq, marks=marks)


@pytest.fixture
async def written(database_url, engine):
    """Which marks were written since it was asked last, by their partitions."""
    owner = await asyncpg.connect(database_url)
    await owner.execute("""
        CREATE TABLE interlock.written (partition text);
        CREATE FUNCTION interlock.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
          BEGIN INSERT INTO interlock.written VALUES (NEW.partition); RETURN NEW; END $$;
        CREATE TRIGGER note AFTER INSERT OR UPDATE ON interlock.replica_mark
          FOR EACH ROW EXECUTE FUNCTION interlock.note();
    """)

    async def partitions() -> list[str]:
        found = await owner.fetch("DELETE FROM interlock.written RETURNING partition")
        return sorted(row["partition"][-1] for row in found)

    yield partitions
    await owner.close()


async def test_a_look_writes_what_has_changed(engine, written):
    watches = Watches(engine)
    assert await watches.newest(PAIR) is None
    assert await watches.age_s(PAIR) is None
    first = seen(mark(0), mark(1), mark(2))
    await watches.keep(PAIR, first)
    assert await written() == ["0", "1", "2"]
    assert await watches.newest(PAIR) == first
    assert await watches.newest(BACK) is None
    second = replace(first, seq=6, marks=(mark(0), mark(1, end=12), mark(3)))
    await watches.keep(PAIR, second)
    assert await written() == ["1", "3"]
    assert await watches.newest(PAIR) == second
    await watches.keep(PAIR, replace(second, seq=7))
    assert await written() == []
    assert (await watches.newest(PAIR)).seq == 7
    assert 0 <= await watches.age_s(PAIR) < 60


async def test_whoever_leads_again_knows_nothing_of_what_another_one_wrote(engine, written):
    one, other = Watches(engine), Watches(engine)
    await one.keep(PAIR, seen(mark(0), mark(1)))
    await other.keep(PAIR, seen(mark(0, end=20), mark(2)))
    await written()
    again = seen(mark(0), mark(1, end=30))
    await one.keep(PAIR, again)
    assert await written() == ["0", "1"]
    assert await one.newest(PAIR) == again


async def test_what_an_older_release_writes_counts_while_it_is_newer(engine):
    watches = Watches(engine)
    older = seen(mark(0, end=40))
    await watches.keep(PAIR, seen(mark(0)))
    async with engine.begin() as connection:
        await connection.execute(
            sa.text("INSERT INTO interlock.replica_watch VALUES (:s, :f, :t, CAST(:w AS jsonb))"),
            {"s": "main", "f": "main", "t": "failover", "w": msgspec.json.encode(older).decode()},
        )
    assert await watches.newest(PAIR) == older
    newest = replace(seen(mark(0, end=41)), seen_at=AT + timedelta(seconds=2))
    await watches.keep(PAIR, newest)
    assert await watches.newest(PAIR) == newest


async def test_any_cause_can_be_kept(engine):
    cause = Unreadable(partition="teamA.orders-0", cluster="main", offset=4, cause="no \0 text")
    watched = seen(replace(mark(0), unreadable=cause))
    await Watches(engine).keep(PAIR, watched)
    assert await Watches(engine).newest(PAIR) == watched


@pytest.fixture
def asked(engine):
    """What Postgres was asked for since this was cleared last: the tables."""
    tables: list[str] = []

    def note(_connection, _cursor, statement, *_):
        tables.extend(re.findall(r"FROM interlock\.(\w+)", statement))

    sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield tables
    sa.event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_marks_that_are_known_are_not_read_again(engine, asked):
    one, other = Watches(engine), Watches(engine)
    await one.keep(PAIR, seen(mark(1), mark(0)))
    asked.clear()
    mine = await one.newest(PAIR)
    assert mine == seen(mark(0), mark(1))
    assert "replica_mark" not in asked, "who has written them knows them"
    assert await other.newest(PAIR) == mine
    assert "replica_mark" in asked
    asked.clear()
    assert await one.newest(PAIR) is mine
    assert await other.newest(PAIR) is await other.newest(PAIR)
    assert "replica_mark" not in asked
    await other.keep(PAIR, seen(mark(0, end=20)))
    assert await one.newest(PAIR) == seen(mark(0, end=20))
    assert "replica_mark" in asked


async def test_what_is_amiss_is_told_without_reading_the_marks(engine, asked):
    watches = Watches(engine)
    assert await watches.newest_look(PAIR) is None
    hole = Hole(partition="teamA.orders-0", first=2, last=4, records=2)
    cause = Unreadable(partition="teamA.orders-1", cluster="main", offset=4, cause="no record")
    marks = (replace(mark(0), hole=hole), replace(mark(1), unreadable=cause), mark(2))
    await watches.keep(PAIR, seen(*marks))
    asked.clear()
    look = await Watches(engine).newest_look(PAIR)
    assert (look.seq, look.troubles) == (5, Troubles(left_out=2, unreadable=1))
    assert "replica_mark" not in asked
    await watches.keep(PAIR, seen(mark(0), seq=6))
    assert (await watches.newest_look(PAIR)).troubles == Troubles()


async def test_an_older_release_does_not_add_up(engine):
    older = msgspec.json.encode(seen()).decode()
    async with engine.begin() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO interlock.replica_look (scope, from_cluster, to_cluster, writer,"
                " looked) VALUES ('main', 'main', 'failover', gen_random_uuid(),"
                " CAST(:w AS jsonb))"
            ),
            {"w": older},
        )
    look = await Watches(engine).newest_look(PAIR)
    assert look == KeptLook(seen_at=AT, seq=5, marks=(), troubles=None)
    newer = msgspec.json.encode(replace(look, troubles=Troubles(left_out=1)))
    assert msgspec.json.decode(newer, type=Watched) == seen(), "and reads what this one writes"
