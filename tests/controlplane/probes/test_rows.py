"""How much of two logs is read to see whether the one holds what is in the other."""

from contextlib import asynccontextmanager

import pytest

from controlplane.domain.completeness import Hole
from controlplane.domain.replica import Anchor, seen_both_ways
from controlplane.domain.switch.proved import Proved
from controlplane.probes import replica as replica_module
from controlplane.probes.completeness import prove
from controlplane.probes.following import Following
from controlplane.probes.mirror import compare
from controlplane.probes.reader import EndReader, end_reader
from controlplane.probes.replica import watch
from tests.controlplane.conftest import eventually
from tests.controlplane.probes.clusters import cluster, create, write

pytestmark = pytest.mark.environment


@pytest.fixture
def read(monkeypatch):
    """How many offsets were asked for, partition by partition, since it was cleared last."""
    offsets: list[int] = []
    reading = EndReader._read

    async def counted(reader, ranges, takers, budget_s):
        offsets.extend(end - begin for begin, end in ranges.values() if end > begin)
        return await reading(reader, ranges, takers, budget_s)

    monkeypatch.setattr(EndReader, "_read", counted)
    return offsets


@asynccontextmanager
async def both(clusters, topic, partitions=1):
    for bootstrap in (clusters.main, clusters.failover):
        await create(bootstrap, topic, partitions=partitions)
    async with (
        end_reader(cluster("main", clusters.main)) as source,
        end_reader(cluster("failover", clusters.failover)) as replica,
    ):
        yield source, replica


async def write_both(clusters, topic, *values):
    for bootstrap in (clusters.main, clusters.failover):
        await write(bootstrap, topic, *values)


async def committed(reader, partitions, end):
    """The marker of a transaction is written after its producer has been answered."""

    async def told():
        return set((await reader.committed_ends(partitions)).values()) == {end}

    await eventually(told)


async def test_each_record_is_read_once_from_each_side(clusters, unique_name, read):
    async with both(clusters, unique_name) as (source, replica):
        partitions = await source.partitions([unique_name])
        await write_both(clusters, unique_name, *(b"%d" % n for n in range(50)))
        seen = await watch(source, replica, partitions, None)
        assert sorted(read) == [50, 50]
        read.clear()
        await write_both(clusters, unique_name, b"tom", b"laura")
        seen = await watch(source, replica, partitions, seen)
        assert read == [2, 2]
        read.clear()
        assert (await watch(source, replica, partitions, seen)).marks == seen.marks
        found = await compare(source, replica, [unique_name], following=Following(seen))
        assert found.cut is not None
        compared = await prove(source, replica, found.cut, Following(seen))
        assert (read, compared.rows, compared.holes) == ([], {}, ())


async def test_behind_the_fence_only_what_came_since_is_read_and_that_once(
    clusters, unique_name, read
):
    async with both(clusters, unique_name, partitions=2) as (source, replica):
        partitions = await source.partitions([unique_name])
        for partition in range(2):
            for bootstrap in (clusters.main, clusters.failover):
                await write(bootstrap, unique_name, b"tom", b"laura", partition=partition)
        following = Following(await watch(source, replica, partitions, None))
        for partition in range(2):
            await write(clusters.main, unique_name, b"sam", b"eve", partition=partition)
        await write(clusters.failover, unique_name, b"sam", b"eve", partition=0)
        read.clear()
        found = await compare(source, replica, [unique_name], following=following)
        assert (found.behind, found.far_behind) == ((f"{unique_name}-1",), ())
        assert read == [2, 2, 2]
        read.clear()
        found = await compare(source, replica, [unique_name], following=following)
        assert (found.behind, read) == ((f"{unique_name}-1",), []), "nothing has moved since"
        await write(clusters.failover, unique_name, b"sam", b"eve", partition=1)
        found = await compare(source, replica, [unique_name], following=following)
        assert read == [2, 2], "the one that has moved"
        read.clear()
        compared = await prove(source, replica, found.cut, following)
        assert sorted(rows.found for rows in compared.rows.values()) == [2, 2]
        assert read == [], "it was read to find the cut"
        assert compared.proved == Proved(every_record=2, records=4)
        await write(clusters.failover, unique_name, b"eve", partition=1)
        later = await compare(source, replica, [unique_name], following=following)
        assert later.cut is not None, "more than the source has is not less"


async def test_a_topic_that_was_empty_is_known_from_its_beginning(clusters, unique_name):
    """An empty replica has no record behind which reading could go on."""
    async with both(clusters, unique_name) as (source, replica):
        partitions = await source.partitions([unique_name])
        seen = await watch(source, replica, partitions, None)
        for number in range(3):
            await write_both(clusters, unique_name, b"%d" % number)
            seen = await watch(source, replica, partitions, seen)
        (run,) = seen.marks[0].runs
        assert (run.source, run.target, run.count, run.whole) == (0, 0, 3, True)


async def test_transactions_leave_their_markers_behind_the_last_record(clusters, unique_name, read):
    async with both(clusters, unique_name) as (source, replica):
        partitions = await source.partitions([unique_name])
        await write(clusters.main, unique_name, b"tom", b"sam", transactional_id=unique_name)
        await committed(source, partitions, 3)
        await write(clusters.failover, unique_name, b"tom", b"sam")
        seen = await watch(source, replica, partitions, None)
        read.clear()
        await write(clusters.main, unique_name, b"laura", transactional_id=unique_name)
        await committed(source, partitions, 5)
        await write(clusters.failover, unique_name, b"laura")
        seen = await watch(source, replica, partitions, seen)
        assert sorted(read) == [1, 3], "the marker, laura, and her marker"
        assert [(run.source, run.target, run.count) for run in seen.marks[0].runs] == [
            (0, 0, 2),
            (3, 2, 1),
        ]
        assert seen.marks[0].runs[1].whole, "no record stands between"
        read.clear()
        found = await compare(source, replica, [unique_name], following=Following(seen))
        assert (await prove(source, replica, found.cut, Following(seen))).holes == ()
        assert read == [], "nothing has moved"


async def test_where_they_do_not_go_on_alike_more_is_read(clusters, unique_name, read):
    async with both(clusters, unique_name) as (source, replica):
        partitions = await source.partitions([unique_name])
        await write_both(clusters, unique_name, b"tom", b"laura")
        seen = await watch(source, replica, partitions, None)
        await write(clusters.main, unique_name, b"sam", b"eve")
        await write(clusters.failover, unique_name, b"eve")
        read.clear()
        seen = await watch(source, replica, partitions, seen)
        assert sorted(read) == [1, 2, 3, 4], "what is new, and then all"
        assert [mark.hole for mark in seen.marks] == [
            Hole(partition=f"{unique_name}-0", first=2, last=2, records=1)
        ]
        assert not seen.marks[0].alike or seen.marks[0].hole is not None


async def test_a_copy_that_was_delivered_twice_is_not_taken_for_the_end(clusters, unique_name):
    async with both(clusters, unique_name) as (source, replica):
        partitions = await source.partitions([unique_name])
        await write_both(clusters, unique_name, b"tom", b"laura")
        seen = await watch(source, replica, partitions, None)
        await write(clusters.failover, unique_name, b"tom")
        found = await compare(source, replica, [unique_name], following=Following(seen))
        assert found.behind == (f"{unique_name}-0",), "laura will come once more"
        seen = await watch(source, replica, partitions, seen)
        assert not seen.marks[0].alike
        await write(clusters.failover, unique_name, b"laura")
        seen = await watch(source, replica, partitions, seen)
        assert seen.marks[0].alike
        found = await compare(source, replica, [unique_name], following=Following(seen))
        assert found.cut is not None


async def test_after_a_switch_reading_goes_on_from_what_was_seen_the_other_way(
    clusters, unique_name, read, monkeypatch
):
    """All partitions are new in that direction: in turns it would take minutes."""
    async with both(clusters, unique_name, partitions=2) as (source, replica):
        partitions = await source.partitions([unique_name])
        for partition in range(2):
            await write(
                clusters.main, unique_name, b"tom", partition=partition, transactional_id="x"
            )
            await write(clusters.failover, unique_name, b"tom", partition=partition)
        await committed(source, partitions, 2)
        there = await watch(source, replica, partitions, None)
        for partition in range(2):
            await write(clusters.main, unique_name, b"laura", partition=partition)
            await write(clusters.failover, unique_name, b"laura", partition=partition)
        await write(clusters.failover, unique_name, b"sam", partition=0)
        read.clear()
        monkeypatch.setattr(replica_module, "WIDELY_AT_ONCE", 0)
        known = seen_both_ways(None, there)
        back = await watch(replica, source, partitions, known, back=there)
        assert [mark.postponed for mark in back.marks] == [False, False]
        assert [mark.alike for mark in back.marks] == [False, True]
        assert [mark.anchor for mark in back.marks] == [Anchor(1, 2), Anchor(1, 2)]
        assert sum(read) == 2 + 1 + 2 + 2, "markers of what was written in transactions included"
        unknown = await watch(replica, source, partitions, known)
        assert [mark.postponed for mark in unknown.marks] == [True, True]


async def test_of_what_is_unknown_some_is_read_at_each_look(
    clusters, unique_name, read, monkeypatch
):
    monkeypatch.setattr(replica_module, "WIDELY_AT_ONCE", 1)
    async with both(clusters, unique_name, partitions=3) as (source, replica):
        partitions = await source.partitions([unique_name])
        for partition in range(3):
            for bootstrap in (clusters.main, clusters.failover):
                await write(bootstrap, unique_name, b"tom", partition=partition)
        seen, postponed = None, []
        for _ in range(4):
            seen = await watch(source, replica, partitions, seen)
            postponed.append([mark.postponed for mark in seen.marks])
        assert postponed == [
            [False, True, True],
            [False, False, True],
            [False, False, False],
            [False, False, False],
        ]
        assert read == [1] * 6, "each once from each side"
        assert all(mark.alike for mark in seen.marks)
